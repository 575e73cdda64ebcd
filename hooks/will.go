package hooks

import (
	"slices"
	"time"
)

// A will is the event of an end, such as listener_removed, that the next process delivers if this
// one is killed before that end. It is stored beside the queue of its hook, in segments of the same
// form. The event of the real end has the same ID, so a receiver can recognise a second delivery.

const (
	// maxWills bounds the number of wills. Further ends have no event after a crash.
	maxWills = 1 << 17
	// A will waits for one flush interval divided by willDelay at most.
	willDelay = 4
	// pulseInterval is how often a process with wills stores a sign of life.
	pulseInterval = time.Minute
)

// crashed is the reason of an end in a will.
const crashed = "crashed"

// will is a will for one hook.
type will struct {
	queue *queue
	event *queuedEvent
}

// willsOf returns the name under which the store has the wills of a queue.
func willsOf(queue string) string { return queue + " wills" }

// Begin queues the event begin for its hooks in the plan in force, and sets the event end as a will
// for its hooks. A hook that has both gets begin only after the will is stored. A nil begin sets the
// will alone. The time of end is that of the begin. Dispatch of an event with the ID of end withdraws
// the will; without such an event, Withdraw must be called.
func (d *Dispatcher) Begin(begin, end *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.plan.For(end.Name, end.Mount) {
		d.setWill(h, end)
	}
	if begin == nil {
		return
	}
	for _, h := range d.plan.For(begin.Name, begin.Mount) {
		q := d.queue(h)
		d.enqueue(q, begin)
		for _, w := range d.wills[end.ID] {
			if w.queue == q {
				q.holdBack(begin, w.event)
			}
		}
	}
}

// SetWill sets the event of an end as a will for one hook. Enqueue of an event with the same ID
// withdraws it.
func (d *Dispatcher) SetWill(h *Hook, end *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setWill(h, end)
}

// Withdraw withdraws the wills with that event ID, if there are any. It is for ends without an event.
func (d *Dispatcher) Withdraw(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.withdraw(id)
}

// setWill is SetWill while mu is held.
func (d *Dispatcher) setWill(h *Hook, end *Event) {
	if d.closed || d.store == nil || len(d.wills) >= maxWills {
		return
	}
	w := will{d.queue(h), &queuedEvent{event: end, id: end.ID}}
	w.queue.wills.add(w.event)
	d.wills[end.ID] = append(d.wills[end.ID], w)
	d.flushWithin(d.interval / willDelay)
	if d.pulse == nil {
		d.pulse = d.after(pulseInterval, d.beat)
	}
}

// withdraw is Withdraw while mu is held.
func (d *Dispatcher) withdraw(id string) {
	all, ok := d.wills[id]
	if !ok {
		return
	}
	delete(d.wills, id)
	for _, w := range all {
		w.queue.wills.finish(w.event)
		if w.queue.isDirty() {
			d.flushSoon()
		}
	}
}

// withdrawAll withdraws all wills, at an orderly shutdown.
func (d *Dispatcher) withdrawAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.wills {
		d.withdraw(id)
	}
}

// beat stores a sign of life beside the wills.
func (d *Dispatcher) beat() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pulse = nil; len(d.wills) == 0 {
		return
	}
	for _, q := range d.queues {
		if q.wills != nil && len(q.wills.segments) > 0 {
			q.wills.beat = true
		}
	}
	d.flushSoon()
	d.pulse = d.after(pulseInterval, d.beat)
}

// holdBack makes the last queued event wait until a will is stored.
func (q *queue) holdBack(e *Event, will *queuedEvent) {
	k := q.keys[q.hook.Policy.key(e)]
	if k == nil {
		return
	}
	if last := k.events[len(k.events)-1]; last.id == e.ID { // otherwise the queue was full
		last.after = will
	}
}

// waits reports whether an event waits for its will. It does not while the store fails.
func (q *queue) waits(e *queuedEvent) bool {
	return e.lacksWill() && q.state.storage == ready
}

// inherit turns the wills that an earlier process has left into events, without those that are
// already queued. It must be called once.
func (q *queue) inherit(left stored, queued []*queuedEvent) (events []*queuedEvent) {
	q.wills.continues(left.spool)
	known := make(map[string]bool)
	for _, e := range queued {
		known[e.id] = true
	}
	for _, e := range left.events {
		if !known[e.id] {
			events = append(events, &queuedEvent{event: executed(e.event, left.time), id: e.id, pending: q.spool != nil})
		}
		q.wills.finish(e)
	}
	if q.spool != nil {
		q.spool.prepend(slices.Clone(events))
	}
	return events
}

// executed returns the event of a will. The earlier process gave its last sign of life at a time.
func executed(w *Event, alive time.Time) *Event {
	e := *w
	e.Time = time.Now()
	e.Fields = append(slices.Clone(w.Fields), Text("reason", crashed), Seconds("duration", max(0, alive.Sub(w.Time))))
	return &e
}
