package streaming

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxNames bounds how many mounts are counted by name: a client that may name mounts
	// must not fill the memory of this process, or that of a monitoring system.
	maxNames = 1000

	// maxNameLength is longer than the path of any mount that a source may have.
	maxNameLength = 255
)

// nameTotals is what has happened under the name of a mount, over all the mounts that
// have had it one after the other. All of it is guarded by the station's mu.
type nameTotals struct {
	path   string
	folded Counts      // of mounts that were dropped
	parts  []*counters // of the one that lives, and of those whose last listeners are leaving
	ended  time.Time   // when the last of the mounts was dropped
}

// startCounting makes a mount count under its name, from when it has a source or a
// listener. An ad-hoc mount counts among the unnamed. mu is held.
func (st *Station) startCounting(m *Mount) {
	c := m.counters
	c.dropped = false
	if c.totals != nil || m.isInternal() {
		return
	}
	path := m.Path
	if m.IsAdHoc() && st.byName[path] == nil {
		path = ""
	}
	t := st.totalsOf(path)
	t.parts = append(t.parts, c)
	c.totals = t
}

// totalsOf returns the totals of a name, or those of all names beyond the limit. It makes
// room by forgetting the name that has been unused for longest.
func (st *Station) totalsOf(path string) *nameTotals {
	if len(path) > maxNameLength || !utf8.ValidString(path) {
		path = ""
	}
	if t := st.byName[path]; t != nil || path == "" {
		return st.unnamed(t)
	}
	if len(st.byName) >= maxNames {
		var oldest *nameTotals
		for _, t := range st.byName {
			t.foldDropped()
			if len(t.parts) == 0 && (oldest == nil || t.ended.Before(oldest.ended)) {
				oldest = t
			}
		}
		if oldest == nil {
			return st.unnamed(st.byName[""])
		}
		delete(st.byName, oldest.path)
	}
	t := &nameTotals{path: path}
	st.byName[path] = t
	return t
}

// unnamed returns t or, if that is nil, makes the totals without a name.
func (st *Station) unnamed(t *nameTotals) *nameTotals {
	if t == nil {
		t = new(nameTotals)
		st.byName[""] = t
	}
	return t
}

// stopCounting notes that a mount was dropped. Listeners may still be leaving it. mu is
// held.
func (st *Station) stopCounting(m *Mount) {
	c := m.counters
	c.dropped = true
	if c.totals != nil {
		c.totals.ended = time.Now()
		c.totals.foldDropped()
	}
}

// foldDropped takes over the counts of mounts that were dropped and whose listeners have
// left.
func (t *nameTotals) foldDropped() {
	t.parts = slices.DeleteFunc(t.parts, func(c *counters) bool {
		if !c.dropped || c.present.all() > 0 {
			return false
		}
		t.foldCounters(c) // the mount may come to life again, with a listener that was waiting
		return true
	})
}

// foldCounters takes over what a mount has counted, and from here on counts elsewhere.
func (t *nameTotals) foldCounters(c *counters) {
	now := c.counts()
	t.folded.add(c.folded, now)
	c.folded, c.totals = now, nil
}

// countByName makes a mount count by its name from now on, if it counted among the
// unnamed. mu is held.
func (st *Station) countByName(m *Mount) {
	c := m.counters
	if t := c.totals; t != nil && t.path == "" {
		t.foldCounters(c)
		t.parts = slices.DeleteFunc(t.parts, func(other *counters) bool { return other == c })
	}
}

// MountTotals is how a name stands: what has happened on its mounts since the station
// began, and what is there now.
type MountTotals struct {
	Path string // empty: all mounts that are not counted by name
	Counts
	Listeners [len(Transports)]int64 // now, slaves not counted
	Slaves    int64
	Status    *MountStatus // of the mount that lives, at the same moment; nil: none does, or Path is empty
}

// Totals returns what has been counted, by the paths of the mounts. A name stays after its
// mount was dropped, until the room is needed for others.
func (st *Station) Totals() []MountTotals {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := make([]MountTotals, 0, len(st.byName))
	for path, t := range st.byName {
		t.foldDropped()
		one := MountTotals{Path: path, Counts: t.folded}
		for _, c := range t.parts {
			one.add(c.folded, c.counts())
			for i := range c.present.byTransport {
				one.Listeners[i] += c.present.byTransport[i].Load()
			}
			one.Slaves += c.present.slaves.Load()
		}
		if m := st.mounts[path]; m != nil {
			status := m.status()
			one.Status = &status
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b MountTotals) int { return strings.Compare(a.Path, b.Path) })
	return all
}
