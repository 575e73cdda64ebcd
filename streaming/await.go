package streaming

import (
	"context"
	"slices"
)

// Await returns the mount at a path if there is something to hear, or nil. It waits, until
// ctx is done, for a new source to show what it sends.
func (st *Station) Await(ctx context.Context, path string) *Mount {
	if st.Mount(path) == nil && !st.settings.Load().director().HasFallback(path) {
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.mounts[path]
	if m == nil {
		if st.closedAt.Load() != nil {
			return nil
		}
		m = newMount(st, path)
		st.mounts[path] = m
	}
	if m.Settings().NoDirect {
		st.dropIfUnused(m)
		return m // Admit refuses
	}
	waited := false
	m.waiting++
	defer func() {
		m.waiting--
		if waited {
			st.waitEnded(m)
		}
		st.dropIfUnused(m)
	}()
	for {
		heard, c := st.choose(m, promise{}, "")
		if heard != nil {
			return m
		}
		if st.closedAt.Load() != nil {
			return nil
		}
		for _, path := range c.StartOnDemand {
			st.settings.Load().director().StartOnDemand(path)
		}
		if m.source == nil && !c.Soon {
			return nil
		}
		waited = true
		st.index(m)
		if !st.awaitChange(ctx) {
			return nil
		}
	}
}

// waitEnded follows when a request has ceased to wait. mu is held.
func (st *Station) waitEnded(m *Mount) {
	st.index(m)
	if st.onDemand.Load() {
		st.recheckWithin(unheardTime)
	}
}

// awaitChange waits for a change. It reports false if ctx is done first. mu is held, but
// not meanwhile.
func (st *Station) awaitChange(ctx context.Context) bool {
	changed := st.changed
	st.mu.Unlock()
	defer st.mu.Lock()
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// HasDemand reports whether a mount has a listener, or would have if it were fed.
func (st *Station) HasDemand(path string) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	for m := range st.dependents(path) {
		if m.waiting > 0 {
			if _, c := st.choose(m, promise{}, ""); m.Path == path || slices.Contains(c.StartOnDemand, path) {
				return true
			}
		}
		for g := range m.groups {
			heard := g.heard().Path
			if heard == path {
				return true
			}
			if _, c := st.choose(m, g.promise, heard); slices.Contains(c.StartOnDemand, path) {
				return true
			}
		}
	}
	return false
}
