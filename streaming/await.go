package streaming

import (
	"context"
	"slices"
)

// Await returns the mount at a path if there is something to hear, or nil. It
// waits, until ctx is done, for a source that has just come to show what it sends.
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
		st.tidy()
		return m // for nobody
	}
	m.awaited++
	defer func() {
		if m.awaited--; m.awaited == 0 {
			st.tidy()
		}
	}()
	for {
		heard, c := st.choose(m, "", "")
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
		if !st.awaitChange(ctx) {
			return nil
		}
	}
}

// awaitChange waits for a change, or for the end of ctx, when it reports false.
// mu is held, but not meanwhile.
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

// HasDemand tells whether somebody hears a mount, or would if it were fed.
func (st *Station) HasDemand(path string) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	for _, m := range st.mounts {
		if m.awaited > 0 {
			if _, c := st.choose(m, "", ""); m.Path == path || slices.Contains(c.StartOnDemand, path) {
				return true
			}
		}
		for l := range m.lanes {
			heard := l.heard().Path
			if heard == path {
				return true
			}
			if _, c := st.choose(m, l.typ, heard); slices.Contains(c.StartOnDemand, path) {
				return true
			}
		}
	}
	return false
}
