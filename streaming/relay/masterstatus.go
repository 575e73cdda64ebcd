package relay

import (
	"errors"
	"sync"
	"time"
)

// MasterStatus describes a master as a slave sees it.
type MasterStatus struct {
	URL   string
	State string    // connecting, connected, unavailable or refuses
	Since time.Time // of the last change of State
	Cause string    // why State is not connected; may have bytes of the master

	Reported  time.Time // when the master last took a report; zero: never, as with an Icecast
	Refusals  uint64    // refused reports and refused requests for the list
	Refusal   string    // what the master said to the last one
	RefusedAt time.Time // when that was; zero: there was none
}

// IsUp reports whether the master sends its list.
func (s *MasterStatus) IsUp() bool { return s.State == masterAnswers.String() }

// masterRecord is what a watcher has seen of its master. Any goroutine may call its methods.
type masterRecord struct {
	mu     sync.Mutex
	status MasterStatus
}

// inherit takes over the record of another watcher of a master with the same URL.
func (r *masterRecord) inherit(o *masterRecord) {
	s := o.copy()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = s
}

func (r *masterRecord) copy() MasterStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// setState notes the result of a request for the list.
func (r *masterRecord) setState(state masterState, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name := state.String(); r.status.State != name {
		r.status.State, r.status.Since = name, time.Now()
	}
	r.status.Cause = ""
	if err != nil {
		r.status.Cause = err.Error()
		r.noteRefusal(err)
	}
}

// reported notes that the master has taken a report.
func (r *masterRecord) reported() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Reported = time.Now()
}

// reportFailed notes that a report was refused, or did not arrive.
func (r *masterRecord) reportFailed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteRefusal(err)
}

// noteRefusal notes an error if it is in an answer of the master. mu is held.
func (r *masterRecord) noteRefusal(err error) {
	if errors.As(err, new(refusal)) {
		r.status.Refusals++
		r.status.Refusal, r.status.RefusedAt = err.Error(), time.Now()
	}
}

// Masters returns the status of the masters of this node, the preferred one first.
func (m *Manager) Masters() []MasterStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave == nil {
		return nil
	}
	var all []MasterStatus
	for _, w := range m.slave.watchers {
		s := w.record.copy()
		s.URL = w.master.Load().URL
		all = append(all, s)
	}
	return all
}
