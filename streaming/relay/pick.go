package relay

import (
	"cmp"
	"slices"
	"strings"
)

// capacity returns how many listeners a slave may have.
func (k *known) capacity() float64 {
	r := &k.report
	n := float64(r.Capacity)
	if n == 0 {
		n = unknownCapacity
	}
	if r.MaxKbps > 0 {
		each := float64(usualKbps)
		if r.Listeners > 0 && r.Kbps > 0 {
			each = float64(r.Kbps) / float64(r.Listeners)
		}
		n = min(n, float64(r.MaxKbps)/each)
	}
	return n
}

// free returns how many more listeners a slave may have, and which share of its
// capacity that is.
func (k *known) free() (listeners, share float64) {
	capacity := k.capacity()
	listeners = capacity - float64(k.report.Listeners+k.sent)
	return listeners, listeners / capacity
}

// at returns where a slave is reached by a scheme, empty if it is not, or does not
// carry the mount.
func (k *known) at(mount, scheme string) string {
	if _, carries := k.report.Mounts[mount]; !carries && k.report.Mounts != nil {
		return ""
	}
	for _, p := range k.report.Public {
		if strings.HasPrefix(p, scheme+"://") {
			return p
		}
	}
	return ""
}

// candidate is a slave that could take a listener.
type candidate struct {
	*known
	base        string
	free, share float64
}

// candidates returns the slaves that carry a mount and have room, those with the
// largest share of it first. mu is held.
func (s *Slaves) candidates(mount, scheme string) []candidate {
	var all []candidate
	for _, k := range s.known {
		base := k.at(mount, scheme)
		if free, share := k.free(); base != "" && free >= 1 {
			all = append(all, candidate{k, base, free, share})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), strings.Compare(a.base, b.base))
	})
	return all
}

// Pick chooses a slave for a listener of a mount who came by a scheme, and returns its
// base URL. It is one of those of whose capacity the largest share is free, the
// larger ones more often, so that a flood is spread. It reports false if none has
// room.
func (s *Slaves) Pick(mount, scheme string) (base string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.candidates(mount, scheme)
	var sum float64
	for i, c := range all {
		if c.share < all[0].share-near {
			all = all[:i]
			break
		}
		sum += c.free
	}
	at := s.chance(sum)
	for i, c := range all {
		if at -= c.free; at < 0 || i == len(all)-1 {
			c.sent++
			return c.base, true
		}
	}
	return "", false
}

// Ranked returns the base URLs of the slaves that carry a mount, those with the
// largest free share first.
func (s *Slaves) Ranked(mount, scheme string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bases []string
	for _, c := range s.candidates(mount, scheme) {
		bases = append(bases, c.base)
	}
	return bases
}
