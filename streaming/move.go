package streaming

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Reasons why listeners can't be moved.
var (
	ErrNoSuchStream   = errors.New("nothing sounds there")
	ErrNoSuchListener = errors.New("there is no such listener")
	ErrOtherType      = errors.New("it was promised another content type")
	ErrStalled        = errors.New("it takes nothing now")
	ErrNoConnection   = errors.New("it listens by HLS, and all such listeners of a mount hear the same")
)

// moveTime bounds how long a move waits for a listener whose connection takes nothing.
const moveTime = 500 * time.Millisecond

// Moved is how many were moved.
type Moved struct{ Listeners, Slaves int }

// Move makes the listeners of a mount hear another one, until that falls silent. They
// remain listeners of the first one, and hear its fallbacks then. Listeners that were
// promised another content type are not moved. Slaves are moved only if slaves says so, since
// all their listeners would hear the other mount under the name of the first.
func (st *Station) Move(from, to string, slaves bool) (moved Moved, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.mounts[from]
	if m == nil || !st.state(to).Live {
		return Moved{}, ErrNoSuchStream
	}
	for g := range m.groups {
		if g.kind != st.state(to).Type || g.slaves && !slaves {
			continue
		}
		if g.movedTo = to; to == from {
			g.movedTo = "" // home again
		}
		if g.slaves {
			moved.Slaves += g.listeners
		} else {
			moved.Listeners += g.listeners
		}
	}
	st.index(m)
	st.follow(from)
	return moved, nil
}

// MoveListener makes one listener hear another mount, as Move does with all. It returns
// ErrNoSuchListener if it has ended, ErrOtherType if it was promised another content type,
// ErrStalled if its connection takes nothing, ErrNoConnection if it is a session.
func (st *Station) MoveListener(l *Listener, to string) error {
	if l.session != nil {
		return ErrNoConnection
	}
	timeout := time.NewTimer(moveTime)
	defer timeout.Stop()
	for {
		from := l.shard.groupOf(l)
		if from == nil {
			return ErrNoSuchListener
		}
		idle := l.nextIdle()
		g, err := st.newGroupLike(from, to)
		if err != nil {
			return err
		}
		if st.transfer(l, from, g) {
			return nil
		}
		if l.finished.Load() {
			return ErrNoSuchListener
		}
		select {
		case <-idle: // its goroutine was writing
		case <-timeout.C:
			return ErrStalled
		}
	}
}

// groupOf returns the group of a listener, nil if it has ended.
func (s *shard) groupOf(l *Listener) (g *listenerGroup) {
	s.do(func() {
		if sg := s.groups[l.group]; sg != nil && slices.Contains(sg.listeners, l) {
			g = l.group
		}
	})
	return g
}

// newGroupLike returns a group for one listener of another group that is to hear a mount.
func (st *Station) newGroupLike(from *listenerGroup, to string) (*listenerGroup, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	state := st.state(to)
	switch {
	case !state.Live:
		return nil, ErrNoSuchStream
	case !state.Usable(from.kind):
		return nil, ErrOtherType
	}
	g := newListenerGroup(from.mount, from.promise, from.slaves, st.mounts[to], maps.Clone(from.heardTo))
	if g.listeners = 1; to != from.mount.Path {
		g.movedTo = to
	}
	g.noteOthers(from)
	st.index(g.mount)
	return g, nil
}

// transfer gives a listener to another group and counts it out of its own. If its
// goroutine is writing, or if it has ended, it stays, and is counted out of the other.
func (st *Station) transfer(l *Listener, from, to *listenerGroup) bool {
	without, feed := to, (*blocklog.Feed)(nil)
	l.shard.do(func() {
		if feed = l.shard.transfer(l, from, to); feed != nil {
			without = from
		}
	})
	st.mu.Lock()
	defer st.mu.Unlock()
	if feed != nil {
		feed.NoteHeard(to.heardTo)
		to.noteOthers(from)
	}
	without.removeOne()
	return feed != nil
}

// transfer returns the feed that the listener heard until now, nil if it stays.
func (s *shard) transfer(l *Listener, from, to *listenerGroup) *blocklog.Feed {
	g := s.groups[from]
	if g == nil {
		return nil
	}
	i := slices.Index(g.listeners, l)
	if i < 0 || l.conn != nil && (l.busy.Load() || l.finished.Load()) {
		return nil
	}
	g.listeners = slices.Delete(g.listeners, i, i+1)
	feed := l.cursor.Branch(to.playing.Load().Feed)
	if l.conn != nil {
		l.publishPosition()
	}
	l.group = to
	s.place(l)
	s.flushNow()
	return feed
}

// chooseFor asks the director for a group, unless its listeners were moved. mu is held.
func (st *Station) chooseFor(g *listenerGroup) (*Mount, Decision) {
	if g.movedTo != "" {
		if s := st.state(g.movedTo); s.Live && s.Usable(g.kind) {
			return st.mounts[g.movedTo], Decision{Hear: g.movedTo}
		}
		g.movedTo = ""
	}
	return st.choose(g.mount, g.promise, g.heard().Path)
}
