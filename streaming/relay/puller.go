package relay

import (
	"context"
	"errors"
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

	settings atomic.Pointer[Config]
	kind     atomic.Pointer[string] // format.Kind of what was last heard; nil: nothing yet
	failing  atomic.Bool
	source   atomic.Pointer[streaming.Source]
	reason   atomic.Uint32 // for its source, once it is to end

	mu      sync.Mutex
	state   Status
	link    *upstreamConn      // while it is in use
	attempt context.CancelFunc // ends the dialing that is under way; nil: none is
	leaving *time.Timer        // nil: it is on the list
	below   map[string]int     // nodes that wait for the mount, and how often

	// run's.
	better *upstreamConn // what the source is to go over to
	mute   string        // URL of an upstream that answered and did not sound
}

func newPuller(m *Manager, r *Config) *puller {
	p := &puller{
		manager: m, mount: r.Mount, done: make(chan struct{}),
		summons: make(chan struct{}, 1), kicks: make(chan struct{}, 1),
		state: Status{Mount: r.Mount, Since: time.Now()},
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
	defer p.dropBetter()
	for failures := 0; p.ctx.Err() == nil; {
		switch {
		case p.isLeaving():
			p.manager.left(p)
			continue
		case p.isUnwanted():
			p.idle()
			failures = 0
			continue
		case p.isTaken():
			p.yield()
			failures = 0
			continue
		}
		began := time.Now()
		err := p.once()
		failures++
		switch {
		case errors.Is(err, streaming.ErrClosed):
			return
		case errors.Is(err, errOutdated):
			failures = 0
		case err != nil:
			p.fail(err.Error())
		case p.better != nil || time.Since(began) > steady:
			failures = 0
		}
		p.rest(failures)
	}
}

// errOutdated says that the settings have become others during an attempt.
var errOutdated = errors.New("the settings are others now")

// once dials and plays. Until something is heard, listeners wait for a moment, then hear
// what stands in.
func (p *puller) once() error {
	slow := time.AfterFunc(patience, func() {
		if p.status().State != Playing {
			p.delay()
		}
	})
	defer slow.Stop()
	l, err := p.dial()
	if err != nil {
		return err
	}
	return p.play(l)
}

// isTaken tells whether the mount has a source that is no relay.
func (p *puller) isTaken() bool {
	m := p.manager.station.Mount(p.mount)
	if m == nil {
		return false
	}
	s := m.Source()
	return s != nil && s.Upstream == ""
}

// yield waits until the mount has no source of its own any more.
func (p *puller) yield() {
	p.fail("the mount has a source of its own")
	for p.ctx.Err() == nil && !p.isLeaving() {
		changed := p.manager.station.Changed()
		if !p.isTaken() {
			return
		}
		select {
		case <-changed:
		case <-p.kicks:
		case <-p.ctx.Done():
		}
	}
}

// dropBetter closes a link that nobody will go over to.
func (p *puller) dropBetter() {
	if p.better != nil {
		p.better.close()
		p.better = nil
	}
}

func (p *puller) isUnwanted() bool {
	return p.settings.Load().OnDemand && !p.manager.station.HasDemand(p.mount)
}

// idle waits until somebody wants to hear the relay.
func (p *puller) idle() {
	p.become(Idle, "", "")
	p.failing.Store(false)
	p.dropBetter()
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

// dial opens a link, unless there is one already that is better. It gives up if the
// settings become others meanwhile.
func (p *puller) dial() (*upstreamConn, error) {
	if l := p.better; l != nil {
		p.better = nil
		return l, nil
	}
	p.become(Dialing, "", "")
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	p.mu.Lock()
	p.attempt = cancel
	settings := p.settings.Load()
	p.mu.Unlock()
	l, err := p.open(ctx, settings, p.order(settings.Upstreams))
	p.mu.Lock()
	p.attempt = nil
	p.mu.Unlock()
	if err != nil && ctx.Err() != nil && p.ctx.Err() == nil {
		err = errOutdated
	}
	return l, err
}

// order returns the upstreams as they are to be tried: after one that was mute the next
// is the first.
func (p *puller) order(upstreams []Upstream) []Upstream {
	i := slices.IndexFunc(upstreams, func(u Upstream) bool { return u.URL == p.mute })
	if i < 0 {
		return upstreams
	}
	return slices.Concat(upstreams[i+1:], upstreams[:i+1])
}

func (p *puller) dialer(settings *Config) *dialer {
	return &dialer{
		agent: p.manager.agent, id: p.manager.ID, below: p.waiting(),
		noMetadata: settings.NoMetadata, within: settings.timeout(),
	}
}
