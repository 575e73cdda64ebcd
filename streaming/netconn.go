package streaming

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// NetConn makes a Conn of a network connection, plain or TLS.
func NetConn(c net.Conn) Conn {
	if tcp, ok := innermost(c).(*net.TCPConn); ok {
		limitUnsent(tcp)
	}
	return &netConn{Conn: c}
}

// innermost returns what is beneath TLS.
func innermost(c net.Conn) net.Conn {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = inner.NetConn()
	}
}

type netConn struct {
	net.Conn
	aborted  atomic.Bool
	gathered *[]byte // what is to be written; nil: nothing
}

// gatherSize is how much is gathered at most: as much as a record of TLS has.
const gatherSize = 16 << 10

// gathers are for the time between a Write and its Flush, so that a listener that waits
// for the next turn has none.
var gathers = sync.Pool{New: func() any { return new(make([]byte, 0, gatherSize)) }}

// Write gathers. Frames that are due at once go out at once, for each write is a record of
// TLS and a call of the kernel's.
func (c *netConn) Write(p []byte) (int, error) {
	if c.gathered != nil && len(*c.gathered)+len(p) > gatherSize {
		if err := c.Flush(); err != nil {
			return 0, err
		}
	}
	if len(p) >= gatherSize {
		return c.Conn.Write(p)
	}
	if c.gathered == nil {
		c.gathered = gathers.Get().(*[]byte)
	}
	*c.gathered = append(*c.gathered, p...)
	return len(p), nil
}

// Flush writes what was gathered.
func (c *netConn) Flush() error {
	b := c.gathered
	if b == nil {
		return nil
	}
	c.gathered = nil
	_, err := c.Conn.Write(*b)
	*b = (*b)[:0]
	gathers.Put(b)
	return err
}

// SetWriteDeadline bounds the writes to come, unless Abort has ended them.
func (c *netConn) SetWriteDeadline(t time.Time) error {
	err := c.Conn.SetWriteDeadline(t)
	if c.aborted.Load() {
		c.Abort() // it may have come in between
	}
	return err
}

// Abort makes writes fail.
func (c *netConn) Abort() {
	c.aborted.Store(true)
	_ = c.Conn.SetWriteDeadline(time.Unix(1, 0))
}

// Close closes the connection. After Abort it does so without TLS's last words,
// for which it would wait.
func (c *netConn) Close() error {
	if under, ok := c.Conn.(interface{ NetConn() net.Conn }); ok && c.aborted.Load() {
		return under.NetConn().Close()
	}
	return c.Conn.Close()
}
