package streaming

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxTotals bounds how many mounts are counted by name: whoever may name mounts
// must not fill our memory, or that of those who watch us.
const maxTallies = 1000

// tally is what has happened under the name of a mount, over all the mounts that
// have had it one after the other. All of it is guarded by the station's mu.
type tally struct {
	path  string
	past  Counts      // of mounts that are no more
	parts []*counters // of the one that lives, and of those whose last listeners are leaving
	ended time.Time   // when the last of the mounts was dropped
}

// count makes a mount count under its name, from when it has a source or a
// listener. One that is made up counts among the others. mu is held.
func (st *Station) count(m *Mount) {
	c := m.counters
	c.gone = false
	if c.tally != nil || m.isInternal() {
		return
	}
	path := m.Path
	if m.IsAdHoc() && st.tallies[path] == nil {
		path = ""
	}
	t := st.tallyOf(path)
	t.parts = append(t.parts, c)
	c.tally = t
}

// tallyOf returns the tally of a name, or that of all for which there is no room.
// It makes room by forgetting the name that has been unused for longest.
func (st *Station) tallyOf(path string) *tally {
	if len(path) > maxTallyPath || !utf8.ValidString(path) {
		path = ""
	}
	if t := st.tallies[path]; t != nil || path == "" {
		return st.others(t)
	}
	if len(st.tallies) >= maxTallies {
		var oldest *tally
		for _, t := range st.tallies {
			t.sweep()
			if len(t.parts) == 0 && (oldest == nil || t.ended.Before(oldest.ended)) {
				oldest = t
			}
		}
		if oldest == nil {
			return st.others(st.tallies[""])
		}
		delete(st.tallies, oldest.path)
	}
	t := &tally{path: path}
	st.tallies[path] = t
	return t
}

// maxTallyPath is longer than the path of any mount that a source may have.
const maxTallyPath = 255

// others returns t or, if that is nil, makes the tally that has no name.
func (st *Station) others(t *tally) *tally {
	if t == nil {
		t = new(tally)
		st.tallies[""] = t
	}
	return t
}

// uncount notes that a mount is no more. Listeners may still be leaving it. mu is
// held.
func (st *Station) uncount(m *Mount) {
	c := m.counters
	c.gone = true
	if c.tally != nil {
		c.tally.ended = time.Now()
		c.tally.sweep()
	}
}

// sweep takes over what mounts have counted that are no more.
func (t *tally) sweep() {
	t.parts = slices.DeleteFunc(t.parts, func(c *counters) bool {
		if !c.gone || c.listeners.Load() > 0 || c.slaves.Load() > 0 {
			return false
		}
		t.settle(c) // it may come to life again, with a listener who was at the door
		return true
	})
}

// settle takes over what a mount has counted, and from here on counts elsewhere.
func (t *tally) settle(c *counters) {
	now := c.counts()
	t.past.add(c.past, now)
	c.past, c.tally = now, nil
}

// named makes a mount count by its name that was made up, or for which there was no room.
// mu is held.
func (st *Station) named(m *Mount) {
	c := m.counters
	if t := c.tally; t != nil && t.path == "" {
		t.settle(c)
		t.parts = slices.DeleteFunc(t.parts, func(other *counters) bool { return other == c })
	}
}

// MountTotals is how a name stands: what has happened on its mounts since the station
// began, and what is there now.
type MountTotals struct {
	Path string // empty: all mounts for which there was no room
	Counts
	Listeners [len(Transports)]int64 // now, slaves not counted
	Slaves    int64
	Mount     *Mount       // that lives; nil: none does, or Path is empty
	Status    *MountStatus // of that mount, at the same moment; nil: see Mount
}

// Totals returns what has been counted, by the paths of the mounts. A name stays when
// its mount is gone, unless so many others come that there is no room.
func (st *Station) Totals() []MountTotals {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := make([]MountTotals, 0, len(st.tallies))
	for path, t := range st.tallies {
		t.sweep()
		one := MountTotals{Path: path, Counts: t.past, Mount: st.mounts[path]}
		for _, c := range t.parts {
			one.add(c.past, c.counts())
			for i := range c.present {
				one.Listeners[i] += c.present[i].Load()
			}
			one.Slaves += c.slaves.Load()
		}
		if one.Mount != nil {
			status := one.Mount.status()
			one.Status = &status
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b MountTotals) int { return strings.Compare(a.Path, b.Path) })
	return all
}
