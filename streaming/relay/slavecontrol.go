package relay

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// removalTime is how long a removed slave is rejected.
const removalTime = 10 * time.Minute

// is reports whether a name is that of the slave: its id, the name of credentials that are its own, or
// one of its URLs.
func (e *slaveEntry) is(name string) bool {
	return e.key.id == name || e.hub == nil && name != "" && e.key.credential == name || slices.Contains(e.report.Public, strings.TrimSuffix(name, "/"))
}

// Drain sets whether no more listeners are sent to the slaves with an id, a name or a URL, until they are
// gone. It returns their number.
func (s *Slaves) Drain(name string, on bool) int {
	s.mu.Lock()
	n := 0
	var events []Event
	for e := range s.nodes() {
		if !e.is(name) {
			continue
		}
		n++
		if e.drained != on {
			e.drained = on
			e.isOpen.Store(!on && !e.report.Draining)
			s.changed.Store(true)
			kind := SlaveUndrained
			if on {
				kind = SlaveDrained
			}
			events = append(events, Event{Kind: kind, Slave: e.label()})
		}
	}
	s.mu.Unlock()
	s.notify(events)
	return n
}

// Remove removes the slaves with an id, a name or a URL, and rejects their reports for removalTime. It
// returns their number. Of their URLs only verified ones are rejected, since another slave may
// have the others.
func (s *Slaves) Remove(name string) int {
	s.mu.Lock()
	events := s.removeIf(causeRemoved, func(e *slaveEntry) bool {
		if !e.is(name) {
			return false
		}
		s.admission.remove(e, s.now())
		return true
	})
	n := len(events)
	for _, hub := range s.entries {
		s.dropEdges(hub, func(e *slaveEntry) bool {
			if !e.is(name) {
				return false
			}
			n++
			s.admission.remove(e, s.now())
			return true
		})
	}
	s.mu.Unlock()
	s.notify(events)
	return n
}

// remove notes that a slave was removed.
func (a *slaveAdmission) remove(e *slaveEntry, now time.Time) {
	if a.removed == nil {
		a.removed = make(map[string]time.Time)
	}
	for name, until := range a.removed {
		if !now.Before(until) {
			delete(a.removed, name)
		}
	}
	until := now.Add(removalTime)
	a.removed[e.key.node()] = until
	for _, base := range *e.public.Load() {
		a.removed[base] = until
	}
}

// checkRemoved returns an error if the slave of a report was removed not long ago.
func (a *slaveAdmission) checkRemoved(by *Credential, r *Report, now time.Time) error {
	for _, name := range append([]string{by.Node(r.ID)}, r.Public...) {
		if until, ok := a.removed[name]; ok && now.Before(until) {
			return &RejectedError{fmt.Sprintf("slave: removed by an administrator; expected no report before %s", until.UTC().Format(time.RFC3339)), false}
		}
	}
	return nil
}
