package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// introPatience is how much longer than its intro sounds a listener may take for it.
const introPatience = 30 * time.Second

// batch is the input and the result of serving one group.
type batch struct {
	now     time.Time
	silent  bool // nothing has been written for so long that listeners may have left unnoticed
	feed    *blocklog.Feed
	end     uint64 // of its log
	queue   uint64 // bytes that a listener may be behind
	closing *closing
	late    bool // the mount is closing, and its time is up

	sent   uint64
	behind bool // some listener could not take all that was due
}

// serveGroup serves the listeners of a group and takes out those that have ended.
func (s *shard) serveGroup(g *shardGroup, now time.Time) {
	b := batch{
		now:     now,
		silent:  s.sweeping && now.Sub(g.moved) > silentAfter,
		feed:    g.playing.Feed,
		end:     g.seen.End(),
		queue:   uint64(g.queue() + g.seen.Init().Size()),
		closing: g.group.closing.Load(),
	}
	b.late = b.closing != nil && (now.After(b.closing.deadline) || s.station.closedFor(now) > lastDrainTime)
	for i := 0; i < len(g.listeners); {
		l := g.listeners[i]
		if !l.deadline.IsZero() && now.After(l.deadline) {
			l.end(TimeLimit)
		}
		if l.cursor.Paced() && (l.conn == nil || !l.busy.Load()) {
			l.introduce(now, s.station.latency())
		}
		var over bool
		if l.session != nil {
			over = s.serveSession(l, &b)
		} else if l.conn == nil {
			over = s.serveSocket(l, &b)
		} else {
			over = s.serveConn(l, &b)
		}
		if !over {
			i++
			continue
		}
		last := len(g.listeners) - 1
		g.listeners[i], g.listeners[last] = g.listeners[last], nil
		g.listeners = g.listeners[:last]
		s.ended = append(s.ended, l)
	}
	s.vector.forget() // or it would keep alive all that is appended from here on
	g.behind = b.behind
	g.group.mount.bytesSent.Add(b.sent)
}

// tooSlow reports whether a listener that came at a time is too far behind at a position
// of a feed.
func (b *batch) tooSlow(f *blocklog.Feed, position uint64, since time.Time) bool {
	if f == b.feed {
		return b.end-min(position, b.end) > b.queue
	}
	if intro := f.Intro(); intro != nil {
		return b.now.Sub(since) > intro.Duration()+introPatience
	}
	// It may be ahead of this batch. Else it keeps alive what its next log gets meanwhile.
	return f.HasEnded() && f.Lag(position, b.feed, b.end) > b.queue
}

// serveSocket writes what is due to a plain listener, unless its socket would
// block or has just done so. It reports whether the listener has ended.
func (s *shard) serveSocket(l *Listener, b *batch) bool {
	caughtUp := false
	switch {
	case l.Reason() != Running:
		return true
	case l.pause > 0:
		l.pause--
	default:
		caughtUp = s.write(l, b)
	}
	if b.closing != nil && (caughtUp || b.late) {
		l.end(b.closing.reason)
	}
	if caughtUp {
		l.part()
	}
	if b.tooSlow(l.cursor.Feed(), l.cursor.Position(), l.Since) {
		l.end(Slow)
	}
	b.behind = b.behind || !caughtUp
	return l.Reason() != Running
}

// write writes what is due to a plain listener and reports whether that was all.
func (s *shard) write(l *Listener, b *batch) bool {
	unsent := l.socket.cipher.unsent()
	n, caughtUp, err := s.vector.write(l.socket, &l.cursor)
	l.sent.Store(l.sent.Load() + uint64(n))
	b.sent += uint64(n)
	if n > 0 {
		s.served++
	}
	if b.silent && caughtUp && n == 0 && l.socket.left() {
		l.end(Disconnected)
	}
	switch {
	case err != nil:
		l.end(Disconnected)
	case n > 0 || caughtUp || l.socket.cipher.unsent() < unsent:
		l.backoff = 0
	default:
		l.backoff = min(max(1, 2*l.backoff), maxPause)
		l.pause = l.backoff
	}
	return caughtUp
}

// serveConn wakes a listener's goroutine if something is due and the goroutine is not
// busy. It reports whether the goroutine has ended.
func (s *shard) serveConn(l *Listener, b *batch) bool {
	if l.finished.Load() {
		return true
	}
	if l.busy.Load() {
		b.behind = true // what is appended meanwhile must not wait for the next append
		if on, position := l.onFeed.Load(), l.pos.Load(); on == l.onFeed.Load() && b.tooSlow(on, position, l.Since) {
			l.end(Slow)
		}
		if b.late {
			l.end(b.closing.reason)
		}
		s.abort(l, b.now)
		return false
	}
	due := l.cursor.Peek() != nil
	if b.closing != nil && !due {
		l.end(b.closing.reason)
	}
	if !due {
		l.part()
	}
	if due || l.Reason() != Running {
		l.busy.Store(true)
		l.wake <- struct{}{} // never blocks: busy admits one
		s.woken++
		b.behind = b.behind || b.closing != nil
	}
	return false
}

// abort makes a goroutine give up its write, if its listener is to end and the goroutine
// does not notice in time.
func (s *shard) abort(l *Listener, now time.Time) {
	switch {
	case l.Reason() == Running || l.aborted:
	case l.abortAt.IsZero():
		l.abortAt = now.Add(abortTime)
	case now.After(l.abortAt):
		l.aborted = true
		s.station.callbacks.abort(l)
	}
}
