package hooks

import (
	"slices"
	"time"
)

// A will is the event of an end, such as listener_removed, that the next process delivers if this
// one is killed before that end. It is stored beside the queue of its hook, in segments likewise.
// The event of the true end has the same ID, so that a receiver can tell a second delivery.

const (
	// maxWills bounds how many wills there are. Further ends are not told of after a crash.
	maxWills = 1 << 17
	// willDelay is the part of the interval between two flushes that a will waits at most.
	willDelay = 4
	// pulseInterval is how often is stored that the process lives, while it has wills.
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

// Begin queues an event for all hooks that the plan in force has for it, and keeps the event of its
// end as a will for those of that. A hook that is to be told of both is told of the begin once the
// will is stored. A nil begin was told of before. The end is told of by Dispatch, with an event of the
// same ID, or else Withdraw must be called. Until then the time of the end is that of the begin.
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

// SetWill keeps the event of an end as a will for one hook. Enqueue with an event of the same ID
// withdraws it.
func (d *Dispatcher) SetWill(h *Hook, end *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setWill(h, end)
}

// Withdraw withdraws the will with an event of that ID, if there is one: what it is about has ended,
// and nobody has to be told.
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

// withdrawAll withdraws all wills, at an end in order.
func (d *Dispatcher) withdrawAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.wills {
		d.withdraw(id)
	}
}

// beat lets it be stored that the process lives.
func (d *Dispatcher) beat() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pulse = nil; len(d.wills) == 0 {
		return
	}
	for _, all := range d.wills {
		for _, w := range all {
			w.queue.wills.beat = true
		}
	}
	d.flushSoon()
	d.pulse = d.after(pulseInterval, d.beat)
}

// holdBack makes an event that was queued last wait until a will is stored.
func (q *queue) holdBack(e *Event, will *queuedEvent) {
	k := q.keys[q.hook.Policy.key(e)]
	if k == nil {
		return
	}
	if last := k.events[len(k.events)-1]; last.id == e.ID { // else there was no room for it
		last.after = will
	}
}

// waits reports whether an event waits until a will is stored. It does not if that may take long.
func (q *queue) waits(e *queuedEvent) bool {
	return e.waits() && q.state.storage == ready
}

// inherit returns the events of the wills that an earlier process has left, but for those that are
// queued already. It must be called once.
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

// executed returns the event of a will, of a process that was alive at a time for certain.
func executed(w *Event, alive time.Time) *Event {
	e := *w
	e.Time = time.Now()
	e.Fields = append(slices.Clone(w.Fields), Text("reason", crashed), Seconds("duration", max(0, alive.Sub(w.Time))))
	return &e
}
