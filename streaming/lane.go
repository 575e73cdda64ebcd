package streaming

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// lane is those listeners of a mount who were promised content types of one
// family, so they all hear the same at a time.
type lane struct {
	mount *Mount
	typ   string

	playing atomic.Pointer[playing] // the newest feed
	closing atomic.Pointer[closing]

	// Guarded by the station's mu.
	listeners int
	moved     string         // a mount that they were told to hear; empty: none
	left      blocklog.Heard // how far the logs of other feeds were heard
}

// playing is a feed and the mount whose log it is.
type playing struct {
	*blocklog.Feed
	mount *Mount // nil: nothing is left to hear
}

// closing says that there is nothing more to hear, and why, and how long listeners
// have to take what is left.
type closing struct {
	reason   Reason
	deadline time.Time
}

func newLane(m *Mount, typ string, heard *Mount) *lane {
	l := &lane{mount: m, typ: typ, left: make(blocklog.Heard)}
	l.playing.Store(&playing{blocklog.NewFeed(heard.log, nil), heard})
	m.lanes[l] = true
	return l
}

// heard returns the mount whose stream the lane hears, nil if it is over.
func (l *lane) heard() *Mount { return l.playing.Load().mount }

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
	l.playing.Store(&playing{l.playing.Load().Switch(m.logOrNone(), l.left), m})
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
