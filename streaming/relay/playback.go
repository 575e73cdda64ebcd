package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

var errSilentUpstream = errors.New("the upstream answers, but sends no audio")

// play feeds the mount from a connection until that ends. It returns an error if no unit
// has arrived.
func (r *relay) play(c *upstreamConn) error {
	defer c.close()
	src := &streaming.Source{
		User: "relay", Addr: c.addr(), Interval: c.interval(),
		Upstream: c.upstream.URL, Yields: r.settings.Load().isPeers, Pauses: &r.pauses, BatchReads: streaming.ReadBatcher(c.answer.conn),
	}
	played := false
	src.OnFirstUnit = func() {
		played = true
		r.notePause(c.upstream)
		kind := src.Mount().Kind()
		r.kind.Store(&kind)
		r.change(change{trigger: firstUnit, upstream: c.upstream})
	}
	if !r.use(src, c) {
		return errOutdated
	}
	defer r.release()
	if err := r.manager.station.NewSource(r.mount, src, c.info(), c.close); err != nil {
		return err
	}
	if reason := streaming.Reason(r.reason.Load()); reason != streaming.Running {
		src.Stop(reason) // stop was called before there was a source
	}
	stopPreferring := r.prefer(c)
	reason := src.Run(c.answer.Body)
	stopPreferring()
	src.End()
	if !played {
		r.silentUpstream, r.lastSound = c.upstream.URL, time.Time{}
		return errSilentUpstream
	}
	if reason == streaming.TimedOut {
		r.silentUpstream, r.lastSound = c.upstream.URL, src.LastSound()
	}
	r.change(change{trigger: streamEnded, upstream: c.upstream, cause: reason.String(), lasted: time.Since(src.Since)})
	switch reason {
	case streaming.Disconnected, streaming.Finished, streaming.TimedOut:
		r.manager.upstreamLost(r.settings.Load())
	case streaming.ShuttingDown:
		return streaming.ErrClosed
	}
	return nil
}

// notePause notes, with the first unit of a connection, whether the upstream that had fallen
// silent only paused: it is the one that sends again.
func (r *relay) notePause(u Upstream) {
	if u.URL == r.silentUpstream && !r.lastSound.IsZero() {
		r.pauses.Note(time.Since(r.lastSound), time.Now())
	}
	r.silentUpstream, r.lastSound = "", time.Time{}
}

// use notes the connection in use. It reports false if the configuration has changed, so
// that the connection does not fit it.
func (r *relay) use(src *streaming.Source, c *upstreamConn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	settings := r.settings.Load()
	if !settings.keeps(c.upstream, c.noMetadata) {
		return false
	}
	src.SetOnDemand(settings.OnDemand)
	r.conn = c
	r.source.Store(src)
	return true
}

// release undoes use.
func (r *relay) release() {
	r.source.Store(nil)
	r.mu.Lock()
	r.conn = nil
	r.mu.Unlock()
}

// prefer looks for a better upstream while the relay plays, and ends the source when there
// is one. The function it returns ends the search and waits for its end.
func (r *relay) prefer(c *upstreamConn) (stop func()) {
	if r.settings.Load().mirrored {
		return func() {}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	var search sync.WaitGroup
	search.Go(func() {
		interval := time.NewTicker(r.manager.preferInterval)
		defer interval.Stop()
		for {
			select {
			case <-interval.C:
			case <-ctx.Done():
				return
			}
			if better := r.openBetter(ctx, c); better != nil {
				r.replace(ctx, better)
				return
			}
		}
	})
	return func() {
		cancel()
		search.Wait()
	}
}

// openBetter connects to an upstream that is better than the one of c, if the relay prefers
// that and one answers before ctx ends.
func (r *relay) openBetter(ctx context.Context, c *upstreamConn) *upstreamConn {
	settings := r.settings.Load()
	n := slices.IndexFunc(settings.Upstreams, c.upstream.same)
	if !settings.PreferFirst || n <= 0 {
		return nil
	}
	better, err := r.open(ctx, settings, settings.Upstreams[:n])
	if err != nil {
		return nil
	}
	return better
}

// replace ends the source in favour of a better connection. The caller is waited for by
// run, which reads better afterwards.
func (r *relay) replace(ctx context.Context, better *upstreamConn) {
	s := r.source.Load()
	if s == nil || ctx.Err() != nil {
		better.close()
		return
	}
	r.better = better
	s.Stop(streaming.Replaced)
}
