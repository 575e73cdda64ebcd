package relay

import (
	"maps"
	"slices"
	"time"
)

// become changes what is known of the relay.
func (p *puller) become(s State, upstream, cause string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.State, p.state.Since = s, time.Now()
	if upstream != "" {
		p.state.Upstream, p.state.Failures = upstream, 0
	}
	if cause != "" {
		p.state.Cause = cause
	}
}

// delay makes listeners hear what stands in for a relay that takes its time.
func (p *puller) delay() {
	if !p.failing.Swap(true) {
		p.manager.station.Reconsider()
	}
}

// fail notes that an attempt came to nothing.
func (p *puller) fail(cause string) {
	if p.ctx.Err() != nil {
		return
	}
	p.become(Waiting, "", cause)
	p.mu.Lock()
	p.state.Failures++
	first := p.state.Failures == 1
	p.mu.Unlock()
	if first {
		p.manager.tell(Event{Kind: Failed, Mount: p.mount, Cause: cause})
	}
	p.delay()
}

// summon asks for the relay. It takes no lock.
func (p *puller) summon() {
	select {
	case p.summons <- struct{}{}:
	default:
	}
}

// kick makes the next attempt begin now.
func (p *puller) kick() {
	select {
	case p.kicks <- struct{}{}:
	default:
	}
}

// expect notes that nodes wait for the mount, n of each more.
func (p *puller) expect(ids []string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.below[id] += n; p.below[id] <= 0 {
			delete(p.below, id)
		}
	}
}

// waiting returns the nodes that wait for the mount.
func (p *puller) waiting() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.below))
}

// path returns the nodes through which the stream comes.
func (p *puller) path() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil {
		return nil
	}
	return p.link.path
}

// status returns how the relay stands.
func (p *puller) status() Status {
	settings := p.settings.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.state
	l.OnDemand, l.Mirrored = settings.OnDemand, settings.mirrored
	return l
}

// adopt takes new settings. It reports false if the relay must begin anew.
func (p *puller) adopt(r *Config) bool {
	before := p.settings.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil && !r.carriesOn(before, p.link.upstream) {
		return false
	}
	same := r.same(before)
	if s := p.source.Load(); s != nil {
		s.SetOnDemand(r.OnDemand)
	}
	if p.attempt != nil && !same {
		p.attempt()
	}
	if p.leaving != nil {
		p.leaving.Stop()
		p.leaving = nil
		p.kick()
	}
	p.settings.Store(r)
	if p.link == nil && !same {
		p.kick()
	}
	return true
}

// leave lets the relay end by itself, soon.
func (p *puller) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving == nil {
		p.leaving = time.AfterFunc(leaveTime, func() { p.manager.left(p) })
	}
}

func (p *puller) isLeaving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaving != nil
}
