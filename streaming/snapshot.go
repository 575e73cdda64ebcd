package streaming

import (
	"cmp"
	"slices"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// ListenerSnapshot is a listener at one moment.
type ListenerSnapshot struct {
	*Listener
	Behind uint64 // bytes of the stream that it has yet to get
}

// Snapshot returns the listeners of a mount, or of all mounts if path is empty, the oldest
// first. Slaves are among them. Each shard answers between two cycles; nothing is kept for
// this.
func (st *Station) Snapshot(path string) []ListenerSnapshot {
	var all []ListenerSnapshot
	for _, sh := range st.allShards() {
		sh.do(func() {
			for group, g := range sh.groups {
				if path != "" && group.mount.Path != path {
					continue
				}
				end := group.playing.Load().Tail().End()
				for _, l := range g.listeners {
					s := ListenerSnapshot{Listener: l}
					if on := l.currentFeed(); l.session == nil && (on == nil || on.Intro() == nil) {
						s.Behind = end - min(end, l.position())
					}
					all = append(all, s)
				}
			}
		})
	}
	slices.SortFunc(all, func(a, b ListenerSnapshot) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Listener returns the listener with an id, nil if there is none.
func (st *Station) Listener(id uint64) *Listener {
	all := st.Snapshot("")
	if i := slices.IndexFunc(all, func(s ListenerSnapshot) bool { return s.ID == id }); i >= 0 {
		return all[i].Listener
	}
	return nil
}

// currentFeed returns the feed that the listener is in. The shard calls it.
func (l *Listener) currentFeed() *blocklog.Feed {
	if l.conn == nil {
		return l.cursor.Feed()
	}
	return l.onFeed.Load()
}

// position returns where the listener is in its log. The shard calls it.
func (l *Listener) position() uint64 {
	if l.conn == nil {
		return l.cursor.Position()
	}
	return l.pos.Load()
}

// do runs a function in the shard's loop and waits for it, unless the shard ends.
func (s *shard) do(f func()) {
	done := make(chan struct{})
	select {
	case s.calls <- func() { f(); close(done) }:
		<-done
	case <-s.quit:
	}
}
