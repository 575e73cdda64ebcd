package streaming

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

const (
	// pairTime is how soon after its first connection a player that opens two has
	// opened the second.
	pairTime = 5 * time.Second

	// maxHouses bounds the mounts that are counted each by itself: where a pattern has a
	// fallback, anybody can make one up.
	maxHouses = 10000

	// maxUniques bounds what is remembered of a mount's day.
	maxUniques = 1 << 20
)

// AudienceDay is what a mount was heard on one day, counted as it can be billed: a player
// that opens two connections for one person is one listener. Slaves are none.
type AudienceDay struct {
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

// OtherMounts is what the mounts are called in AudienceDay that are too many to be counted
// each by itself.
const OtherMounts = "(others)"

// audience counts who hears each mount. Of persons it keeps hashes, which mean nothing
// outside the process, nor on another day. The station's mu guards it.
type audience struct {
	seed   maphash.Seed
	mounts map[string]*house
	over   []AudienceDay // days that nobody has been told of
}

// house is the audience of one mount.
type house struct {
	day      AudienceDay
	counted  time.Time // up to when day.Time is
	visitors map[uint64]*visitor
	sweepAt  int // visitors

	seed    maphash.Seed // of this day
	uniques map[uint64]struct{}
}

// visitor is a program at an address.
type visitor struct {
	open  int       // connections
	pairs int       // of these, that are the second one of a person
	came  time.Time // the last that is none
	left  time.Time
}

func newAudience() *audience {
	return &audience{seed: maphash.MakeSeed(), mounts: make(map[string]*house)}
}

// key returns what stands for a program at an address.
func (a *audience) key(c Client) uint64 {
	var h maphash.Hash
	h.SetSeed(a.seed)
	b, _ := household(c.IP).MarshalBinary() // it never fails
	_, _ = h.Write(b)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(c.Agent)
	return h.Sum64()
}

// opensTwo tells whether a program is one of those that open two connections to play one
// stream: VLC keeps both, Apple's ask first what there is.
func opensTwo(agent string) bool {
	return strings.Contains(agent, "VLC") || strings.Contains(agent, "AppleCoreMedia") ||
		strings.Contains(agent, "Safari/") && strings.Contains(agent, "Version/")
}

// isSecond tells whether a connection that comes to a mount is the second one of a person
// who has another one open.
func (a *audience) isSecond(mount string, c Client, now time.Time) bool {
	h := a.mounts[mount]
	if h == nil {
		h = a.mounts[OtherMounts]
	}
	if h == nil || !opensTwo(c.Agent) {
		return false
	}
	v := h.visitors[a.key(c)]
	return v != nil && v.open > 2*v.pairs && now.Sub(v.came) <= pairTime
}

// enter counts a connection in.
func (a *audience) enter(mount string, c Client, now time.Time) {
	second := a.isSecond(mount, c, now)
	h := a.house(mount, now)
	key := a.key(c)
	v := h.visitors[key]
	if v == nil {
		h.sweep(now)
		v = new(visitor)
		h.visitors[key] = v
	}
	v.open++
	if second {
		v.pairs++
		return
	}
	goesOn := opensTwo(c.Agent) && v.open == 1 && !v.left.IsZero() && now.Sub(v.left) <= pairTime && !v.came.Before(h.day.Day)
	v.came = now
	h.change(1, now)
	if !goesOn {
		h.day.Sessions++
	}
	h.meet(key)
}

// leave counts a connection out. It tells whether it was one of two of the same person.
func (a *audience) leave(mount string, c Client, now time.Time) (second bool) {
	key := a.key(c)
	h := a.mounts[mount]
	if h == nil || h.visitors[key] == nil || h.visitors[key].open == 0 { // there was no room when it came
		mount = OtherMounts
	}
	if a.mounts[mount] == nil {
		return false
	}
	h = a.house(mount, now)
	v := h.visitors[key]
	if v == nil || v.open == 0 {
		return false
	}
	v.open--
	v.left = now
	if v.pairs > 0 {
		v.pairs--
		return true
	}
	h.change(-1, now)
	return false
}

// house returns the audience of a mount, of the day that it is.
func (a *audience) house(mount string, now time.Time) *house {
	h := a.mounts[mount]
	if h == nil && len(a.mounts) >= maxHouses {
		mount = OtherMounts
		h = a.mounts[mount]
	}
	if h == nil {
		h = &house{day: AudienceDay{Mount: mount}, visitors: make(map[uint64]*visitor)}
		h.begin(now)
		a.mounts[mount] = h
		return h
	}
	if today := midnight(now); today.After(h.day.Day) {
		h.change(0, today)
		h.day.Over = true
		a.over = append(a.over, h.day)
		h.begin(today)
	}
	return h
}

// begin begins a day, with those who are still there.
func (h *house) begin(now time.Time) {
	n := h.day.Listeners
	h.day = AudienceDay{Mount: h.day.Mount, Day: midnight(now), Since: now, Listeners: n, Peak: n, Sessions: n}
	h.counted = now
	h.seed, h.uniques = maphash.MakeSeed(), make(map[uint64]struct{})
	for key, v := range h.visitors {
		if v.open > 0 {
			h.meet(key)
		}
	}
}

// change counts the time up to now, and from then on with more listeners, or fewer.
func (h *house) change(n int, now time.Time) {
	if d := now.Sub(h.counted); d > 0 {
		h.day.Time += time.Duration(h.day.Listeners) * d
		h.counted = now
	}
	h.day.Listeners += n
	h.day.Peak = max(h.day.Peak, h.day.Listeners)
}

// meet notes who was there today.
func (h *house) meet(key uint64) {
	if len(h.uniques) < maxUniques {
		h.uniques[maphash.Comparable(h.seed, key)] = struct{}{}
	}
	h.day.Uniques = len(h.uniques)
}

// sweep forgets who has left, once they are as many as those who may come back.
func (h *house) sweep(now time.Time) {
	if len(h.visitors) < h.sweepAt {
		return
	}
	for key, v := range h.visitors {
		if v.open == 0 && now.Sub(v.left) > pairTime {
			delete(h.visitors, key)
		}
	}
	h.sweepAt = max(64, 2*len(h.visitors))
}

// midnight returns the first moment of a day.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// days returns the days that are over, which it forgets, and the present one, of each mount.
func (a *audience) days(now time.Time, forget bool) []AudienceDay {
	for mount, h := range a.mounts {
		a.house(mount, now).change(0, now)
		if h.day.Sessions == 0 && h.day.Listeners == 0 { // nobody was there today
			delete(a.mounts, mount)
		}
	}
	all := slices.Clone(a.over)
	if forget {
		a.over = nil
	}
	for _, h := range a.mounts {
		all = append(all, h.day)
	}
	slices.SortFunc(all, func(a, b AudienceDay) int {
		return cmp.Or(a.Day.Compare(b.Day), strings.Compare(a.Mount, b.Mount))
	})
	return all
}

// Audience returns how each mount is heard today, up to now, and was on days that are over
// and TakeAudience has not returned.
func (st *Station) Audience() []AudienceDay {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.audience.days(time.Now(), false)
}

// TakeAudience is Audience for who keeps the days that are over: it is told of each once.
func (st *Station) TakeAudience() []AudienceDay {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.audience.days(time.Now(), true)
}
