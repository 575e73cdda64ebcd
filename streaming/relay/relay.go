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
	// patience is how long listeners wait for an attempt before they hear a fallback.
	patience = 2 * time.Second

	// preferInterval is how often a relay asks its better upstreams.
	preferInterval = 10 * time.Second

	// leaveTime is how long a stream may play on after its mount left the master's list:
	// the list can arrive before the end of the stream.
	leaveTime = 5 * time.Second
)

var (
	// errOutdated reports that the configuration changed during an attempt.
	errOutdated = errors.New("the configuration has changed")

	errLocalSource = errors.New("the mount has a source of its own")
)

// relay pulls one mount. Its run method is one goroutine, which also calls what is in
// attempt.go and playback.go; any goroutine may call the other methods.
type relay struct {
	manager  *Manager
	mount    string
	ctx      context.Context
	cancel   context.CancelFunc
	demand   chan struct{} // cap 1: a listener asks for the mount
	retries  chan struct{} // cap 1: the next attempt begins now
	settings atomic.Pointer[Config]

	kind    atomic.Pointer[string] // format.Kind of the last stream; nil: none yet
	delayed atomic.Bool            // status.delayed, readable under the station's lock
	source  atomic.Pointer[streaming.Source]
	reason  atomic.Uint32 // a streaming.Reason to stop the source with; Running: none

	mu         sync.Mutex
	status     Status
	conn       *upstreamConn      // in use; nil: none
	endAttempt context.CancelFunc // ends the dialing; nil: nothing is dialed
	endLeaving context.CancelFunc // keeps the relay; nil: its mount is on the list
	files      *masterClient      // for HLS of the upstream in use; nil: none was needed
	downstream map[string]int     // nodes that wait for the mount, and how often

	// Owned by run.
	better         *upstreamConn // replaces the one in use
	silentUpstream string        // URL of an upstream that sent no audio, or fell silent
	lastSound      time.Time     // of silentUpstream; zero: it sent no audio
	pauses         streaming.Pauses
}

func newRelay(m *Manager, c *Config) *relay {
	r := &relay{
		manager: m, mount: c.Mount,
		demand: make(chan struct{}, 1), retries: make(chan struct{}, 1),
		status:     Status{Mount: c.Mount, Since: time.Now()},
		downstream: make(map[string]int),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.settings.Store(c)
	return r
}

// run pulls the mount until the relay is stopped.
func (r *relay) run() {
	defer r.change(change{trigger: removed})
	defer r.closeBetter()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.closeFiles()
	}()
	for failures := 0; r.ctx.Err() == nil; {
		switch {
		case r.isLeaving():
			r.manager.finishLeaving(r)
			continue
		case !r.hasDemand():
			r.waitForDemand()
			failures = 0
			continue
		case r.hasLocalSource():
			r.waitForLocalSource()
			failures = 0
			continue
		}
		began := time.Now()
		err := r.attempt()
		failures++
		switch {
		case errors.Is(err, streaming.ErrClosed):
			return
		case errors.Is(err, errOutdated), errors.Is(err, streaming.ErrMountInUse) && r.settings.Load().isPeers:
			failures = 0 // in the latter case an encoder has come while the upstream was dialed
		case err != nil:
			r.fail(err)
		case r.better != nil || time.Since(began) > steadyTime:
			failures = 0
		}
		r.waitToRetry(failures)
	}
}

// change applies a change to the status and announces it.
func (r *relay) change(c change) {
	c.at = time.Now()
	r.mu.Lock()
	before := r.status.delayed
	next, event := r.status.next(c)
	r.status = next
	r.delayed.Store(next.delayed)
	r.mu.Unlock()
	if event != nil {
		r.manager.observe(*event)
	}
	if next.delayed && !before {
		r.manager.station.Reconsider()
	}
}

// fail notes a failed attempt, unless the relay was stopped meanwhile.
func (r *relay) fail(err error) {
	if r.ctx.Err() == nil {
		r.change(change{trigger: attemptFailed, cause: err.Error()})
	}
}

// hasLocalSource reports whether the mount has a source that is no relay.
func (r *relay) hasLocalSource() bool {
	m := r.manager.station.Mount(r.mount)
	if m == nil {
		return false
	}
	s := m.Source()
	return s != nil && s.Upstream == ""
}

// waitForLocalSource waits for the end of the mount's local source.
func (r *relay) waitForLocalSource() {
	if !r.settings.Load().isPeers { // else the encoder has just come
		r.fail(errLocalSource)
	}
	for r.ctx.Err() == nil && !r.isLeaving() {
		changed := r.manager.station.Changed()
		if !r.hasLocalSource() {
			return
		}
		select {
		case <-changed:
		case <-r.retries:
		case <-r.ctx.Done():
		}
	}
}

// waitToRetry waits for the next attempt.
func (r *relay) waitToRetry(failures int) {
	wait := time.NewTimer(backoff(failures))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.retries:
	case <-r.ctx.Done():
	}
}

// stop ends the relay, and its source for the given reason. It does not wait.
func (r *relay) stop(reason streaming.Reason) {
	r.reason.CompareAndSwap(uint32(streaming.Running), uint32(reason))
	if s := r.source.Load(); s != nil {
		s.Stop(reason)
	}
	r.cancel()
}

// retryNow begins the next attempt without waiting. It takes no lock.
func (r *relay) retryNow() {
	select {
	case r.retries <- struct{}{}:
	default:
	}
}

// addDownstream changes by n how often each of some nodes waits for the mount.
func (r *relay) addDownstream(ids []string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.downstream[id] += n; r.downstream[id] <= 0 {
			delete(r.downstream, id)
		}
	}
}

// downstreamIDs returns the nodes that wait for the mount.
func (r *relay) downstreamIDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.downstream))
}

// path returns the nodes through which the stream comes.
func (r *relay) path() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return nil
	}
	return r.conn.path
}

// currentStatus returns the status with what the configuration adds to it.
func (r *relay) currentStatus() Status {
	settings := r.settings.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.OnDemand, s.Mirrored = settings.OnDemand, settings.mirrored
	return s
}

// adopt takes another configuration. It reports false if the relay must be replaced.
func (r *relay) adopt(c *Config) bool {
	before := r.settings.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil && !c.keeps(r.conn.upstream, before.NoMetadata) {
		return false
	}
	same := c.same(before)
	if s := r.source.Load(); s != nil {
		s.SetOnDemand(c.OnDemand)
	}
	if r.endAttempt != nil && !same {
		r.endAttempt()
	}
	if r.endLeaving != nil {
		r.endLeaving()
		r.endLeaving = nil
		r.retryNow()
	}
	r.settings.Store(c)
	if r.conn == nil && !same {
		r.retryNow()
	}
	return true
}

// leave ends the relay after leaveTime, or with its stream. The manager's mu is held.
func (r *relay) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.endLeaving != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.endLeaving = cancel
	r.manager.running.Go(func() {
		defer cancel()
		last := time.NewTimer(leaveTime)
		defer last.Stop()
		select {
		case <-last.C:
			r.manager.finishLeaving(r)
		case <-ctx.Done():
		}
	})
}

func (r *relay) isLeaving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.endLeaving != nil
}
