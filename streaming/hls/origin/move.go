package origin

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// admitted is the admission of a session that may move to another mount of a group.
type admitted struct {
	user      string
	admission *streaming.Admission // may be nil
	moved     atomic.Bool          // another mount has it, and tells its end
	left      chan struct{}        // closed when the session is no longer counted here
}

// newAdmitted puts itself between a client's admission and its end.
func newAdmitted(c *streaming.Client) *admitted {
	a := &admitted{user: c.User, admission: c.Admission, left: make(chan struct{})}
	own := new(streaming.Admission)
	if a.admission != nil {
		*own = *a.admission
	}
	own.OnEnd = func(heard time.Duration) {
		close(a.left)
		if a.admission != nil && a.admission.OnEnd != nil && !a.moved.Load() {
			a.admission.OnEnd(heard)
		}
	}
	c.Admission = own
	return a
}

// leaveTime bounds how long a move waits until the session is no longer counted.
const leaveTime = time.Second

// MoveFrom ends a session at another mount, if there is one, and keeps its admission for the one that
// is about to begin here. The error is ErrOver if an administrator or a limit has ended it there.
func (m *Mount) MoveFrom(other *Mount, id string) error {
	other.mu.Lock()
	s := other.sessions[id]
	if s == nil {
		other.mu.Unlock()
		return nil
	}
	switch s.listener.Reason() {
	case streaming.Removed, streaming.TimeLimit, streaming.Drained:
		other.mu.Unlock()
		return ErrOver
	}
	other.forget(id)
	other.mu.Unlock()
	a := s.admitted
	if a == nil {
		return nil
	}
	a.moved.Store(true)
	s.listener.Remove(streaming.Disconnected)
	timeout := time.NewTimer(leaveTime)
	defer timeout.Stop()
	select {
	case <-a.left:
	case <-timeout.C:
	}
	if a.admission == nil {
		return nil
	}
	if own := m.takePending(id); own != nil { // it was admitted here, too
		own.end()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expect(id, &pending{user: a.user, address: s.address, admission: a.admission}) // it was there, so no bound holds
	return nil
}
