package streaming

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Why listeners can't be moved.
var (
	ErrNoSuchStream   = errors.New("nothing sounds there")
	ErrNoSuchListener = errors.New("there is no such listener")
	ErrOtherType      = errors.New("it was promised another content type")
	ErrStalled        = errors.New("it takes nothing now")
)

// Move makes the listeners of a mount hear another one, until that falls silent. They
// stay the first one's: then they hear what its fallbacks say. Those who were promised
// another content type stay where they are. It returns how many were moved.
func (st *Station) Move(from, to string) (moved int, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.mounts[from]
	if m == nil || !st.state(to).Live {
		return 0, ErrNoSuchStream
	}
	for l := range m.lanes {
		if l.typ == st.state(to).Type {
			if l.moved = to; to == from {
				l.moved = "" // home again
			}
			moved += l.listeners
		}
	}
	st.reconsider()
	return moved, nil
}

// MoveListener makes one listener hear another mount, as Move does with all. It is
// ErrNoSuchListener if it has ended, ErrOtherType if it was promised another content type.
func (st *Station) MoveListener(who *Listener, to string) error {
	for range moveTries {
		from := who.shard.laneOf(who)
		if from == nil {
			return ErrNoSuchListener
		}
		l, err := st.laneLike(from, to)
		if err != nil {
			return err
		}
		if st.transfer(who, from, l) {
			return nil
		}
		time.Sleep(moveStep) // its goroutine is writing
	}
	return ErrStalled
}

// A listener whose goroutine is writing is tried to be moved so often, at that distance.
const (
	moveTries = 20
	moveStep  = 25 * time.Millisecond
)

// laneOf returns the lane that a listener is in, nil if it has ended.
func (s *shard) laneOf(who *Listener) (l *lane) {
	s.ask(func() {
		if g := s.groups[who.lane]; g != nil && slices.Contains(g.listeners, who) {
			l = who.lane
		}
	})
	return l
}

// laneLike returns a lane for one listener of another one, who is to hear a mount.
func (st *Station) laneLike(from *lane, to string) (*lane, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	state := st.state(to)
	switch {
	case !state.Live:
		return nil, ErrNoSuchStream
	case !state.Usable(from.typ):
		return nil, ErrOtherType
	}
	l := newLane(from.mount, from.typ, st.mounts[to])
	l.left = maps.Clone(from.left)
	l.playing.Store(&playing{blocklog.NewFeed(st.mounts[to].log, l.left), st.mounts[to]})
	if l.listeners = 1; to != from.mount.Path {
		l.moved = to
	}
	return l, nil
}

// transfer gives a listener to another lane, unless its goroutine writes or it has ended,
// and counts it out where it is not.
func (st *Station) transfer(who *Listener, from, to *lane) bool {
	gone, feed := to, (*blocklog.Feed)(nil)
	who.shard.ask(func() {
		if feed = who.shard.transfer(who, from, to); feed != nil {
			gone = from
		}
	})
	st.mu.Lock()
	defer st.mu.Unlock()
	if feed != nil {
		feed.NoteHeard(to.left)
	}
	gone.empty()
	return feed != nil
}

// transfer returns what the listener heard until now, nil if it stays where it is.
func (s *shard) transfer(who *Listener, from, to *lane) *blocklog.Feed {
	g := s.groups[from]
	if g == nil {
		return nil
	}
	i := slices.Index(g.listeners, who)
	if i < 0 || who.conn != nil && (who.busy.Load() || who.gone.Load()) {
		return nil
	}
	g.listeners = slices.Delete(g.listeners, i, i+1)
	feed := who.cursor.Branch(to.playing.Load().Feed)
	if who.conn != nil {
		who.tellPosition()
	}
	who.lane = to
	s.place(who)
	s.hurry()
	return feed
}

// chooseFor asks the director for a lane, unless its listeners were moved. mu is held.
func (st *Station) chooseFor(l *lane) (*Mount, Decision) {
	if l.moved != "" {
		if s := st.state(l.moved); s.Live && s.Usable(l.typ) {
			return st.mounts[l.moved], Decision{Hear: l.moved}
		}
		l.moved = ""
	}
	return st.choose(l.mount, l.typ, l.heard().Path)
}
