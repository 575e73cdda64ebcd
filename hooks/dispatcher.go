package hooks

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Dispatcher gives events to the hooks of the plan in force. All its methods may
// be called from any goroutine; Dispatch and Enqueue under any lock.
type Dispatcher struct {
	log   func() *zap.Logger
	store Store // nil: nothing outlives the process

	ctx     context.Context // of all runs; ends when Close can wait no longer
	cancel  context.CancelFunc
	running sync.WaitGroup // workers, and what reads from the store

	mu     sync.Mutex
	plan   *Plan
	queues map[string]*queue
	before map[string]Backlog // what queues had lost by kind when that was last said
	closed bool               // nothing is taken any more
	ticker *time.Timer        // runs tick; nil: it is not needed

	saving sync.Mutex // held while the store is written to
}

// NewDispatcher returns a dispatcher without a plan. It starts no goroutine
// before there is something to do. log is called when something is to be said.
func NewDispatcher(log func() *zap.Logger, store Store) *Dispatcher {
	d := &Dispatcher{log: log, store: store, queues: make(map[string]*queue), before: make(map[string]Backlog), plan: noPlan}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

var noPlan = &Plan{For: func(Name, string) []*Hook { return nil }}

// Apply puts a plan into force. What is queued goes on under it.
func (d *Dispatcher) Apply(p *Plan) {
	if p == nil {
		p = noPlan
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.plan = p
	for name, q := range d.queues {
		if !slices.ContainsFunc(p.Hooks, func(h *Hook) bool { return h.Name == name }) {
			d.forget(name, q)
		}
	}
	for _, h := range p.Hooks {
		if q := d.queues[h.Name]; q != nil {
			q.hook = h
			d.employ(q)
		} else if h.Policy.Persist {
			d.queue(h) // there may be something to go on with
		}
	}
	if d.store != nil {
		names := slices.Collect(maps.Keys(d.queues))
		d.running.Go(func() { d.tidy(names) })
	}
}

// forget lets go of a queue that has nothing to do. mu is held.
func (d *Dispatcher) forget(name string, q *queue) {
	idle := q.length == 0 && q.workers == 0 && !q.loading && !q.unread && !q.dirty && !q.kept
	if idle && q.lost == 0 && q.late == 0 && q.refused == 0 {
		delete(d.queues, name)
	}
}

// HasHooks tells whether some hook waits for such an event, so that it is worth
// making.
func (d *Dispatcher) HasHooks(name Name, mount string) bool {
	d.mu.Lock()
	p := d.plan
	d.mu.Unlock()
	return len(p.For(name, mount)) > 0
}

// Dispatch queues an event for all hooks that wait for it. It never blocks.
func (d *Dispatcher) Dispatch(e *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.plan.For(e.Name, e.Mount) {
		d.enqueue(d.queue(h), e)
	}
}

// Enqueue queues an event for one hook: as the plan in force has it or, if it has
// no hook of that name any more, as it is here.
func (d *Dispatcher) Enqueue(h *Hook, e *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enqueue(d.queue(h), e)
}

// queue returns the queue of a hook. mu is held.
func (d *Dispatcher) queue(h *Hook) *queue {
	q := d.queues[h.Name]
	if q == nil {
		q = newQueue(h)
		if d.closed { // what the store has of it is not known, and is not to be lost
			return q
		}
		d.queues[h.Name] = q
		if h.Policy.Persist && d.store != nil {
			q.loading = true
			d.running.Go(func() { d.load(q, h.Label, h.Name, 0) })
		}
	}
	return q
}

func (d *Dispatcher) enqueue(q *queue, e *Event) {
	if d.closed {
		// A stream that took long to end: it is too late for all but the store.
		if q.hook.Policy.Persist && d.queues[q.hook.Name] == q && q.put(e) {
			d.tickSoon(0)
		}
		return
	}
	if !q.put(e) || q.dirty {
		d.tickSoon(tickStep)
	}
	d.employ(q)
}

// lastWorkers is how many events at a time are done at the end, of a hook whose queue
// can't be kept. Some of what is done then goes on alone, as programs do.
const lastWorkers = 256

// employ starts as many workers as a queue has use for. mu is held.
func (d *Dispatcher) employ(q *queue) {
	most := max(1, q.hook.Policy.Workers)
	if d.closed && !q.hook.Policy.Persist {
		most = max(most, lastWorkers)
	}
	for n := len(q.ready); n > 0 && q.workers < most && !q.loading && d.ctx.Err() == nil; n-- {
		q.workers++
		d.running.Go(func() { d.work(q) })
	}
}

// work runs a hook for one event after the other, until none is left whose turn
// it is.
func (d *Dispatcher) work(q *queue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(q.ready) > 0 && d.ctx.Err() == nil {
		l, h := q.next(), q.hook
		e := l.events[0]
		d.mu.Unlock()
		var err error
		expired := h.Policy.expired(e, time.Now())
		if !expired {
			err = h.Runner.Run(d.ctx, e)
		}
		d.mu.Lock()
		d.settle(q, l, h, err, expired)
	}
	q.workers--
}

// settle does what follows from a run. mu is held, but not while the log is
// written to.
func (d *Dispatcher) settle(q *queue, l *lane, h *Hook, err error, expired bool) {
	e := l.events[0]
	again := err != nil && q.hook.Policy.again(err, e, time.Now())
	if again && d.ctx.Err() != nil {
		return // it was cut off by the end, and is kept if may be
	}
	if l.failures > 0 {
		q.failing--
	}
	switch {
	case again:
		l.failures++
		q.failing++
		l.timer = time.AfterFunc(pause(l.failures, rand.Float64()), func() { d.resume(q, l) }) //nolint:gosec // jitter
	default:
		q.pop(l)
	}
	switch {
	case expired:
		q.late++
	case err != nil && !again:
		q.refused++
	}
	if q.dirty || expired {
		d.tickSoon(tickStep)
	}
	said := q.said
	works := err == nil && !expired && q.failing == 0
	q.said = (said || err != nil) && !works
	d.mu.Unlock()
	defer d.mu.Lock()
	mount, _, _ := strings.Cut(e.Mount, "?") // a query may hold what nobody shall read in the log
	log := d.log().With(zap.String("hook", h.Label), zap.String("event", string(e.Name)), zap.String("mount", mount), zap.String("id", e.ID))
	switch {
	case err != nil && d.ctx.Err() != nil:
		log.Info("a hook is not waited for, since the station ends", zap.Error(err))
	case err != nil && said: // once is enough, until it works again
		log.Debug("a hook failed again", zap.Error(err))
	case again:
		log.Warn("a hook fails; it is tried again", zap.Error(err))
	case err != nil:
		log.Error("a hook failed", zap.Error(err))
	case works && said:
		log.Info("a hook works again")
	}
}

// resume tries again what has failed.
func (d *Dispatcher) resume(q *queue, l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || l.timer == nil {
		return
	}
	l.timer = nil
	q.ready = append(q.ready, l)
	d.employ(q)
}

// Close does what is still to do, until ctx is done, keeps what may be kept, and
// returns when no goroutine of the dispatcher is left. Events that come later are
// kept, or else for nobody.
func (d *Dispatcher) Close(ctx context.Context) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.closed = true
	for _, q := range d.queues {
		for _, l := range q.lanes {
			if l.timer != nil {
				l.timer.Stop()
				l.timer = nil
			}
		}
		d.employ(q)
	}
	if d.ticker != nil {
		d.ticker.Stop()
	}
	d.mu.Unlock()
	stop := context.AfterFunc(ctx, d.cancel)
	d.running.Wait()
	stop()
	d.cancel()
	d.mu.Lock()
	for _, q := range d.queues {
		if !q.hook.Policy.Persist || d.store == nil || q.unread {
			q.lost += uint64(q.length)
		}
	}
	d.mu.Unlock()
	for range lastSaves { // what comes while it is kept is kept, too
		d.tick()
		if !d.isDirty() {
			break
		}
	}
}

// lastSaves is how often what is queued is kept at the end, at most.
const lastSaves = 3

// isDirty tells whether something is queued that may be kept and is not.
func (d *Dispatcher) isDirty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.queues {
		if q.dirty && !q.loading && !q.unread && d.store != nil {
			return true
		}
	}
	return false
}
