package streaming

import "context"

// Await returns the mount at a path if there is something to hear, or nil. It
// waits, until ctx is done, for a source that has just come to show what it sends.
func (st *Station) Await(ctx context.Context, path string) *Mount {
	if st.Mount(path) == nil && !st.settings.Load().director().Knows(path) {
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
		if m.source == nil && c.Summon == "" || st.closedAt.Load() != nil {
			return nil
		}
		if c.Summon != "" {
			st.settings.Load().director().Summon(c.Summon)
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
