package streaming

import "sync"

// maxChanges is how many changes are remembered.
const maxChanges = 4096

// changes remembers at which mounts something has changed, for those that keep a list of them.
// It has a lock of its own, which is never held for long.
type changes struct {
	mu    sync.Mutex
	count uint64   // of all changes
	whole uint64   // the last one that may concern all mounts
	paths []string // of the last ones, a ring
}

// add notes a change at a path; an empty path stands for all mounts.
func (c *changes) add(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if path == "" {
		c.count++
		c.whole = c.count
		return
	}
	if c.paths == nil {
		c.paths = make([]string, maxChanges)
	}
	c.paths[c.count%maxChanges] = path
	c.count++
}

// since returns the paths of the changes after the first known ones, and how many there are
// now. It reports that all mounts may have changed if one of the changes may concern all, or
// is not remembered.
func (c *changes) since(known uint64) (paths []string, all bool, now uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known < c.whole || known > c.count || c.count-known > maxChanges {
		return nil, true, c.count
	}
	for i := known; i < c.count; i++ {
		paths = append(paths, c.paths[i%maxChanges])
	}
	return paths, false, c.count
}

// ChangesSince returns the paths at which another stream may be offered than when the number of
// changes was known, with repetitions, and the number now. It reports true if that may be so
// at all mounts. What a mount offers may also depend on its fallbacks.
func (st *Station) ChangesSince(known uint64) (paths []string, all bool, now uint64) {
	return st.changes.since(known)
}

// Touch announces a change outside the station that concerns one mount only.
func (st *Station) Touch(path string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.signalChanged(path)
}
