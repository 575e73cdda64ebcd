package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// visit serves the listeners of a group and takes out those that have ended.
func (s *shard) visit(g *group, now time.Time) {
	v := visit{
		now:     now,
		silent:  s.round && now.Sub(g.moved) > silence,
		feed:    g.playing.Feed,
		end:     g.seen.End(),
		queue:   uint64(g.queue() + g.seen.Init().Size()),
		closing: g.lane.closing.Load(),
	}
	v.late = v.closing != nil && (now.After(v.closing.deadline) || s.station.closedFor(now) > lastDrainTime)
	for i := 0; i < len(g.listeners); {
		l := g.listeners[i]
		if !l.deadline.IsZero() && now.After(l.deadline) {
			l.end(TimeLimit)
		}
		if l.cursor.Paced() && (l.conn == nil || !l.busy.Load()) {
			l.introduce(now, s.station.latency())
		}
		var over bool
		if l.conn == nil {
			over = s.serveSocket(l, &v)
		} else {
			over = s.serveConn(l, &v)
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
	g.behind = v.behind
	g.lane.mount.bytesSent.Add(v.sent)
}

// visit is what a shard knows while it serves a group, and what it learns.
type visit struct {
	now     time.Time
	silent  bool // nothing has been written for so long that they may have left
	feed    *blocklog.Feed
	end     uint64 // of its log
	queue   uint64 // bytes that a listener may be behind
	closing *closing
	late    bool // the mount is closing, and time is up

	sent   uint64
	behind bool // some listener could not take all that was due
}

// introPatience is how much longer than its intro sounds a listener may take for it.
const introPatience = 30 * time.Second

// tooSlow reports whether a listener that came at a time is too far behind at a position
// of a feed.
func (v *visit) tooSlow(f *blocklog.Feed, position uint64, since time.Time) bool {
	if f == v.feed {
		return v.end-min(position, v.end) > v.queue
	}
	if intro := f.Intro(); intro != nil {
		return v.now.Sub(since) > intro.Duration()+introPatience
	}
	// It may be ahead of this visit. Else it keeps alive what its next log gets meanwhile.
	return f.HasEnded() && f.Lag(position, v.feed, v.end) > v.queue
}

// serveSocket writes what is due to a plain listener, unless its socket would
// block or has just done so. It reports whether the listener has ended.
func (s *shard) serveSocket(l *Listener, v *visit) bool {
	caughtUp := false
	switch {
	case l.Reason() != Running:
		return true
	case l.pause > 0:
		l.pause--
	default:
		caughtUp = s.write(l, v)
	}
	if v.closing != nil && (caughtUp || v.late) {
		l.end(v.closing.reason)
	}
	if v.tooSlow(l.cursor.Feed(), l.cursor.Position(), l.Since) {
		l.end(Slow)
	}
	v.behind = v.behind || !caughtUp
	return l.Reason() != Running
}

// write writes what is due to a plain listener and reports whether that was all.
func (s *shard) write(l *Listener, v *visit) bool {
	unsent := l.socket.wire.unsent()
	n, caughtUp, err := s.vector.write(l.socket, &l.cursor)
	l.sent.Store(l.sent.Load() + uint64(n))
	v.sent += uint64(n)
	if n > 0 {
		s.served++
	}
	if v.silent && caughtUp && n == 0 && l.socket.left() {
		l.end(Disconnected)
	}
	switch {
	case err != nil:
		l.end(Disconnected)
	case n > 0 || caughtUp || l.socket.wire.unsent() < unsent:
		l.backoff = 0
	default:
		l.backoff = min(max(1, 2*l.backoff), maxPause)
		l.pause = l.backoff
	}
	return caughtUp
}

// serveConn wakes a listener's goroutine if something is due and nothing keeps
// it busy. It reports whether the goroutine has ended.
func (s *shard) serveConn(l *Listener, v *visit) bool {
	if l.gone.Load() {
		return true
	}
	if l.busy.Load() {
		v.behind = true // what is appended meanwhile must not wait for what comes after it
		if on, position := l.on.Load(), l.pos.Load(); on == l.on.Load() && v.tooSlow(on, position, l.Since) {
			l.end(Slow)
		}
		if v.late {
			l.end(v.closing.reason)
		}
		s.abort(l, v.now)
		return false
	}
	due := l.cursor.Peek() != nil
	if v.closing != nil && !due {
		l.end(v.closing.reason)
	}
	if due || l.Reason() != Running {
		l.busy.Store(true)
		l.wake <- struct{}{} // never blocks: busy admits one
		s.woken++
		v.behind = v.behind || v.closing != nil
	}
	return false
}

// abort makes a goroutine give up its write, if its listener is to end and it
// does not notice by itself.
func (s *shard) abort(l *Listener, now time.Time) {
	switch {
	case l.Reason() == Running || l.aborted:
	case l.abortAt.IsZero():
		l.abortAt = now.Add(abortTime)
	case now.After(l.abortAt):
		l.aborted = true
		s.station.departures.abort(l)
	}
}
