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

// Client is what is known of a listener's program and person. All text has gone
// through icy.Clean.
type Client struct {
	IP        netip.Addr
	Agent     string
	Referer   string
	User      string // whom it authenticated as
	Protocol  string // such as HTTP/1.1
	Encrypted bool
	Metadata  bool // asked for ICY metadata
	Slave     bool // replicates the mount: limits are not for it
	Relay     bool // passes the stream on

	Admission *Admission // nil: nobody was asked
}

// Admission is what came of asking whether somebody may listen.
type Admission struct {
	ID        uint64                    // that was asked with, from Station.NewID; 0: none
	User      string                    // whom it is known as; empty: nobody
	TimeLimit time.Duration             // how long it may; 0: no limit
	OnEnd     func(heard time.Duration) // called once the listener is over, must not block; may be nil
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

// writeTimeout bounds each write of a listener's goroutine, so that a peer that
// stalls on a mount that is silent does not stay for ever.
const writeTimeout = 30 * time.Second

// Listener is a cursor in a mount's log and a connection that is fed from it. It
// belongs to the mount it asked for until it ends.
//
// Mount.Admit makes one. It is then given its connection once, by Attach, Go or
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
	wake     chan struct{}

	reason atomic.Uint32 // why it ends or has ended
	sent   atomic.Uint64 // bytes written

	// The cursor of a plain listener is the shard's. Any other's is its
	// goroutine's while busy is set, the shard's while it is not.
	cursor blocklog.Cursor
	busy   atomic.Bool
	gone   atomic.Bool                   // the goroutine has ended
	pos    atomic.Uint64                 // the cursor's position, for the shard while busy is set
	on     atomic.Pointer[blocklog.Feed] // whose log that is in

	// The shard's, once it has the listener.
	lane           *lane
	pause, backoff uint8     // turns to pass over a socket that would block
	abortAt        time.Time // when the goroutine is made to give up its write; zero: not yet
	aborted        bool
}

// Mount returns the mount that the listener asked for.
func (l *Listener) Mount() *Mount { return l.mount }

// Stream returns what the listener was promised.
func (l *Listener) Stream() Stream { return l.Mount().promise(l.stream) }

// Sent returns how many bytes have been written to the connection.
func (l *Listener) Sent() uint64 { return l.sent.Load() }

// Reason tells why the listener ended, or Running.
func (l *Listener) Reason() Reason { return Reason(l.reason.Load()) }

// end marks the listener as ending; the first reason given stays.
func (l *Listener) end(r Reason) { l.reason.CompareAndSwap(uint32(Running), uint32(r)) }

// Remove ends the listener.
func (l *Listener) Remove(r Reason) {
	l.end(r)
	l.shard.attend()
}

// Cancel gives up a listener that was not given a connection.
func (l *Listener) Cancel() {
	l.end(Disconnected)
	l.Mount().part(l)
	l.release()
}

func (l *Listener) release() {
	l.shard.load.Add(-1)
	l.mount.station.listeners.Add(-1)
	l.lane.leave(l.Client)
	if a := l.Client.Admission; a != nil && a.OnEnd != nil {
		a.OnEnd(time.Since(l.Since))
	}
}

// Go starts a goroutine that feeds the listener over c, and returns at once. head
// is written first. The listener closes c.
func (l *Listener) Go(c Conn, head []byte) {
	l.prepare(c, head)
	l.Mount().station.running.Go(l.feed) // Station.Close waits for it
}

// Run feeds the listener over c until it ends. The listener closes c.
func (l *Listener) Run(c Conn) {
	l.prepare(c, nil)
	l.feed()
}

func (l *Listener) prepare(c Conn, head []byte) {
	l.conn, l.socket = c, noSocket
	l.wake = make(chan struct{}, 1)
	l.cursor.Lead(head)
	l.tellPosition()
	l.busy.Store(true)
	l.wake <- struct{}{}
	l.shard.add(l)
}

// feed writes what is due each time the shard wakes it, until the listener ends.
func (l *Listener) feed() {
	for range l.wake {
		if !l.writeDue() {
			break
		}
		l.busy.Store(false)
	}
	_ = l.conn.Close()
	l.gone.Store(true)
	l.shard.attend()
}

// tellPosition tells the shard how far the goroutine is.
func (l *Listener) tellPosition() {
	if on := l.cursor.Feed(); l.on.Load() != on {
		l.pos.Store(math.MaxUint64) // nowhere behind, while the two don't fit together
		l.on.Store(on)
	}
	l.pos.Store(l.cursor.Position())
}

// writeDue writes all that is due and reports whether the listener goes on.
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
		l.tellPosition()
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

// fail ends a listener to whom a write failed that had a deadline. Whose peer took nothing
// until then is slow, and must not take that for the end of the stream. On HTTP/2 the error
// says no more than that the stream is closed.
func (l *Listener) fail(err error, deadline time.Time) {
	if errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(deadline) {
		l.end(Slow)
		l.conn.Abort()
	}
	l.end(Disconnected)
}

// introAhead is how much earlier than it is due an intro goes out, beyond the time that a
// byte waits for its turn, and for the round if nothing else is due.
const introAhead = 2 * time.Second

// introduce makes due what a listener may have of its intro by now. The cursor's owner
// calls it.
func (l *Listener) introduce(now time.Time, latency time.Duration) {
	l.cursor.Pace(now.Sub(l.Since) + introAhead + latency)
}
