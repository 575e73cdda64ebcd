package streaming

import (
	"iter"
	"slices"
)

// dependents yields the mounts whose listeners or waiting requests depend on what a path
// has to offer: those that have it as a fallback, and last the mount at the path itself. mu
// is held.
func (st *Station) dependents(path string) iter.Seq[*Mount] {
	return func(yield func(*Mount) bool) {
		for m := range st.homes[path] {
			if !yield(m) {
				return
			}
		}
		if m := st.mounts[path]; m != nil {
			yield(m)
		}
	}
}

// index keeps Station.homes up to date for a mount: when it gets its first group or waiting
// request, when it loses the last, and when its fallbacks may have changed. mu is held.
func (st *Station) index(m *Mount) {
	paths := m.fallbacks()
	if slices.Equal(paths, m.dependsOn) {
		return
	}
	for _, path := range m.dependsOn {
		delete(st.homes[path], m)
		if len(st.homes[path]) == 0 {
			delete(st.homes, path)
		}
	}
	for _, path := range paths {
		if st.homes[path] == nil {
			st.homes[path] = make(map[*Mount]bool)
		}
		st.homes[path][m] = true
	}
	m.dependsOn = paths
}

// fallbacks returns what the mount's listeners and waiting requests may hear in its place;
// nothing if there are none. mu is held.
func (m *Mount) fallbacks() []string {
	if len(m.groups) == 0 && m.waiting == 0 {
		return nil
	}
	paths := m.station.settings.Load().director().Fallbacks(m.Path)
	for g := range m.groups {
		if g.movedTo != "" && !slices.Contains(paths, g.movedTo) {
			paths = append(slices.Clip(paths), g.movedTo) // not in the director's memory
		}
	}
	return paths
}
