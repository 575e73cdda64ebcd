package streaming

import (
	"context"
	"time"
)

// Close ends the station for good: sources are stopped, listeners receive what is in the
// log and are disconnected. It returns when all that is over, or ctx is done. Then no
// goroutine of the station is left.
func (st *Station) Close(ctx context.Context) error {
	sources, ok := st.beginClose()
	if !ok {
		return nil
	}
	for _, s := range sources {
		s.Stop(ShuttingDown)
	}
	over := make(chan struct{})
	go func() { // it ends when the last stream does, even if ctx is done before
		st.shutDown(sources)
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginClose lets nothing new begin. It returns the sources, and reports false if the
// station is closed already.
func (st *Station) beginClose() (sources []*Source, ok bool) {
	now := time.Now()
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.closedAt.CompareAndSwap(nil, &now) {
		return nil, false
	}
	for s := range st.sources {
		sources = append(sources, s)
	}
	for _, m := range st.mounts {
		if m.linger != nil {
			m.linger.Stop()
			m.linger = nil
			m.setStream(nil)
		}
	}
	st.reconsider()
	st.noteDrained()
	return sources, true
}

// noteDrained closes drained if the station is closed and no listener is left. mu is held.
func (st *Station) noteDrained() {
	if st.closedAt.Load() == nil || st.present.all() > 0 {
		return
	}
	st.drainOnce.Do(func() { close(st.drained) })
}

// shutDown waits for the sources, then for the listeners, then stops the shards.
func (st *Station) shutDown(sources []*Source) {
	for _, s := range sources {
		<-s.ended
	}
	<-st.drained
	st.start.Do(func() {}) // a later listener finds no shards
	for _, sh := range st.allShards() {
		close(sh.quit)
	}
	st.running.Wait()
	st.releaseTimer.Stop()
	st.recheck.Stop()
	st.callbacks.close()
}

// closedFor returns how long ago the station was closed, 0 if it was not.
func (st *Station) closedFor(now time.Time) time.Duration {
	if at := st.closedAt.Load(); at != nil {
		return now.Sub(*at)
	}
	return 0
}
