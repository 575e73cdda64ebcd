package relay

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// reportGrace is how late a report may be.
	reportGrace = 10 * time.Second

	// reconnectTime is how long a slave has to report again when its connection broke.
	reconnectTime = 3 * time.Second
)

// The causes of SlaveLeft.
const (
	causeRestarted   = "it has restarted"
	causeNoReport    = "no report in time"
	causeSignedOff   = "it has signed off"
	causeCredentials = "its credentials have changed"
	causeRemoved     = "removed by an administrator"
)

// Slaves are the slaves of a master, by their reports. Any goroutine may call its methods.
type Slaves struct {
	self    string
	observe func(Event)
	now     func() time.Time
	random  func(n int64) int64 // from 0 up to n, without n

	changed atomic.Bool // since the snapshot was made
	view    atomic.Pointer[slaveView]
	sums    slaveSums

	mu         sync.Mutex // guards the rest
	verifier   verifier
	entries    map[slaveKey]*slaveEntry
	admission  slaveAdmission
	splitting  splitting
	timer      *time.Timer // calls expire
	nextExpiry time.Time   // when it does; zero: never
	closed     bool
	held       bool        // peers do not expire
	own        *slaveEntry // this node, if it is one of those to choose from; nil: it is not
}

// Registration identifies a report that has arrived. The zero value is none.
type Registration struct {
	key    slaveKey
	number uint64
}

// NewSlaves returns the slaves of the master with the id self, none at first. observe is
// called for each change of a slave that is an Event, by any goroutine.
func NewSlaves(self string, observe func(Event)) *Slaves {
	s := &Slaves{
		self: self, observe: observe, now: time.Now, random: rand.Int64N,
		entries: make(map[slaveKey]*slaveEntry),
		sums:    newSlaveSums(self),
	}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	return s
}

// Close removes all slaves, and ends the verification of their URLs. Later reports are ignored.
func (s *Slaves) Close() {
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.removeIf("", func(*slaveEntry) bool { return true })
	s.mu.Unlock()
	s.verifier.close()
}

// notify passes events on. mu is not held.
func (s *Slaves) notify(events []Event) {
	for _, e := range events {
		s.observe(e)
	}
}

// Register takes a report of a slave that has logged in with a credential, from an address. It
// returns the report's registration for Disconnected; none: the report was ignored. The error is
// ErrSequence for a partial report that does not follow the last one, else a *RejectedError.
func (s *Slaves) Register(by *Credential, r Report, addr string) (Registration, error) {
	registration, events, err := s.register(by, r, addr)
	s.notify(events)
	return registration, err
}

func (s *Slaves) register(by *Credential, r Report, addr string) (_ Registration, events []Event, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Registration{}, nil, nil
	}
	now := s.now()
	key := slaveKey{by.Name, r.ID}
	if err := s.admission.check(by, &r, now); err != nil {
		return Registration{}, s.rejected(by, &r, addr, err), err
	}
	if r.Leaving {
		return Registration{}, s.removeIf(causeSignedOff, func(e *slaveEntry) bool { return e.key == key }), nil
	}
	e := s.entries[key]
	joined := e == nil
	var last Report
	if !joined {
		last = e.report
	}
	if r, err = r.Apply(last); err != nil {
		return Registration{}, nil, err
	}
	if joined {
		events = s.removeRestarted(by, r, addr)
		if err := s.admission.join(by); err != nil {
			return Registration{}, append(events, s.rejected(by, &r, addr, err)...), err
		}
		e = &slaveEntry{key: key, since: now}
		s.entries[key] = e
	}
	if !joined && !slices.Equal(e.credential.Hosts, by.Hosts) {
		s.forgetURLs(e)
	}
	e.credential = by
	e.take(r, s.splitting, addr, now)
	s.setURLs(e)
	e.publish()
	s.takeEdges(e, now)
	s.sums.set(e)
	s.changed.Store(true)
	s.setTimer(e.expires)
	if joined {
		events = append(events, Event{Kind: SlaveJoined, Slave: e.label()})
	}
	return Registration{key, e.reports}, events, nil
}

// removeRestarted removes the entries of a slave that has restarted, and so has another id.
// mu is held.
func (s *Slaves) removeRestarted(by *Credential, r Report, addr string) []Event {
	return s.removeIf(causeRestarted, func(e *slaveEntry) bool {
		return len(r.Public) > 0 && !by.Peer && e.key.credential == by.Name && e.addr == addr && slices.Equal(e.report.Public, r.Public)
	})
}

