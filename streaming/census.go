package streaming

import (
	"cmp"
	"slices"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// ListenerSnapshot is a listener as it stands now.
type ListenerSnapshot struct {
	*Listener
	Behind uint64 // bytes of the stream that it has yet to get
}

// ListenerSnapshot returns the listeners of a mount, or of all mounts if path is empty, those
// who have been there longest first. Slaves are among them. The shards are asked, each
// between two of its passes; nothing is kept for this.
func (st *Station) Snapshot(path string) []ListenerSnapshot {
	var all []ListenerSnapshot
	for _, sh := range st.allShards() {
		sh.ask(func() {
			for lane, g := range sh.groups {
				if path != "" && lane.mount.Path != path {
					continue
				}
				end := lane.playing.Load().Tail().End()
				for _, l := range g.listeners {
					p := ListenerSnapshot{Listener: l}
					if on := l.hears(); on == nil || on.Intro() == nil {
						p.Behind = end - min(end, l.at())
					}
					all = append(all, p)
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
	if i := slices.IndexFunc(all, func(p ListenerSnapshot) bool { return p.ID == id }); i >= 0 {
		return all[i].Listener
	}
	return nil
}

// hears returns the feed that the listener is in. The shard calls it.
func (l *Listener) hears() *blocklog.Feed {
	if l.conn == nil {
		return l.cursor.Feed()
	}
	return l.on.Load()
}

// at returns where the listener is in its log. The shard calls it.
func (l *Listener) at() uint64 {
	if l.conn == nil {
		return l.cursor.Position()
	}
	return l.pos.Load()
}

// ask runs a function in the shard's loop and waits for it, unless the shard ends.
func (s *shard) ask(question func()) {
	done := make(chan struct{})
	select {
	case s.asks <- func() { question(); close(done) }:
		<-done
	case <-s.quit:
	}
}
