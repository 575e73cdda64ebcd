package streaming

import (
	"sync/atomic"
	"time"
)

// session is what a listener has in place of a connection.
type session struct {
	patience time.Duration // how long it may be silent
	polled   atomic.Int64  // when it last was heard of, on the station's clock
}

// Reserve takes places for a listener that Admit is to count in, or returns why there are none. It may
// wait; Admit does not, with them. They must be released.
func (f *Follower) Reserve(c *Client) (Places, error) { return f.mount.reserve(c) }

// Admit counts a listener in that hears what the follower hears, unless a limit forbids it. It
// ends when it has not polled for longer than patience. places are those of Reserve; nil: it takes
// them now, and may wait for that.
func (f *Follower) Admit(c Client, patience time.Duration, places *Places) (*Listener, error) {
	if f.mount.Settings().NoDirect {
		return nil, ErrNoDirect
	}
	l, err := f.mount.admit(c, f, places)
	if err != nil {
		return nil, err
	}
	l.session = &session{patience: patience}
	l.Poll(0)
	l.shard.add(l)
	return l, nil
}

// Poll notes that a listener without a connection is there, and what it has been sent since. It
// reports false if the listener has ended, or is to end.
func (l *Listener) Poll(bytes uint64) bool {
	if l.Reason() != Running {
		return false
	}
	l.session.polled.Store(int64(l.mount.station.clock()))
	l.sent.Add(bytes)
	return true
}

// Duration returns how long the listener has listened: up to now, or to when one without a
// connection was last heard of.
func (l *Listener) Duration() time.Duration {
	if l.session == nil {
		return time.Since(l.Since)
	}
	last := l.mount.station.Started.Add(time.Duration(l.session.polled.Load()))
	return max(0, last.Sub(l.Since))
}

// serveSession reports whether a listener without a connection has ended.
func (s *shard) serveSession(l *Listener, b *batch) bool {
	if b.closing != nil && (b.late || s.station.closedAt.Load() != nil) {
		l.end(b.closing.reason)
	}
	l.part()
	if b.now.Sub(s.station.Started)-time.Duration(l.session.polled.Load()) > l.session.patience {
		l.end(Disconnected)
	}
	return l.Reason() != Running
}
