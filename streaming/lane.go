package streaming

import (
	"sync/atomic"
	"time"
)

// lane is those listeners of a mount who were promised content types of one
// family, so they all hear the same at a time.
type lane struct {
	mount *Mount
	typ   string

	feed    atomic.Pointer[feed] // the newest
	closing atomic.Pointer[closing]

	// Guarded by the station's mu.
	listeners int
	moved     string            // a mount that they were told to hear; empty: none
	left      map[*Mount]uint64 // how far the logs of other feeds were heard
}

// closing says that there is nothing more to hear, and why, and how long listeners
// have to take what is left.
type closing struct {
	reason   Reason
	deadline time.Time
}

func newLane(m *Mount, typ string, heard *Mount) *lane {
	l := &lane{mount: m, typ: typ, left: make(map[*Mount]uint64)}
	l.feed.Store(&feed{mount: heard})
	m.lanes[l] = true
	return l
}

// heard returns the mount whose stream the lane hears, nil if it is over.
func (l *lane) heard() *Mount { return l.feed.Load().mount }

// empty counts out one listener who is elsewhere now. The station's mu is held.
func (l *lane) empty() {
	l.listeners--
	if l.listeners == 0 && l.mount.lanes[l] {
		delete(l.mount.lanes, l)
		l.mount.station.reconsider()
	}
}

// hear makes the listeners go over to another mount's stream, nil for none.
func (l *lane) hear(m *Mount) {
	old := l.feed.Load()
	old.leave = old.tail().end()
	if old.mount != nil {
		l.left[old.mount] = old.leave
	}
	f := &feed{mount: m, notBefore: l.left[m]}
	f.from = f.tail().end()
	old.next.Store(f)
	l.feed.Store(f)
}

// end lets the listeners go once they have got what is in the log.
func (l *lane) end(r Reason) {
	l.hear(nil)
	l.closing.Store(&closing{reason: r, deadline: time.Now().Add(drainTime)})
	delete(l.mount.lanes, l)
	l.mount.station.attend()
}

func (l *lane) endReason() Reason {
	switch m := l.mount; {
	case m.station.closedAt.Load() != nil:
		return ShuttingDown
	case m.source != nil && m.own != nil && m.own.kind != l.typ:
		return TypeChanged
	}
	return SourceEnded
}