// removeIf removes some entries and returns the events that announce it. mu is held.
func (s *Slaves) removeIf(cause string, is func(*slaveEntry) bool) (events []Event) {
	for key, e := range s.entries {
		if !is(e) {
			continue
		}
		e.isOpen.Store(false) // for the snapshots that have it
		e.isGone = true
		delete(s.entries, key)
		s.removeEdges(e.edges)
		for _, u := range e.urls {
			u.stop()
		}
		s.admission.leave(key.credential)
		s.sums.remove(e)
		s.changed.Store(true)
		events = append(events, Event{Kind: SlaveLeft, Slave: e.label(), Node: key.node(), Cause: cause})
	}
	return events
}

// Disconnected notes that the connection broke over which a slave had sent a report, and
// waited for the answer.
func (s *Slaves) Disconnected(r Registration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[r.key]; e != nil && e.reports == r.number {
		e.expires = s.now().Add(reconnectTime)
		s.setTimer(e.expires)
	}
}

// setTimer makes sure that expire is called at a time or before. mu is held.
func (s *Slaves) setTimer(at time.Time) {
	if s.nextExpiry.IsZero() || at.Before(s.nextExpiry) {
		s.nextExpiry = at
		s.timer.Reset(max(time.Millisecond, at.Sub(s.now())))
	}
}

// expire removes the entries without a report in time.
func (s *Slaves) expire() {
	s.mu.Lock()
	now := s.now()
	events := s.removeIf(causeNoReport, func(e *slaveEntry) bool { return !now.Before(e.expires) && !s.isHeld(e) })
	s.nextExpiry = time.Time{}
	for _, e := range s.entries {
		if !s.isHeld(e) {
			s.setTimer(e.expires)
		}
	}
	s.mu.Unlock()
	s.notify(events)
}

// Listeners returns the number of listeners of a mount at all slaves, and at the slaves of
// those. An empty mount is all mounts.
func (s *Slaves) Listeners(mount string) int {
	if mount == "" {
		return s.sums.total()
	}
	return s.sums.listeners(mount)
}

// Below sums up all slaves, and the slaves of those, for this node's own report to a master.
// That master is left out, and so are the nodes that another master counts.
func (s *Slaves) Below(master string) *Sums {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) == 0 {
		return nil
	}
	return s.sums.below(s.entries, master)
}

// Has reports whether a slave is there, by its credential and its id.
func (s *Slaves) Has(by *Credential, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[slaveKey{by.Name, id}] != nil
}

// Any reports whether there is a slave.
func (s *Slaves) Any() bool { return s.Len() > 0 }

// Len returns the number of slaves.
func (s *Slaves) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// SlaveStatus describes one slave.
type SlaveStatus struct {
	Report
	Credential string    // its name; empty: the relay password
	Hub        string    // id of the slave that has it as a slave and reports it; empty: it reports here
	Addr       string    // its IP address
	Since      time.Time // of its first report
	Reported   time.Time // of its last report
	Expires    time.Time // without another report
	Sent       int       // listeners sent there since the last report
	AllSent    uint64    // listeners ever sent there
	AllRefused uint64    // listeners that it has refused, by its reports
	IsDrained  bool      // no listeners are sent there

	State Verification // of all URLs together; empty: there are none
	Cause string       // of URLFailed
	URLs  []SlaveURL
}

// List returns the status of all slaves, sorted by id, each followed by its own slaves. Those have
// no listeners, which are in the sums of their hub. The maps of a report must not be changed.
func (s *Slaves) List() []SlaveStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []SlaveStatus
	for e := range s.nodes() {
		all = append(all, e.status())
	}
	slices.SortFunc(all, func(a, b SlaveStatus) int {
		return cmp.Or(strings.Compare(cmp.Or(a.Hub, a.ID), cmp.Or(b.Hub, b.ID)), strings.Compare(a.Credential, b.Credential),
			strings.Compare(a.Hub, b.Hub), strings.Compare(a.ID, b.ID))
	})
	return all
}

// status returns the status of the slave. mu is held.
func (e *slaveEntry) status() SlaveStatus {
	state, cause, urls := e.state()
	hub := ""
	if e.hub != nil {
		hub = e.hub.report.ID
	}
	return SlaveStatus{
		Hub:    hub,
		Report: e.report, Credential: e.key.credential, Addr: e.addr, Since: e.since, Reported: e.arrived, Expires: e.expires,
		Sent: int(e.sent.Load()), AllSent: e.allSent.Load(), AllRefused: e.refused,
		IsDrained: !e.isOpen.Load(), State: state, Cause: cause, URLs: urls,
	}
}
