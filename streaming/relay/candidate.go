package relay

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// defaultCapacity is assumed for a slave that reports none.
	defaultCapacity = 1000

	// defaultKbps is assumed for a listener while a slave has none.
	defaultKbps = 128

	// shareTolerance is how much less than the largest free share counts as equal, since
	// reports are seconds old.
	shareTolerance = 0.02
)

// capacity returns how many listeners a slave may have, by its limits of listeners and
// bandwidth.
func (e *slaveEntry) capacity() float64 {
	r := &e.report
	n := float64(r.Capacity)
	if n == 0 {
		n = defaultCapacity
	}
	if r.MaxKbps > 0 {
		each := float64(defaultKbps)
		if r.Listeners > 0 && r.Kbps > 0 {
			each = float64(r.Kbps) / float64(r.Listeners)
		}
		n = min(n, float64(r.MaxKbps)/each)
	}
	return n
}

// free returns how many more listeners a slave may have, also as a share of its capacity.
func (e *slaveEntry) free() (listeners, share float64) {
	capacity := e.capacity()
	listeners = capacity - float64(e.report.Listeners+e.sent)
	return listeners, listeners / capacity
}

// baseURL returns the base URL of a slave for a scheme; empty: it has none, or does not carry
// the mount.
func (e *slaveEntry) baseURL(mount, scheme string) string {
	if _, carries := e.report.Mounts[mount]; !carries && e.report.Mounts != nil {
		return ""
	}
	for _, p := range e.report.Public {
		if strings.HasPrefix(p, scheme+"://") {
			return p
		}
	}
	return ""
}

// candidate is a slave with room for a listener.
type candidate struct {
	*slaveEntry
	base        string
	free, share float64
}

// candidates returns the slaves that carry a mount and have room, those with the largest
// free share first. mu is held.
func (s *Slaves) candidates(mount, scheme string) []candidate {
	var all []candidate
	for _, e := range s.entries {
		base := e.baseURL(mount, scheme)
		if free, share := e.free(); base != "" && free >= 1 {
			all = append(all, candidate{e, base, free, share})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), strings.Compare(a.base, b.base))
	})
	return all
}

// Pick chooses a slave for a listener of a mount, and returns its base URL for a scheme. It
// is one of those with the largest free share, larger ones more often, so that a flood is
// spread. Pick reports false if no slave has room.
func (s *Slaves) Pick(mount, scheme string) (base string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.candidates(mount, scheme)
	var sum float64
	for i, c := range all {
		if c.share < all[0].share-shareTolerance {
			all = all[:i]
			break
		}
		sum += c.free
	}
	at := s.random(sum)
	for i, c := range all {
		if at -= c.free; at < 0 || i == len(all)-1 {
			c.sent++
			return c.base, true
		}
	}
	return "", false
}

// Ranked returns the base URLs of the slaves that carry a mount and have room, those with
// the largest free share first.
func (s *Slaves) Ranked(mount, scheme string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bases []string
	for _, c := range s.candidates(mount, scheme) {
		bases = append(bases, c.base)
	}
	return bases
}
