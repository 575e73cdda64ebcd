package hooks

import (
	"maps"
	"strings"
)

// Backlog is how the queues stand of all hooks of a kind.
type Backlog struct {
	Events  int    // that are still to be told
	Failing int    // queues, or the parts of them that are in order, whose first event is tried again
	Lost    uint64 // events that found no place, since the dispatcher began
	Late    uint64 // events that were given up after many tries, since then
	Refused uint64 // events that the hook will never take, or that were tried once and failed, since then
}

// kind is the first word of what the log calls a hook: the rest may be long, or say
// where it is.
func (h *Hook) kind() string {
	kind, _, _ := strings.Cut(h.Label, " ")
	return kind
}

// Backlogs returns how the queues stand, by the kind of their hooks: those of the plan
// in force, and those that have not come to their end.
func (d *Dispatcher) Backlogs() map[string]Backlog {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := maps.Clone(d.before)
	for _, h := range d.plan.Hooks {
		all[h.kind()] = all[h.kind()]
	}
	for _, q := range d.queues {
		b := all[q.hook.kind()]
		b.Events += q.length
		b.Failing += q.failing
		b.Lost += q.lost
		b.Late += q.late
		b.Refused += q.refused
		all[q.hook.kind()] = b
	}
	return all
}

// remember takes over what a queue has lost, before it begins anew to count that. mu
// is held.
func (d *Dispatcher) remember(q *queue) {
	if q.lost == 0 && q.late == 0 && q.refused == 0 {
		return
	}
	b := d.before[q.hook.kind()]
	b.Lost += q.lost
	b.Late += q.late
	b.Refused += q.refused
	d.before[q.hook.kind()] = b
}
