package hooks

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Dispatcher delivers events to the hooks of the plan in force. All methods may be
// called from any goroutine; Dispatch, Enqueue and HasHooks never block and may be
// called under any lock.
type Dispatcher struct {
	log   func() *zap.Logger
	store Store // nil: nothing outlives the process

	ctx     context.Context // of all runs and reads; ends when Close can wait no longer
	cancel  context.CancelFunc
	running sync.WaitGroup // all goroutines, until Close

	mu        sync.Mutex // guards all below, and the queues
	plan      *Plan
	queues    map[string]*queue  // by the name of the hook
	forgotten map[string]Backlog // by kind, the counts of queues that are no more
	wills     map[string][]will  // by the ID of the event
	pulse     *time.Timer        // runs beat; nil: there was no will the last time
	closed    bool
	ticker    *time.Timer   // runs flush; nil: nothing is due
	flushDue  time.Time     // when ticker does
	interval  time.Duration // between two flushes

	flushing sync.Mutex // held while flush runs; taken before mu
}

// NewDispatcher returns a dispatcher without a plan. It starts no goroutine before
// there is an event or a stored queue. log returns the logger of the configuration
// in force; it is called for each line, without a lock. Without a store, which may
// be nil, all queues are in memory only.
func NewDispatcher(log func() *zap.Logger, store Store) *Dispatcher {
	d := &Dispatcher{
		log: log, store: store, plan: noPlan, interval: flushInterval,
		queues: make(map[string]*queue), forgotten: make(map[string]Backlog), wills: make(map[string][]will),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

var noPlan = &Plan{For: func(Name, string) []*Hook { return nil }}

// Apply puts a plan into force; nil is a plan without hooks. Queues of hooks that
// the plan has too, by name, continue with the new settings; queues of other hooks
// continue with the old ones until they are empty.
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
		if !p.has(name) {
			d.forget(name, q)
		}
	}
	for _, h := range p.Hooks {
		if q := d.queues[h.Name]; q != nil {
			q.hook = h
			d.open(q)
			d.startWorkers(q)
		} else if d.store != nil {
			d.queue(h) // it, or its wills, may have been stored
		}
	}
	if d.store != nil {
		var names []string
		for name := range d.queues {
			names = append(names, name, willsOf(name))
		}
		d.running.Go(func() { d.deleteStale(names) })
	}
}

// HasHooks reports whether an event of that name on that mount has hooks in the
// plan in force, so that it is worth making.
func (d *Dispatcher) HasHooks(name Name, mount string) bool {
	d.mu.Lock()
	p := d.plan
	d.mu.Unlock()
	return len(p.For(name, mount)) > 0
}

// Dispatch queues an event for all hooks that the plan in force has for it.
func (d *Dispatcher) Dispatch(e *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.plan.For(e.Name, e.Mount) {
		d.enqueue(d.queue(h), e)
	}
	d.withdraw(e.ID)
}

// Enqueue queues an event for one hook: with the settings that the plan in force
// has for the hook of that name, or else with those given here.
func (d *Dispatcher) Enqueue(h *Hook, e *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enqueue(d.queue(h), e)
	d.withdraw(e.ID)
}

// queue returns the queue of a hook. mu is held.
func (d *Dispatcher) queue(h *Hook) *queue {
	q := d.queues[h.Name]
	if q != nil {
		return q
	}
	q = newQueue(h)
	if d.closed { // what is stored of it was never read, and must not be overwritten
		return q
	}
	d.queues[h.Name] = q
	d.open(q)
	return q
}

// open gives a queue its stored part, if it is to have one and has none. It has that
// until it is empty, whatever later settings say. mu is held.
func (d *Dispatcher) open(q *queue) {
	persist := q.hook.Policy.Persist && q.spool == nil
	if d.store == nil || !persist && q.wills != nil {
		return
	}
	if persist {
		q.spool = newSpool()
		for _, k := range q.keys {
			for _, e := range k.events {
				q.spool.add(e)
			}
		}
	}
	if q.wills == nil {
		q.wills = newSpool()
	}
	if q.state.storage == loading || q.state.storage == unavailable {
		return // load reads what is due
	}
	q.state = q.state.next(opened, false)
	d.running.Go(func() { d.load(q, 0) })
}

// enqueue adds an event to a queue. mu is held.
func (d *Dispatcher) enqueue(q *queue, e *Event) {
	if d.closed {
		// A stream ended after Close: its events can still be stored. Nobody waits
		// for this goroutine; storeTimeout bounds its calls.
		if q.spool != nil && q.put(e) && d.ticker == nil {
			d.ticker = time.AfterFunc(0, d.flush)
		}
		return
	}
	if !q.put(e) || q.spool != nil {
		d.flushSoon()
	}
	d.startWorkers(q)
}

// after calls f in a goroutine of its own after a time, unless the dispatcher is
// closed by then. Close waits for f.
func (d *Dispatcher) after(delay time.Duration, f func()) *time.Timer {
	return time.AfterFunc(delay, func() {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			return
		}
		d.running.Add(1)
		d.mu.Unlock()
		defer d.running.Done()
		f()
	})
}

// Close delivers what is queued until ctx is done, stores the rest as far as the
// policies say so, logs what is lost, and returns when no goroutine of the
// dispatcher runs any more. Later events are stored, or else dropped.
func (d *Dispatcher) Close(ctx context.Context) {
	if !d.stop() {
		return
	}
	stop := context.AfterFunc(ctx, d.cancel)
	d.running.Wait()
	stop()
	d.cancel()
	d.countLost()
	d.withdrawAll()
	for range shutdownFlushes { // events may come while others are stored
		d.flush()
		if !d.isDirty() {
			break
		}
	}
}

// shutdownFlushes is how often queues are stored at the end, at most.
const shutdownFlushes = 3

// stop closes the dispatcher to events that can't be stored, and starts the last
// workers. It reports false if that was done before.
func (d *Dispatcher) stop() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	for _, q := range d.queues {
		for _, k := range q.keys {
			if k.timer != nil {
				k.timer.Stop()
				k.timer = nil
			}
		}
		d.startWorkers(q)
	}
	for _, t := range []*time.Timer{d.ticker, d.pulse} {
		if t != nil {
			t.Stop()
		}
	}
	d.ticker = nil
	return true
}

// countLost counts as lost what is queued and can't be stored.
func (d *Dispatcher) countLost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.queues {
		if q.isLost() {
			q.state.counts.lost += uint64(q.length)
		}
	}
}

// isDirty reports whether a queue has something to store.
func (d *Dispatcher) isDirty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.queues {
		if q.isDirty() {
			return true
		}
	}
	return false
}
