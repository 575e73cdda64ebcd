package relay

import (
	"context"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// play feeds the mount from a link until that ends. It returns an error if the
// mount could not be fed.
func (p *puller) play(l *link) error {
	defer l.close()
	settings := p.settings.Load()
	src := &streaming.Source{
		User: "relay", Addr: l.addr(), Interval: l.interval(),
		Upstream: l.upstream.URL, OnDemand: settings.OnDemand,
		Gather: streaming.Gatherer(l.answer.conn),
	}
	if err := p.manager.station.NewSource(p.mount, src, l.info(), l.close); err != nil {
		return err
	}
	p.begin(src, l)
	stopPreferring := p.prefer(settings, l)
	reason := src.Run(l.answer.Body)
	stopPreferring()
	p.source.Store(nil)
	src.End()
	p.end(src, l, reason)
	return nil
}

// begin makes known that the relay plays.
func (p *puller) begin(src *streaming.Source, l *link) {
	p.source.Store(src)
	if r := streaming.Reason(p.reason.Load()); r != streaming.Running {
		src.Stop(r) // it was stopped meanwhile
	}
	p.failing.Store(false)
	p.mu.Lock()
	p.link = l
	p.mu.Unlock()
	p.become(Playing, l.upstream.URL, "")
	p.manager.tell(Event{Kind: Up, Mount: p.mount, Upstream: l.upstream.URL})
}

// end makes known that it does not any more.
func (p *puller) end(src *streaming.Source, l *link, reason streaming.Reason) {
	p.mu.Lock()
	p.link = nil
	p.mu.Unlock()
	p.become(Waiting, "", reason.String())
	p.manager.tell(Event{
		Kind: Down, Mount: p.mount, Upstream: l.upstream.URL,
		Cause: reason.String(), Lasted: time.Since(src.Since),
	})
	if reason == streaming.Departed || reason == streaming.Finished || reason == streaming.TimedOut {
		p.manager.broke(p.settings.Load())
	}
}

// prefer looks, while the relay plays, for a better upstream, and makes the source
// end when there is one. The function that it returns ends that.
func (p *puller) prefer(settings *Relay, l *link) (stop func()) {
	n := 0
	for n < len(settings.Upstreams) && !settings.Upstreams[n].same(l.upstream) {
		n++
	}
	if !settings.PreferFirst || n == 0 || n == len(settings.Upstreams) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(p.manager.preferEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
			better, err := p.dialer(settings).first(p.ctx, settings.Upstreams[:n])
			if err != nil {
				continue
			}
			if s := p.source.Load(); s == nil || ctx.Err() != nil {
				better.close()
			} else {
				p.better = better // run reads it when the source has ended, and we have
				s.Stop(streaming.Replaced)
			}
			return
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
