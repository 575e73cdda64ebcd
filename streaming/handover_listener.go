package streaming

import (
	"net"
	"strings"
	"sync"
	"time"
)

// maxRest is how many bytes a listener may be behind and still be handed over.
const maxRest = 4 << 20

// collectListener describes a listener, unless it ends or its goroutine is busy. The listener's shard
// stands still, or is the caller.
func (h *Handover) collectListener(l *Listener) error {
	handed, ok, err := h.describe(l)
	if ok {
		h.Listeners = append(h.Listeners, handed)
	}
	return err
}

// describe makes what the other process gets of a listener.
func (h *Handover) describe(l *Listener) (handed HandedListener, ok bool, err error) {
	if l.Reason() != Running || l.session != nil || l.conn != nil && (l.busy.Load() || l.finished.Load()) {
		return handed, false, nil
	}
	if strings.HasPrefix(l.Client.Protocol, "HTTP/3") { // its packets come to the new process's socket
		l.end(ShuttingDown)
		return handed, false, nil
	}
	if l.conn == nil { // most can take what is due at once, and need nothing of this process then
		var v vector
		n, _, err := v.write(l.socket, &l.cursor)
		l.sent.Add(uint64(n))
		if err != nil {
			l.end(Disconnected)
			return handed, false, nil
		}
	}
	cursor := l.cursor
	rest, ok := cursor.Rest(maxRest)
	if !ok {
		l.end(Slow)
		return handed, false, nil
	}
	handed = HandedListener{ListenerState: l.state(), listener: l}
	handed.Left, handed.Begun = cursor.Left(), cursor.Begun()
	if l.conn == nil && len(rest) == 0 && l.socket.isPlain() && !l.Client.Admission.isBound() {
		if handed.Remote, err = l.socket.file(); err == nil {
			return handed, true, nil
		}
	}
	local, remote, err := h.pair()
	if err != nil {
		return handed, false, err
	}
	handed.Remote = remote
	handed.pump = &pump{conn: local, lead: rest}
	return handed, true, nil
}

// isBound reports whether only this process can tell the authenticator of the end.
func (a *Admission) isBound() bool { return a != nil && a.OnEnd != nil && !a.Local }

// endAdmission tells the authenticator of the end.
func (l *Listener) endAdmission() {
	if a := l.Client.Admission; a != nil && a.OnEnd != nil {
		a.OnEnd(l.Duration())
	}
}

// state describes the listener, but for its cursor.
func (l *Listener) state() ListenerState {
	s := ListenerState{
		ID: l.ID, Mount: l.mount.Path, Client: l.Client,
		Type: l.stream.Type, Info: l.stream.Info, Since: l.stream.Since, Kind: l.stream.kind, Audio: l.stream.audio,
		Joined: l.Since, Deadline: l.deadline, Interval: l.Interval, Sent: l.Sent(),
	}
	s.Client.Admission = nil
	if heard := l.group.heard(); heard != nil && !heard.isInternal() {
		s.Heard = heard.Path
	}
	return s
}

// start begins to pass on what the other process sends, or lets go of the connection.
func (l *HandedListener) start(h *Handover) {
	l.listener.shard.load.Add(-1)
	l.listener.group.leave(l.listener.Client)
	if l.pump == nil {
		l.listener.socket.release()
		l.listener.endAdmission()
		return
	}
	h.streams.Add(1)
	h.mu.Lock()
	h.pumps[l.pump] = true
	h.mu.Unlock()
	l.pump.end = func() {
		_ = l.pump.conn.Close()
		l.listener.endAdmission()
		h.mu.Lock()
		delete(h.pumps, l.pump)
		h.mu.Unlock()
		h.streams.Done()
	}
	l.listener.handed.Store(l.pump)
	if l.listener.conn != nil {
		l.listener.busy.Store(true)
		l.listener.wake <- struct{}{} // its goroutine passes on
		return
	}
	to := l.listener.socket.blocking()
	go func() {
		l.pump.run(to)
		_ = to.Close()
	}()
}

// handLate hands over what has become idle, or has come, since the others were.
func (s *shard) handLate(h *Handover) {
	handed := make(map[*Listener]bool)
	for _, g := range s.groups {
		for _, l := range g.listeners {
			one, ok, err := h.describe(l)
			if err != nil {
				l.end(ShuttingDown)
			}
			if ok {
				handed[l] = true
				one.start(h)
				h.Late(one)
			}
		}
		g.remove(handed)
	}
}

// pump passes on what the other process sends to a listener of it.
type pump struct {
	conn net.Conn
	lead []byte // what was due before
	end  func()
}

// pumpBuffers are for what was read and is not written yet: a stream that is silent has none.
var pumpBuffers = sync.Pool{New: func() any { return new([maxBuffered]byte) }}

// run passes on until one of the two sides ends.
func (p *pump) run(to Conn) {
	defer p.end()
	for next := p.lead; ; {
		if len(next) > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := to.Write(next); err != nil {
				return
			}
			if err := to.Flush(); err != nil {
				return
			}
		}
		p.lead = nil
		if !awaitBytes(p.conn) {
			return
		}
		b := pumpBuffers.Get().(*[maxBuffered]byte)
		n, err := p.conn.Read(b[:])
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err = to.Write(b[:n]); err == nil {
				err = to.Flush()
			}
		}
		pumpBuffers.Put(b)
		if err != nil {
			return
		}
		next = nil
	}
}
