package streaming

import (
	"errors"
	"math"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Client describes a listener's program and person. All text has gone through icy.Clean.
type Client struct {
	IP        netip.Addr
	Agent     string
	Referer   string
	User      string // that it authenticated as
	Protocol  string // such as HTTP/1.1
	Encrypted bool
	Metadata  bool // asked for ICY metadata
	Slave     bool // replicates the mount: no limit applies to it
	Relay     bool // passes the stream on

	Admission *Admission `json:"-"` // nil: no authenticator was asked
}

// Admission is an authenticator's permission to listen.
type Admission struct {
	ID        uint64                    // that the request had, from Station.NewID; 0: none
	User      string                    // as the authenticator names it; empty: not at all
	TimeLimit time.Duration             // how long it may listen; 0: no limit
	OnEnd     func(heard time.Duration) // called once the listener has ended, must not block; may be nil
	Local     bool                      // OnEnd only keeps account in this process: one that takes the listener over has its own
}

// Conn is a connection that a goroutine of the listener writes to. Write blocks
// until all is written. Abort makes a Write that is under way, and all that
// follow, fail soon; it may be called from any goroutine, also after Close.
type Conn interface {
	Write(p []byte) (int, error)
	Flush() error
	SetWriteDeadline(t time.Time) error
	Abort()
	Close() error
}

const (
	// writeTimeout bounds each write of a listener's goroutine, so that a peer that stalls
	// on a silent mount does not stay for ever.
	writeTimeout = 30 * time.Second

	// introAhead is how much earlier than it is due an intro goes out, beyond the time that
	// a byte waits for its cycle, and for the sweep if nothing else is due.
	introAhead = 2 * time.Second
)

// Listener is a cursor in a mount's log and the connection that is fed from it. It belongs
// to the mount it asked for until it ends.
//
// Mount.Admit makes one. It is then given its connection once, by Attach, AttachTLS, Go or
// Run, or given up by Cancel.
type Listener struct {
	// Set once.
	ID     uint64
	Client Client
	Since  time.Time
	// Interval is the number of bytes between metadata blocks, 0 without.
	Interval int

	mount    *Mount  // that it asked for
	stream   *Stream // what it was promised
	shard    *shard
	deadline time.Time // zero: no limit
	socket   socket    // of a plain listener
	conn     Conn      // of any other
	session  *session  // of one without a connection; nil: it has one
	wake     chan struct{}

	reason atomic.Uint32 // why it ends or has ended
	sent   atomic.Uint64 // bytes written

	// The cursor of a plain listener is the shard's. Any other's is its
	// goroutine's while busy is set, the shard's while it is not.
	cursor   blocklog.Cursor
	busy     atomic.Bool
	finished atomic.Bool                   // the goroutine has ended
	idle     atomic.Pointer[chan struct{}] // closed when it is no longer busy; nil: no one waits
	pos      atomic.Uint64                 // the cursor's position, for the shard while busy is set
	handed   atomic.Pointer[pump]          // passes on what another process sends; nil: it is this one's
	onFeed   atomic.Pointer[blocklog.Feed] // in the log of which that is

	// The shard's, once it has the listener.
	group          *listenerGroup
	pause, backoff uint8     // cycles to pass over a socket that would block
	abortAt        time.Time // when the goroutine is made to give up its write; zero: not yet
	aborted        bool
}

// Mount returns the mount that the listener asked for.
func (l *Listener) Mount() *Mount { return l.mount }

// Stream returns what the listener was promised.
func (l *Listener) Stream() Stream { return l.Mount().withOverrides(l.stream) }

// Sent returns how many bytes have been written to the connection.
func (l *Listener) Sent() uint64 { return l.sent.Load() }

// Reason returns why the listener ended, or Running.
func (l *Listener) Reason() Reason {
	if r := Reason(l.reason.Load()); r < parting {
		return r
	}
	return Running
}

// end marks the listener as ending; the first reason given stays.
func (l *Listener) end(r Reason) {
	if !l.reason.CompareAndSwap(uint32(Running), uint32(r)) {
		if was := l.reason.Load(); Reason(was) >= parting {
			l.reason.CompareAndSwap(was, uint32(r))
		}
	}
}

// Part ends the listener once it has been sent whole frames only. One that is always behind
// goes on, until Remove.
func (l *Listener) Part(r Reason) {
	l.reason.CompareAndSwap(uint32(Running), uint32(parting|r))
	l.shard.rescan()
}

// part ends the listener if it is to end at a whole frame, where it is now.
func (l *Listener) part() {
	if r := Reason(l.reason.Load()); r >= parting {
		l.end(r &^ parting)
	}
}

// Remove ends the listener.
func (l *Listener) Remove(r Reason) {
	l.end(r)
	if p := l.handed.Load(); p != nil {
		_ = p.conn.Close()
	}
	l.shard.rescan()
}

// Cancel gives up a listener that was not given a connection.
func (l *Listener) Cancel() {
	l.end(Disconnected)
	l.Mount().countEnd(l)
	l.release()
}

func (l *Listener) release() {
	l.shard.load.Add(-1)
	l.group.leave(l.Client)
	l.endAdmission()
}

// Go starts a goroutine that feeds the listener over c, and returns at once. head
// is written first. The listener closes c.
func (l *Listener) Go(c Conn, head []byte) {
	l.prepare(c, head)
	l.Mount().station.running.Go(l.serve) // Station.Close waits for it
}

// Run feeds the listener over c until it ends. The listener closes c.
func (l *Listener) Run(c Conn) {
	l.prepare(c, nil)
	l.serve()
}

func (l *Listener) prepare(c Conn, head []byte) {
	l.conn, l.socket = c, noSocket
	l.wake = make(chan struct{}, 1)
	l.cursor.Lead(head)
	l.publishPosition()
	l.busy.Store(true)
	l.wake <- struct{}{}
	l.shard.add(l)
}

// serve writes what is due each time the shard wakes it, until the listener ends.
func (l *Listener) serve() {
	for range l.wake {
		if p := l.handed.Load(); p != nil {
			p.run(l.conn)
			break
		}
		if !l.writeDue() {
			break
		}
		l.busy.Store(false)
		l.signalIdle()
	}
	_ = l.conn.Close()
	l.finished.Store(true)
	l.signalIdle()
	l.shard.rescan()
}

// signalIdle closes the channel of nextIdle, if there is one.
func (l *Listener) signalIdle() {
	if idle := l.idle.Swap(nil); idle != nil {
		close(*idle)
	}
}

// nextIdle returns a channel that is closed when the goroutine has next finished a write,
// or has ended.
func (l *Listener) nextIdle() <-chan struct{} {
	idle := make(chan struct{})
	for !l.idle.CompareAndSwap(nil, &idle) {
		if other := l.idle.Load(); other != nil {
			return *other
		}
	}
	return idle
}

// publishPosition shows the shard how far the goroutine is.
func (l *Listener) publishPosition() {
	if on := l.cursor.Feed(); l.onFeed.Load() != on {
		l.pos.Store(math.MaxUint64) // nowhere behind, while the two don't fit together
		l.onFeed.Store(on)
	}
	l.pos.Store(l.cursor.Position())
}

// writeDue writes all that is due and reports whether the listener continues.
func (l *Listener) writeDue() bool {
	wrote := false
	var deadline time.Time
	for l.Reason() == Running {
		p := l.cursor.Peek()
		if p == nil {
			break
		}
		deadline = time.Now().Add(writeTimeout)
		_ = l.conn.SetWriteDeadline(deadline)
		n, err := l.conn.Write(p)
		l.cursor.Advance(n)
		l.sent.Add(uint64(n))
		l.Mount().bytesSent.Add(uint64(n))
		l.publishPosition()
		if err != nil {
			l.fail(err, deadline)
			return false
		}
		wrote = true
	}
	if wrote {
		if err := l.conn.Flush(); err != nil {
			l.fail(err, deadline)
		}
	}
	return l.Reason() == Running
}

// fail ends a listener after a failed write that had a deadline. A peer that took nothing
// until then is slow, and must not mistake that for the end of the stream. On HTTP/2 the
// error tells only that the stream is closed.
func (l *Listener) fail(err error, deadline time.Time) {
	if errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(deadline) {
		l.end(Slow)
		l.conn.Abort()
	}
	l.end(Disconnected)
}

// introduce makes due what a listener may have of its intro by now. The cursor's owner
// calls it.
func (l *Listener) introduce(now time.Time, latency time.Duration) {
	l.cursor.Pace(now.Sub(l.Since) + introAhead + latency)
}
