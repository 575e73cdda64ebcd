package streaming

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// listenerGroup is those listeners of a mount, or those slaves, that were promised the same: they
// all hear the same at a time.
type listenerGroup struct {
	mount *Mount
	promise
	slaves   bool // replicate the mount; all or none
	followed bool // its listeners are sessions of a Follower, and it lasts as long as that

	playing atomic.Pointer[playing] // the newest feed; shards read it
	closing atomic.Pointer[closing]

	// Guarded by the station's mu.
	listeners int
	movedTo   string          // a mount that an operator moved them to; empty: none
	heardTo   blocklog.Heard  // how far the logs of other feeds were heard
	others    map[*Mount]bool // whose logs those are, but for its own mount
}

// playing is a feed and the mount whose log it is.
type playing struct {
	*blocklog.Feed
	mount *Mount // nil: nothing is left to hear
}

// closing is why nothing is left to hear, and until when listeners may take the rest.
type closing struct {
	reason   Reason
	deadline time.Time
}

// newListenerGroup returns a group that hears a mount, some of whose log its listeners may
// have heard already. mu is held.
func newListenerGroup(m *Mount, p promise, slaves bool, heard *Mount, heardTo blocklog.Heard) *listenerGroup {
	if heardTo == nil {
		heardTo = make(blocklog.Heard)
	}
	g := &listenerGroup{mount: m, promise: p, slaves: slaves, heardTo: heardTo}
	g.playing.Store(&playing{blocklog.NewFeed(heard.log, heardTo), heard})
	m.groups[g] = true
	g.noteHeard(heard)
	m.station.index(m)
	return g
}

// noteHeard notes that heardTo may hold the log of a mount, until that is dropped. mu is
// held.
func (g *listenerGroup) noteHeard(m *Mount) {
	if m == g.mount || !m.isKept() || !g.mount.groups[g] {
		return
	}
	if m.hearers == nil {
		m.hearers = make(map[*listenerGroup]bool)
	}
	if g.others == nil {
		g.others = make(map[*Mount]bool)
	}
	m.hearers[g], g.others[m] = true, true
}

// noteOthers notes that heardTo may hold what that of another group does. mu is held.
func (g *listenerGroup) noteOthers(from *listenerGroup) {
	for m := range from.others {
		g.noteHeard(m)
	}
}

// remove takes the group from its mount. mu is held.
func (g *listenerGroup) remove() {
	delete(g.mount.groups, g)
	for m := range g.others {
		delete(m.hearers, g)
	}
	g.mount.station.index(g.mount)
}

// heard returns the mount whose stream the group hears, nil if it has ended.
func (g *listenerGroup) heard() *Mount { return g.playing.Load().mount }

// removeOne counts out one listener. The station's mu is held.
func (g *listenerGroup) removeOne() {
	g.listeners--
	if g.listeners == 0 && !g.followed && g.mount.groups[g] {
		g.remove()
		g.mount.station.groupLeft(g)
	}
}

// play makes the listeners hear another mount's stream, nil for none. mu is held.
func (g *listenerGroup) play(m *Mount) {
	before := g.heard()
	before.lastHeard = time.Now()
	g.playing.Store(&playing{g.playing.Load().Switch(m.logOrNone(), g.heardTo), m})
	if m != nil {
		g.noteHeard(m)
	}
	if before != g.mount && !before.isKept() {
		delete(g.heardTo, before.log)
	}
}

// end ends the listeners once they have received what is in the log. mu is held.
func (g *listenerGroup) end(r Reason) {
	g.play(nil)
	g.closing.Store(&closing{reason: r, deadline: time.Now().Add(drainTime)})
	g.remove()
	g.mount.station.rescan()
}

// endReason returns why nothing is left to hear. mu is held.
func (g *listenerGroup) endReason() Reason {
	switch m := g.mount; {
	case m.station.closedAt.Load() != nil:
		return ShuttingDown
	case m.source != nil && m.stream != nil && m.stream.kind != g.kind:
		return TypeChanged
	}
	return SourceEnded
}
