package relay

import (
	"context"
	"errors"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// errMute says that an upstream answered and sent nothing that sounds.
var errMute = errors.New("the upstream answers, but sends nothing that sounds")

// play feeds the mount from a link until that ends. It returns an error if nothing was
// heard.
func (p *puller) play(l *upstreamConn) error {
	defer l.close()
	src := &streaming.Source{
		User: "relay", Addr: l.addr(), Interval: l.interval(),
		Upstream: l.upstream.URL, BatchReads: streaming.ReadBatcher(l.answer.conn),
	}
	heard := false
	src.OnFirstUnit = func() {
		heard = true
		p.sounds(src, l)
	}
	if !p.begin(src, l) {
		return errOutdated
	}
	defer p.forget()
	if err := p.manager.station.NewSource(p.mount, src, l.info(), l.close); err != nil {
		return err
	}
	if r := streaming.Reason(p.reason.Load()); r != streaming.Running {
		src.Stop(r) // it was stopped meanwhile
	}
	stopPreferring := p.prefer(l)
	reason := src.Run(l.answer.Body)
	stopPreferring()
	src.End()
	if !heard {
		p.mute = l.upstream.URL
		return errMute
	}
	p.end(src, l, reason)
	if reason == streaming.ShuttingDown {
		return streaming.ErrClosed
	}
	return nil
}

// begin takes a link into use. It reports false if the settings have become others for
// which it is none.
func (p *puller) begin(src *streaming.Source, l *upstreamConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	settings := p.settings.Load()
	if !settings.carriesOn(&Config{NoMetadata: l.noMetadata}, l.upstream) {
		return false
	}
	src.SetOnDemand(settings.OnDemand)
	p.link = l
	p.source.Store(src)
	return true
}

func (p *puller) forget() {
	p.source.Store(nil)
	p.mu.Lock()
	p.link = nil
	p.mu.Unlock()
}

// sounds makes known that the relay plays.
func (p *puller) sounds(src *streaming.Source, l *upstreamConn) {
	p.failing.Store(false)
	p.mute = ""
	kind := src.Mount().Kind()
	p.kind.Store(&kind)
	p.become(Playing, l.upstream.URL, "")
	p.manager.tell(Event{Kind: Up, Mount: p.mount, Upstream: l.upstream.label()})
}

// end makes known that it does not any more.
func (p *puller) end(src *streaming.Source, l *upstreamConn, reason streaming.Reason) {
	p.become(Waiting, "", reason.String())
	p.manager.tell(Event{
		Kind: Down, Mount: p.mount, Upstream: l.upstream.label(),
		Cause: reason.String(), Duration: time.Since(src.Since),
	})
	if reason == streaming.Disconnected || reason == streaming.Finished || reason == streaming.TimedOut {
		p.manager.broke(p.settings.Load())
	}
}

// prefer looks, while the relay plays, for a better upstream, and makes the source
// end when there is one. The function that it returns ends that.
func (p *puller) prefer(l *upstreamConn) (stop func()) {
	if p.settings.Load().mirrored {
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
			better := p.lookForBetter(ctx, l)
			if better == nil {
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

// lookForBetter opens a link to an upstream that is better than one that plays, if that
// is wanted and it answers before ctx ends.
func (p *puller) lookForBetter(ctx context.Context, l *upstreamConn) *upstreamConn {
	settings := p.settings.Load()
	n := 0
	for n < len(settings.Upstreams) && !settings.Upstreams[n].same(l.upstream) {
		n++
	}
	if !settings.PreferFirst || n == 0 || n == len(settings.Upstreams) {
		return nil
	}
	better, err := p.open(ctx, settings, settings.Upstreams[:n])
	if err != nil {
		return nil
	}
	return better
}

// open opens a link to the first of some upstreams that sends the stream. It gives up when
// ctx ends, but the link lasts as long as the relay.
func (p *puller) open(ctx context.Context, settings *Config, upstreams []Upstream) (*upstreamConn, error) {
	life, end := context.WithCancel(p.ctx)
	keep := context.AfterFunc(ctx, end)
	d := p.dialer(settings)
	l, err := d.first(life, upstreams)
	if errors.Is(err, ErrLoop) && len(d.below) > 0 {
		// Perhaps it is only one of those who wait that would hear itself, or says so.
		d.below = nil
		l, err = d.first(life, upstreams)
	}
	if err == nil && !keep() {
		l.close()
		err = ctx.Err()
	}
	if err != nil {
		keep()
		end()
		return nil, err
	}
	last := l.cancel
	l.cancel = func() { last(); end() }
	return l, nil
}
