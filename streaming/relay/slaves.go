package relay

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxSlaves bounds the slaves of a master.
	maxSlaves = 1000

	// reportGrace is how late a report may be.
	reportGrace = 10 * time.Second

	// reconnectTime is how long a slave has to report again when its connection broke.
	reconnectTime = 3 * time.Second
)

// The causes of SlaveLeft.
const (
	causeRestarted = "it has restarted"
	causeNoReport  = "no report in time"
	causeSignedOff = "it has signed off"
)

// Slaves are the slaves of a master, by their reports. Any goroutine may call its methods.
type Slaves struct {
	self    string
	observe func(Event)
	now     func() time.Time
	random  func(n float64) float64 // from 0 up to n

	mu      sync.Mutex
	entries map[string]*slaveEntry // by id
	timer   *time.Timer            // calls expire
	closed  bool
}

// slaveEntry is one slave. The mu of Slaves guards it.
type slaveEntry struct {
	report  Report
	addr    string
	since   time.Time
	expires time.Time
	reports uint64 // how many have arrived
	sent    int    // listeners sent there since the last report
}

// SlaveStatus describes one slave.
type SlaveStatus struct {
	Report
	Addr    string    // its IP address
	Since   time.Time // of its first report
	Expires time.Time // without another report
	Sent    int       // listeners sent there since the last report
}

// NewSlaves returns the slaves of the master with the id self, none at first. observe is
// called for each slave that joins or leaves, by any goroutine.
func NewSlaves(self string, observe func(Event)) *Slaves {
	s := &Slaves{
		self: self, observe: observe, now: time.Now, entries: make(map[string]*slaveEntry),
		random: func(n float64) float64 { return n * rand.Float64() }, //nolint:gosec // no secret
	}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	return s
}

// Close removes all slaves. Later reports are ignored.
func (s *Slaves) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.timer.Stop()
	clear(s.entries)
}

// Register takes a report that arrived from an address. It returns the number of the report
// for Disconnected; 0: the report was ignored. The error is ErrSequence for a partial report
// that does not follow the last one.
func (s *Slaves) Register(r Report, addr string) (number uint64, err error) {
	number, events, err := s.register(r, addr)
	for _, e := range events {
		s.observe(e)
	}
	return number, err
}

func (s *Slaves) register(r Report, addr string) (number uint64, events []Event, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Leaving {
		return 0, s.removeIf(causeSignedOff, func(e *slaveEntry) bool { return e.report.ID == r.ID }), nil
	}
	now := s.now()
	e := s.entries[r.ID]
	joined := e == nil
	var last Report
	if !joined {
		last = e.report
	}
	if r, err = r.apply(last); err != nil {
		return 0, nil, err
	}
	if joined {
		if s.closed || len(s.entries) >= maxSlaves {
			return 0, nil, nil
		}
		e = &slaveEntry{since: now}
		events = s.removeRestarted(r, addr)
		s.entries[r.ID] = e
	}
	e.report, e.addr, e.sent = r, addr, 0
	e.reports++
	e.expires = now.Add(r.counts())
	s.setTimer(now)
	if joined {
		events = append(events, Event{Kind: SlaveJoined, Slave: e.label()})
	}
	return e.reports, events, nil
}

// removeRestarted removes the entries of a slave that has restarted, and so has another id.
// mu is held.
func (s *Slaves) removeRestarted(r Report, addr string) []Event {
	return s.removeIf(causeRestarted, func(e *slaveEntry) bool {
		return len(r.Public) > 0 && e.addr == addr && slices.Equal(e.report.Public, r.Public)
	})
}

// removeIf removes some entries and returns the events that announce it. mu is held.
func (s *Slaves) removeIf(cause string, is func(*slaveEntry) bool) (events []Event) {
	for id, e := range s.entries {
		if is(e) {
			delete(s.entries, id)
			events = append(events, Event{Kind: SlaveLeft, Slave: e.label(), Cause: cause})
		}
	}
	return events
}

// Disconnected notes that the connection broke over which a slave had sent a report, and
// waited for the answer.
func (s *Slaves) Disconnected(id string, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil && e.reports == number {
		now := s.now()
		e.expires = now.Add(reconnectTime)
		s.setTimer(now)
	}
}

// setTimer sets the timer for the next entry that may expire. mu is held.
func (s *Slaves) setTimer(now time.Time) {
	var next time.Time
	for _, e := range s.entries {
		if next.IsZero() || e.expires.Before(next) {
			next = e.expires
		}
	}
	if !next.IsZero() {
		s.timer.Reset(max(time.Millisecond, next.Sub(now)))
	}
}

// expire removes the entries without a report in time.
func (s *Slaves) expire() {
	s.mu.Lock()
	now := s.now()
	events := s.removeIf(causeNoReport, func(e *slaveEntry) bool { return !now.Before(e.expires) })
	s.setTimer(now)
	s.mu.Unlock()
	for _, e := range events {
		s.observe(e)
	}
}

// label returns the name of a slave for people.
func (e *slaveEntry) label() string {
	if len(e.report.Public) > 0 {
		return e.report.Public[0]
	}
	return cmp.Or(e.addr, e.report.ID)
}

// Listeners returns the number of listeners of a mount at all slaves, and at the slaves of
// those.
func (s *Slaves) Listeners(mount string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	below := make(map[string]bool)
	for _, e := range s.entries {
		if e.report.Below != nil {
			n += e.report.Below.Mounts[mount]
			for _, id := range e.report.Below.Nodes {
				below[id] = true
			}
		}
	}
	for id, e := range s.entries {
		if !below[id] {
			n += e.report.Mounts[mount]
		}
	}
	return n
}

// Below sums up all slaves, and the slaves of those, for this node's own report to a master.
// That master is left out, and so are the nodes that another master counts.
func (s *Slaves) Below(master string) *Sums {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) == 0 {
		return nil
	}
	sums := &Sums{Mounts: make(map[string]int), Nodes: []string{}}
	for id, e := range s.entries {
		if by := e.report.CountedBy; id == master || by != "" && by != s.self {
			continue
		}
		sums.Nodes = append(sums.Nodes, id)
		addCounts(sums.Mounts, e.report.Mounts)
		if e.report.Below != nil {
			sums.Nodes = append(sums.Nodes, e.report.Below.Nodes...)
			addCounts(sums.Mounts, e.report.Below.Mounts)
		}
	}
	return sums
}

// addCounts adds the counts of more that are not 0.
func addCounts(all, more map[string]int) {
	for mount, n := range more {
		if n > 0 {
			all[mount] += n
		}
	}
}

// Any reports whether there is a slave.
func (s *Slaves) Any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries) > 0
}

// List returns the status of all slaves, sorted by id.
func (s *Slaves) List() []SlaveStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []SlaveStatus
	for _, e := range s.entries {
		all = append(all, SlaveStatus{Report: e.report, Addr: e.addr, Since: e.since, Expires: e.expires, Sent: e.sent})
	}
	slices.SortFunc(all, func(a, b SlaveStatus) int { return strings.Compare(a.ID, b.ID) })
	return all
}
