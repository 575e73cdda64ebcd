package hooks

import (
	"maps"
	"strings"
)

// Backlog is how the queues of all hooks of a kind stand.
type Backlog struct {
	Events  int    // queued now
	Failing int    // queues, or parts of them with an order of their own, whose first event is retried
	Lost    uint64 // events that found no room, since the dispatcher began
	Late    uint64 // events whose time to retry was over, since then
	Refused uint64 // events that failed and were not retried, since then
}

// kind is the first word of the hook's label: the rest may be long, or an address.
func (h *Hook) kind() string {
	kind, _, _ := strings.Cut(h.Label, " ")
	return kind
}

// Backlogs returns how the queues stand by the kind of their hooks, which is the
// first word of the label. It has the kinds of the plan in force and all that
// have had a queue.
func (d *Dispatcher) Backlogs() map[string]Backlog {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := maps.Clone(d.forgotten)
	for _, h := range d.plan.Hooks {
		all[h.kind()] = all[h.kind()]
	}
	for _, q := range d.queues {
		b := all[q.hook.kind()].plus(q.state.counts)
		b.Events += q.length
		b.Failing += q.state.retrying
		all[q.hook.kind()] = b
	}
	return all
}

func (b Backlog) plus(c counts) Backlog {
	b.Lost += c.lost
	b.Late += c.late
	b.Refused += c.refused
	return b
}

// forget removes a queue that is idle, and remembers its counts. mu is held.
func (d *Dispatcher) forget(name string, q *queue) {
	if !q.isIdle() {
		return
	}
	delete(d.queues, name)
	if q.state.counts != (counts{}) {
		d.forgotten[q.hook.kind()] = d.forgotten[q.hook.kind()].plus(q.state.counts)
	}
}
