package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

const (
	// patience is how long listeners wait for a relay that is asked for before
	// they hear what stands in for it.
	patience = 2 * time.Second

	// preferEvery is how often a relay that prefers another upstream asks it.
	preferEvery = 10 * time.Second

	// leaveTime is how long a stream that is on no list any more may play on: the
	// list says so before the last of the sound has come.
	leaveTime = 5 * time.Second
)

// puller runs one relay.
type puller struct {
	manager *Manager
	mount   string
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	summons chan struct{} // cap 1: somebody wants to hear it
	kicks   chan struct{} // cap 1: an attempt is worth while now

	settings atomic.Pointer[Relay]
	failing  atomic.Bool
	source   atomic.Pointer[streaming.Source]
	reason   atomic.Uint32 // for its source, once it is to end

	mu      sync.Mutex
	state   Link
	link    *link          // while it plays
	leaving *time.Timer    // nil: it is on the list
	below   map[string]int // nodes that wait for the mount, and how often

	better *link // run's: what the source is to go over to
}

func newPuller(m *Manager, r *Relay) *puller {
	p := &puller{
		manager: m, mount: r.Mount, done: make(chan struct{}),
		summons: make(chan struct{}, 1), kicks: make(chan struct{}, 1),
		state: Link{Mount: r.Mount, Since: time.Now()},
		below: make(map[string]int),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.settings.Store(r)
	return p
}

// stop ends the relay, its source for the given reason. It does not wait.
func (p *puller) stop(reason streaming.Reason) {
	p.reason.CompareAndSwap(uint32(streaming.Running), uint32(reason))
	if s := p.source.Load(); s != nil {
		s.Stop(reason)
	}
	p.cancel()
}

// run is the relay's life.
func (p *puller) run() {
	defer close(p.done)
	defer p.become(Ended, "", "")
	for failures := 0; p.ctx.Err() == nil; {
		if p.isLeaving() {
			p.manager.left(p)
			continue
		}
		if p.isUnwanted() {
			p.idle()
			failures = 0
			continue
		}
		l, err := p.dial()
		began := time.Now()
		if err == nil {
			err = p.play(l)
		}
		failures++
		switch {
		case err != nil:
			p.fail(err.Error())
		case p.better != nil || time.Since(began) > steady:
			failures = 0
		}
		p.rest(failures)
	}
}

func (p *puller) isUnwanted() bool {
	return p.settings.Load().OnDemand && !p.manager.station.Wants(p.mount)
}

// idle waits until somebody wants to hear the relay.
func (p *puller) idle() {
	p.become(Idle, "", "")
	p.failing.Store(false)
	select {
	case <-p.summons: // of those who have come and gone
	default:
	}
	if !p.isUnwanted() {
		return // who came a moment ago may have been among those
	}
	select {
	case <-p.summons:
	case <-p.kicks: // the settings are others, perhaps
	case <-p.ctx.Done():
	}
}

// rest waits for the next attempt.
func (p *puller) rest(failures int) {
	wait := time.NewTimer(backoff(failures))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-p.kicks:
	case <-p.ctx.Done():
	}
}

// dial opens a link, unless the source has one already that is better.
func (p *puller) dial() (*link, error) {
	if l := p.better; l != nil {
		p.better = nil
		return l, nil
	}
	if m := p.manager.station.Mount(p.mount); m != nil {
		if s := m.Source(); s != nil && s.Upstream == "" {
			return nil, errors.New("the mount has a source of its own")
		}
	}
	p.become(Dialing, "", "")
	slow := time.AfterFunc(patience, p.delay)
	defer slow.Stop()
	settings := p.settings.Load()
	return p.dialer(settings).first(p.ctx, settings.Upstreams)
}

func (p *puller) dialer(settings *Relay) *dialer {
	return &dialer{
		agent: p.manager.agent, id: p.manager.ID, below: p.waiting(),
		noMetadata: settings.NoMetadata, within: settings.timeout(),
	}
}

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
func (p *puller) status() Link {
	settings := p.settings.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.state
	l.OnDemand, l.Mirrored = settings.OnDemand, settings.mirrored
	return l
}

// adopt takes new settings. It reports false if the relay must begin anew.
func (p *puller) adopt(r *Relay) bool {
	before := p.settings.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil && !r.carriesOn(before, p.link.upstream) {
		return false
	}
	if p.leaving != nil {
		p.leaving.Stop()
		p.leaving = nil
		p.kick()
	}
	p.settings.Store(r)
	if p.link == nil && !r.same(before) {
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
