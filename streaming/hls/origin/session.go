package origin

import (
	"errors"
	"net/netip"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/audience"
	"github.com/caddycast/caddycast/streaming/hls"
)

const (
	// sweepInterval is how often sessions that have ended are forgotten.
	sweepInterval = 5 * time.Second

	// awaitedTime is how long after the entry a session may begin.
	awaitedTime = 30 * time.Second

	// overTime is how long a session stays refused that was ended here.
	overTime = time.Hour

	// maxSessions bounds the sessions of one address: a client can make up as many ids as it likes.
	// It is far above the phones behind one router, and what is above it is not refused, since
	// the address may be that of a proxy.
	maxSessions = 250

	// maxAwaited bounds the listeners of one address who were admitted and have yet to load the list, and
	// maxAllAwaited those of all: each is kept for awaitedTime, with what the authenticator knows of it.
	// Those above it are refused, as their authenticator would not hear of their end.
	maxAwaited    = 1000
	maxAllAwaited = 10000
)

// session is somebody who plays a list.
type session struct {
	listener *streaming.Listener
	address  netip.Addr // see audience.Household
	lists    [2]uint64  // the list and the long one that it plays; see View.first
	sequence uint64     // of the last segment that counts as sent

	admitted *admitted // nil: it can't move to another mount
	seen     time.Time
}

// pending is a listener who was admitted at the entry, and has yet to load the list.
type pending struct {
	user      string
	address   netip.Addr // see audience.Household
	admission *streaming.Admission
	timer     *time.Timer // forgets it
}

// end tells the authenticator that the listener has heard nothing.
func (p *pending) end() {
	p.timer.Stop()
	if p.admission.OnEnd != nil {
		p.admission.OnEnd(0)
	}
}

// Why a list is not shown to a session.
var (
	ErrUnknown = errors.New("there is no such session")
	ErrOver    = errors.New("the session has ended")
	ErrCrowded = errors.New("the address has too many sessions")
	ErrAwaited = errors.New("too many listeners were admitted who have yet to load the playlist")
)

// Expect keeps the admission of a client for the session that is about to begin. The error is ErrAwaited if too
// many are kept; the admission stays with the caller then.
func (m *Mount) Expect(id string, c streaming.Client) error {
	address := audience.Household(c.IP)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.awaited) >= maxAllAwaited || address.IsValid() && m.waiting[address] >= maxAwaited {
		return ErrAwaited
	}
	m.expect(id, &pending{user: c.User, address: address, admission: c.Admission})
	return nil
}

// Forget ends what Expect has kept.
func (m *Mount) Forget(id string) {
	if p := m.takePending(id); p != nil {
		p.end()
	}
}

// expect keeps an admission. mu is held.
func (m *Mount) expect(id string, p *pending) {
	p.timer = time.AfterFunc(awaitedTime, func() {
		if late := m.takePending(id); late != nil {
			late.end()
		}
	})
	if m.awaited == nil { // the mount has stopped
		p.end()
		return
	}
	m.awaited[id] = p
	m.waiting[p.address]++
}

func (m *Mount) takePending(id string) *pending {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.awaited[id]
	if p == nil {
		return nil
	}
	delete(m.awaited, id)
	countDown(m.waiting, p.address)
	return p
}

// countDown takes one from the count of an address, and forgets the address with the last.
func countDown(counts map[netip.Addr]int, of netip.Addr) {
	if counts[of]--; counts[of] == 0 {
		delete(counts, of)
	}
}

// IsPlaying reports whether a session is counted here.
func (m *Mount) IsPlaying(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[id]
	return s != nil && s.listener.Reason() == streaming.Running
}

// Poll returns the list, or the long one, for a session, and notes that the session is there. The
// error is ErrUnknown if it has to be admitted first, and ErrOver if an administrator or a limit
// has ended it.
func (m *Mount) Poll(id string, long bool) (*hls.Page, error) {
	m.ask()
	m.mu.Lock()
	defer m.mu.Unlock()
	s, v := m.sessions[id], m.see(long)
	if s == nil || v.Page == nil {
		return nil, ErrUnknown
	}
	page := v.pageFor(s.list(long))
	s.seen = time.Now()
	switch s.listener.Reason() {
	case streaming.Running:
		n, last := page.After(s.sequence)
		s.sequence = last
		s.listener.Poll(n)
	case streaming.Removed, streaming.TimeLimit, streaming.Drained:
		return nil, ErrOver
	default:
		if !page.Ended && m.follower.Load() != nil {
			return nil, ErrUnknown
		}
	}
	return page, nil
}

// list returns where the number of the list is that a session plays, 0 for none.
func (s *session) list(long bool) *uint64 {
	if long {
		return &s.lists[1]
	}
	return &s.lists[0]
}

// pageFor returns the page for a player of a list. It plays another one from now on, unless its
// own has ended.
func (v *View) pageFor(list *uint64) *hls.Page {
	if *list != 0 && *list != v.first && v.before != nil && v.before.Ended { // it ended with its codec
		return v.before
	}
	*list = v.first
	return v.Page
}

// Admit begins a session, which is a listener like any other, unless a limit forbids it. The error is
// ErrCrowded if that is not counted because of its address.
func (m *Mount) Admit(id string, c streaming.Client) error {
	p := m.takePending(id)
	places, full := m.reserve(id, &c)
	defer places.Release()
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.sessions[id]
	if before != nil && before.listener.Reason() == streaming.Running {
		return nil // another request was faster
	}
	c.Protocol = streaming.ProtocolHLS
	switch {
	case p != nil:
		p.timer.Stop()
		c.Admission, c.User = p.admission, p.user
	case before != nil:
		c.User = before.listener.Client.User
	}
	var a *admitted
	if m.options.Load().Others != "" {
		a = newAdmitted(&c)
	}
	address := audience.Household(c.IP)
	err := streaming.ErrNothing
	f := m.follower.Load()
	switch {
	case before == nil && address.IsValid() && m.addresses[address] >= maxSessions:
		err = ErrCrowded
	case full != nil:
		err = full
	case f != nil:
		var l *streaming.Listener
		if l, err = f.Admit(c, m.options.Load().patience(), &places); err == nil {
			m.forget(id)
			m.sessions[id] = &session{
				listener: l, address: address, lists: [2]uint64{m.View().first, m.rewind.Load().first}, seen: time.Now(),
				admitted: a,
			}
			m.addresses[address]++
			return nil
		}
	}
	if p != nil {
		p.end()
	}
	return err
}

// reserve takes the places of a new session, before mu is held.
func (m *Mount) reserve(id string, c *streaming.Client) (streaming.Places, error) {
	f := m.follower.Load()
	if f == nil || m.IsPlaying(id) {
		return streaming.Places{}, nil
	}
	return f.Reserve(c)
}

// forget forgets a session, if there is one. mu is held.
func (m *Mount) forget(id string) {
	s := m.sessions[id]
	if s == nil {
		return
	}
	delete(m.sessions, id)
	countDown(m.addresses, s.address)
}

// sweep forgets sessions that have ended, and returns how many are there.
func (m *Mount) sweep(now time.Time) (running int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.sessions {
		switch s.listener.Reason() {
		case streaming.Running:
			running++
		case streaming.Removed, streaming.TimeLimit, streaming.Drained:
			if now.Sub(s.seen) > overTime {
				m.forget(id)
			}
		default:
			if now.Sub(s.seen) > awaitedTime {
				m.forget(id)
			}
		}
	}
	return running
}
