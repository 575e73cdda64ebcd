package streaming

import (
	"context"
	"time"
)

// windStep is how often a station that ends looks whether somebody is left.
const windStep = 5 * time.Millisecond

// Close ends the station for good: sources are stopped, listeners get what is in
// the log and are let go. It returns when all that is over, or ctx is done. Then
// no goroutine of the station is left.
func (st *Station) Close(ctx context.Context) error {
	now := time.Now()
	st.mu.Lock()
	already := !st.closedAt.CompareAndSwap(nil, &now)
	sources := make([]*Source, 0, len(st.sources))
	for s := range st.sources {
		sources = append(sources, s)
	}
	for _, m := range st.mounts {
		if m.linger != nil {
			m.linger.Stop()
			m.linger = nil
			m.setOwn(nil)
		}
	}
	st.reconsider()
	st.mu.Unlock()
	if already {
		return nil
	}
	for _, s := range sources {
		s.Stop(ShuttingDown)
	}
	over := make(chan struct{})
	go func() { // it ends when the last stream does, even if nobody waits for it
		st.wind(sources)
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wind waits for the sources, then for the listeners, then stops the shards.
func (st *Station) wind(sources []*Source) {
	for _, s := range sources {
		<-s.ended
	}
	for st.listeners.Load() > 0 {
		time.Sleep(windStep)
	}
	st.start.Do(func() {}) // whoever comes too late finds no shards
	for _, sh := range st.allShards() {
		close(sh.quit)
	}
	st.running.Wait()
	st.settling.Stop()
	st.again.Stop()
	st.departures.close()
}

// closedFor returns how long ago the station was closed, 0 if it was not.
func (st *Station) closedFor(now time.Time) time.Duration {
	if at := st.closedAt.Load(); at != nil {
		return now.Sub(*at)
	}
	return 0
}
