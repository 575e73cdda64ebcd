package relay

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxSlaves bounds how many a master knows.
	maxSlaves = 1000

	// mercy is how long after its time a report may come.
	mercy = 10 * time.Second

	// goneAfter is how long a slave has to ask again whose question broke off.
	goneAfter = 3 * time.Second

	// unknownCapacity is taken for that of a slave that does not say.
	unknownCapacity = 1000

	// usualKbps is taken for a listener's share where nothing is known.
	usualKbps = 128

	// near is how much less than the best free share is as good: a master knows
	// its slaves only as they were when they last reported.
	near = 0.02
)

// Slaves are those of a master, by what they report.
type Slaves struct {
	self    string
	observe func(Event)
	now     func() time.Time
	chance  func(n float64) float64 // from 0 up to n

	mu    sync.Mutex
	known map[string]*known
	timer *time.Timer // looks for those who have not reported
}

// known is a slave.
type known struct {
	report  Report
	addr    string
	since   time.Time
	expires time.Time
	reports uint64 // how many have come
	sent    int    // listeners sent there since it reported
}

// SlaveStatus is how a slave stands.
type SlaveStatus struct {
	Report
	Addr    string    // its IP address
	Since   time.Time // it has been known
	Expires time.Time // unless it reports
	Sent    int       // listeners sent there since it reported
}

// NewSlaves returns the slaves of a master, whose own id is self, none at first. observe is called with
// each that comes or goes, from any goroutine.
func NewSlaves(self string, observe func(Event)) *Slaves {
	s := &Slaves{
		self: self, observe: observe, now: time.Now, known: make(map[string]*known),
		chance: func(n float64) float64 { return n * rand.Float64() }, //nolint:gosec // no secret
	}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	return s
}

// Close forgets all slaves.
func (s *Slaves) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	clear(s.known)
}

// Register notes a report that has come from an address. It returns what Lost is to be
// told of it.
func (s *Slaves) Register(r Report, addr string) (number uint64) {
	s.mu.Lock()
	now := s.now()
	k := s.known[r.ID]
	joined := k == nil
	var left []string
	if joined {
		if len(s.known) >= maxSlaves {
			s.mu.Unlock()
			return 0
		}
		k = &known{since: now}
		left = s.replaceRestarted(r, addr)
		s.known[r.ID] = k
	}
	k.report, k.addr, k.sent = r, addr, 0
	k.reports++
	number = k.reports
	k.expires = now.Add(r.interval() + mercy)
	s.watch(now)
	label := k.label()
	s.mu.Unlock()
	for _, label := range left {
		s.observe(Event{Kind: SlaveLeft, Slave: label, Cause: "it has begun anew"})
	}
	if joined {
		s.observe(Event{Kind: SlaveJoined, Slave: label})
	}
	return number
}

// replaceRestarted forgets a slave that has begun anew under another id, and returns what
// it was called. mu is held.
func (s *Slaves) replaceRestarted(r Report, addr string) (left []string) {
	for id, k := range s.known {
		if len(r.Public) > 0 && k.addr == addr && slices.Equal(k.report.Public, r.Public) {
			delete(s.known, id)
			left = append(left, k.label())
		}
	}
	return left
}

// Disconnected notes that the connection broke over which a slave waited for news after a report.
func (s *Slaves) Disconnected(id string, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.known[id]; k != nil && k.reports == number {
		now := s.now()
		k.expires = now.Add(goneAfter)
		s.watch(now)
	}
}

// watch sets the timer for the next that may expire. mu is held.
func (s *Slaves) watch(now time.Time) {
	var next time.Time
	for _, k := range s.known {
		if next.IsZero() || k.expires.Before(next) {
			next = k.expires
		}
	}
	if !next.IsZero() {
		s.timer.Reset(max(time.Millisecond, next.Sub(now)))
	}
}

// expire forgets those who have not reported.
func (s *Slaves) expire() {
	s.mu.Lock()
	now := s.now()
	var left []string
	for id, k := range s.known {
		if !now.Before(k.expires) {
			delete(s.known, id)
			left = append(left, k.label())
		}
	}
	s.watch(now)
	s.mu.Unlock()
	for _, label := range left {
		s.observe(Event{Kind: SlaveLeft, Slave: label, Cause: "it has not reported in time"})
	}
}

// label is what people call a slave.
func (k *known) label() string {
	if len(k.report.Public) > 0 {
		return k.report.Public[0]
	}
	return cmp.Or(k.addr, k.report.ID)
}

// Listeners returns how many listeners of a mount there are at all slaves together, and
// at theirs.
func (s *Slaves) Listeners(mount string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := make(map[string]bool)
	for id, k := range s.known {
		n += k.report.Mounts[mount]
		counted[id] = true
	}
	counted[s.self] = true
	for _, k := range s.known {
		for id, mounts := range k.report.Downstream {
			if !counted[id] {
				n += mounts[mount]
				counted[id] = true
			}
		}
	}
	return n
}

// Downstream returns the listeners of all slaves, and of theirs, for this node's own report.
func (s *Slaves) Downstream() map[string]map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]map[string]int)
	for _, k := range s.known {
		maps.Copy(all, k.report.Downstream)
	}
	for id, k := range s.known {
		all[id] = k.report.Mounts
	}
	delete(all, s.self)
	return all
}

// Any tells whether there are any.
func (s *Slaves) Any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known) > 0
}

// List returns the slaves, by their ids.
func (s *Slaves) List() []SlaveStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []SlaveStatus
	for _, k := range s.known {
		all = append(all, SlaveStatus{Report: k.report, Addr: k.addr, Since: k.since, Expires: k.expires, Sent: k.sent})
	}
	slices.SortFunc(all, func(a, b SlaveStatus) int { return strings.Compare(a.ID, b.ID) })
	return all
}
