package audience

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// pairTime is the most between the two connections of a player that opens two.
	pairTime = 5 * time.Second

	// maxMounts bounds the mounts that are counted each by itself: where a pattern has a
	// fallback, any client can create one.
	maxMounts = 10000

	// maxUniques bounds what is remembered of a mount's day.
	maxUniques = 1 << 20
)

// Day is how a mount was heard on one day.
type Day struct {
	Mount     string
	Day       time.Time     // its first moment, local time
	Since     time.Time     // when counting began on that day
	Over      bool          // the day is
	Listeners int           // now, or at its end
	Peak      int           // the most at a time
	Sessions  int           // that have begun, or go on from the day before
	Time      time.Duration // listened, by all together
	Uniques   int           // different addresses and programs
}

// OtherMounts is the name in Day of all mounts beyond the number that is counted.
const OtherMounts = "(others)"

// Visitor is a program at an address, which stand for a person.
type Visitor struct {
	IP    netip.Addr
	Agent string
}

// Counter counts the audience of each mount of a station.
type Counter struct {
	seed   maphash.Seed
	mounts map[string]*mountAudience
	over   []Day // that have ended and that Days has yet to return and forget
}

// mountAudience is the audience of one mount.
type mountAudience struct {
	day     Day
	counted time.Time // up to when day.Time is
	clients map[uint64]*client
	sweepAt int // clients

	seed    maphash.Seed // of this day
	uniques map[uint64]struct{}
}

// client is how a Visitor stands.
type client struct {
	open  int       // connections
	pairs int       // of these, that are the second one of a person
	came  time.Time // the last connection that is not a second one
	left  time.Time
}

// New returns a counter of no mounts.
func New() *Counter {
	return &Counter{seed: maphash.MakeSeed(), mounts: make(map[string]*mountAudience)}
}

// key returns the hash that stands for a visitor.
func (c *Counter) key(v Visitor) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	b, _ := Household(v.IP).MarshalBinary() // it never fails
	_, _ = h.Write(b)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(v.Agent)
	return h.Sum64()
}

// opensTwo reports whether a program opens two connections to play one stream: VLC keeps
// both, Apple's players probe with the first.
func opensTwo(agent string) bool {
	return strings.Contains(agent, "VLC") || strings.Contains(agent, "AppleCoreMedia") ||
		strings.Contains(agent, "Safari/") && strings.Contains(agent, "Version/")
}

// IsSecond reports whether a new connection to a mount is the second one of a person that
// has another one open.
func (c *Counter) IsSecond(mount string, v Visitor, now time.Time) bool {
	m := c.mounts[mount]
	if m == nil {
		m = c.mounts[OtherMounts]
	}
	if m == nil || !opensTwo(v.Agent) {
		return false
	}
	cl := m.clients[c.key(v)]
	return cl != nil && cl.open > 2*cl.pairs && now.Sub(cl.came) <= pairTime
}

// Enter counts a connection in.
func (c *Counter) Enter(mount string, v Visitor, now time.Time) {
	second := c.IsSecond(mount, v, now)
	m := c.mount(mount, now)
	key := c.key(v)
	cl := m.clients[key]
	if cl == nil {
		m.sweep(now)
		cl = new(client)
		m.clients[key] = cl
	}
	cl.open++
	if second {
		cl.pairs++
		return
	}
	goesOn := opensTwo(v.Agent) && cl.open == 1 && !cl.left.IsZero() && now.Sub(cl.left) <= pairTime && !cl.came.Before(m.day.Day)
	cl.came = now
	m.change(1, now)
	if !goesOn {
		m.day.Sessions++
	}
	m.addUnique(key)
}

// Leave counts a connection out. It reports whether it was one of two of the same person.
func (c *Counter) Leave(mount string, v Visitor, now time.Time) (second bool) {
	key := c.key(v)
	m := c.mounts[mount]
	if m == nil || m.clients[key] == nil || m.clients[key].open == 0 { // there was no room when it came
		mount = OtherMounts
	}
	if c.mounts[mount] == nil {
		return false
	}
	m = c.mount(mount, now)
	cl := m.clients[key]
	if cl == nil || cl.open == 0 {
		return false
	}
	cl.open--
	cl.left = now
	if cl.pairs > 0 {
		cl.pairs--
		return true
	}
	m.change(-1, now)
	return false
}

// mount returns the audience of a mount, on the day of now.
func (c *Counter) mount(mount string, now time.Time) *mountAudience {
	m := c.mounts[mount]
	if m == nil && len(c.mounts) >= maxMounts {
		mount = OtherMounts
		m = c.mounts[mount]
	}
	if m == nil {
		m = &mountAudience{day: Day{Mount: mount}, clients: make(map[uint64]*client)}
		m.begin(now)
		c.mounts[mount] = m
		return m
	}
	if today := midnight(now); today.After(m.day.Day) {
		m.change(0, today)
		m.day.Over = true
		c.over = append(c.over, m.day)
		m.begin(today)
	}
	return m
}

// begin begins a day, with the listeners that are still there.
func (m *mountAudience) begin(now time.Time) {
	n := m.day.Listeners
	m.day = Day{Mount: m.day.Mount, Day: midnight(now), Since: now, Listeners: n, Peak: n, Sessions: n}
	m.counted = now
	m.seed, m.uniques = maphash.MakeSeed(), make(map[uint64]struct{})
	for key, cl := range m.clients {
		if cl.open > 0 {
			m.addUnique(key)
		}
	}
}

// change counts the time up to now, and from then on with n more listeners.
func (m *mountAudience) change(n int, now time.Time) {
	if d := now.Sub(m.counted); d > 0 {
		m.day.Time += time.Duration(m.day.Listeners) * d
		m.counted = now
	}
	m.day.Listeners += n
	m.day.Peak = max(m.day.Peak, m.day.Listeners)
}

// addUnique notes a client of today.
func (m *mountAudience) addUnique(key uint64) {
	if len(m.uniques) < maxUniques {
		m.uniques[maphash.Comparable(m.seed, key)] = struct{}{}
	}
	m.day.Uniques = len(m.uniques)
}

// sweep forgets clients that have left, once they are as many as those that may come back.
func (m *mountAudience) sweep(now time.Time) {
	if len(m.clients) < m.sweepAt {
		return
	}
	for key, cl := range m.clients {
		if cl.open == 0 && now.Sub(cl.left) > pairTime {
			delete(m.clients, key)
		}
	}
	m.sweepAt = max(64, 2*len(m.clients))
}

// midnight returns the first moment of a day.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// Days returns the days that are over and the present one, up to now, of each mount. With
// forget, days that are over are returned for the last time.
func (c *Counter) Days(now time.Time, forget bool) []Day {
	for mount, m := range c.mounts {
		c.mount(mount, now).change(0, now)
		if m.day.Sessions == 0 && m.day.Listeners == 0 { // the mount had no listener today
			delete(c.mounts, mount)
		}
	}
	all := slices.Clone(c.over)
	if forget {
		c.over = nil
	}
	for _, m := range c.mounts {
		all = append(all, m.day)
	}
	slices.SortFunc(all, func(a, b Day) int {
		return cmp.Or(a.Day.Compare(b.Day), strings.Compare(a.Mount, b.Mount))
	})
	return all
}
