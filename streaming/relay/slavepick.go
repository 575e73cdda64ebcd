package relay

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// pickTries is how often two candidates are drawn before all are tried in turn.
const pickTries = 4

// PickQuery describes a listener for which a slave is chosen.
type PickQuery struct {
	Mount     string
	Scheme    string
	Protected bool     // the mount is: only slaves that ask the master are chosen
	HLS       bool     // it is heard by HLS: only slaves that serve it so are chosen
	Region    string   // whose slaves are chosen first; empty: none
	Except    []string // base URLs of slaves that are not chosen

	// Kbps returns the bitrate of the mount; 0: unknown. It is called once for each snapshot.
	Kbps func() int
}

// candidate is a slave that carries a mount and had room when the list was made.
type candidate struct {
	*slaveEntry
	base  string
	room  *quota  // places of the mount; nil: it has no limit of its own
	cost  int64   // kbit/s of a listener
	free  int64   // places when the list was made
	share float64 // of its capacity that was free
}

// left returns how many more listeners of the mount the slave may have now.
func (c *candidate) left() int64 {
	n := min(c.places.left.Load(), c.kbps.left.Load()/c.cost)
	if c.room != nil {
		n = min(n, c.room.left.Load())
	}
	return n
}

// reserve takes a place for a listener. It reports false if none is left.
func (c *candidate) reserve() bool {
	if !c.isOpen.Load() || !slices.Contains(*c.public.Load(), c.base) || !c.places.take(1) {
		return false
	}
	if !c.kbps.take(c.cost) {
		c.places.giveBack(1)
		return false
	}
	if c.room != nil && !c.room.take(1) {
		c.places.giveBack(1)
		c.kbps.giveBack(c.cost)
		return false
	}
	c.sent.Add(1)
	c.allSent.Add(1)
	return true
}

// candidates are the candidates for listeners of one mount and scheme.
type candidates struct {
	all    []candidate
	upTo   []int64     // the sum of the free places up to each candidate, itself included
	isFull atomic.Bool // none has room, until the next snapshot
	ranked func() []string
}

func newCandidates(slaves []viewedSlave, q *PickQuery) *candidates {
	l, kbps := new(candidates), 0
	if q.Kbps != nil {
		kbps = q.Kbps()
	}
	var sum int64
	for i := range slaves {
		s := &slaves[i]
		base := baseFor(s.public, q.Scheme)
		if q.Region != "" && s.report.Region != q.Region {
			continue
		}
		if base == "" || !s.report.carries(q.Mount) || q.Protected && !s.report.AsksMaster || q.HLS && !s.report.servesHLS(q.Mount) {
			continue
		}
		c := candidate{slaveEntry: s.slaveEntry, base: base, room: s.rooms[q.Mount], cost: s.report.kbpsOf(kbps)}
		if c.free = c.left(); c.free < 1 {
			continue
		}
		c.share = s.report.share(c.free, c.cost)
		sum += c.free
		l.all, l.upTo = append(l.all, c), append(l.upTo, sum)
	}
	l.ranked = sync.OnceValue(l.rank)
	return l
}

// share returns free places as a share of the listeners that a slave may have, by its limits
// of listeners and bandwidth.
func (r *Report) share(free, cost int64) float64 {
	n := int64(cmp.Or(r.Capacity, defaultCapacity))
	if r.MaxBandwidth > 0 {
		n = min(n, int64(r.MaxBandwidth)/cost)
	}
	return float64(free) / float64(max(1, n))
}

// draw returns a candidate, each as often as it has free places.
func (l *candidates) draw(random func(n int64) int64) *candidate {
	at := random(l.upTo[len(l.upTo)-1])
	i, _ := slices.BinarySearch(l.upTo, at+1) // the first whose sum is larger
	return &l.all[i]
}

// choose takes a place at one of two that are drawn: that of which the larger part is left.
// So all are filled in proportion to their free places, also while their reports are old.
func (l *candidates) choose(random func(n int64) int64, except []string) *candidate {
	if l == nil || len(l.all) == 0 || l.isFull.Load() {
		return nil
	}
	for range pickTries {
		a, b := l.draw(random), l.draw(random)
		if b.left()*a.free > a.left()*b.free {
			a, b = b, a
		}
		for _, c := range [...]*candidate{a, b} {
			if !slices.Contains(except, c.base) && c.reserve() {
				return c
			}
		}
	}
	for i := range l.all {
		if c := &l.all[i]; !slices.Contains(except, c.base) && c.reserve() {
			return c
		}
	}
	l.isFull.Store(len(except) == 0)
	return nil
}

// Pick chooses a slave for a listener, takes a place there and returns its base URL. Slaves
// are chosen in proportion to their free places, those of the region first. Pick reports false if no slave has room. It
// takes no lock.
func (s *Slaves) Pick(q PickQuery) (base string, ok bool) {
	near, all := s.snapshot().byRegion(q)
	c := near.choose(s.random, q.Except)
	if c == nil {
		c = all.choose(s.random, q.Except)
	}
	if c == nil {
		return "", false
	}
	if c.left() < 1 {
		s.changed.Store(true) // the next snapshot leaves it out
	}
	return c.base, true
}

// Ranked returns the base URLs of the slaves that carry a mount and have room, those of the region
// first, and of these, those with the largest free share. The result must not be changed.
func (s *Slaves) Ranked(q PickQuery) []string {
	near, all := s.snapshot().byRegion(q)
	if near == nil {
		return all.ranked()
	}
	first := near.ranked()
	bases := slices.Clone(first)
	for _, base := range all.ranked() {
		if !slices.Contains(first, base) {
			bases = append(bases, base)
		}
	}
	return bases
}

func (l *candidates) rank() (bases []string) {
	all := make([]*candidate, 0, len(l.all))
	for i := range l.all {
		all = append(all, &l.all[i])
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), strings.Compare(a.base, b.base))
	})
	seen := make(map[string]bool, len(all))
	for _, c := range all {
		if !seen[c.base] { // an edge may be below several hubs
			bases = append(bases, c.base)
		}
		seen[c.base] = true
	}
	return bases
}
