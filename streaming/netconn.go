package streaming

import (
	"io"
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
	return &netConn{conn: c}
}

// innermost returns the connection beneath TLS.
func innermost(c net.Conn) net.Conn {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = inner.NetConn()
	}
}

// netConn collects what is written until Flush. Frames that are due at once go out at
// once, for each write is a record of TLS and a call of the kernel's.
type netConn struct {
	conn interface {
		io.WriteCloser
		SetWriteDeadline(t time.Time) error
	}
	aborted  atomic.Bool
	buffered *[]byte // what is to be written; nil: nothing
}

// maxBuffered is how much is collected at most: as much as a record of TLS has.
const maxBuffered = 16 << 10

// writeBuffers are for the time between a Write and its Flush, so that a listener for which
// nothing is due has none.
var writeBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, maxBuffered)) }}

// Write collects, and writes what is too much to be collected.
func (c *netConn) Write(p []byte) (int, error) {
	if c.buffered != nil && len(*c.buffered)+len(p) > maxBuffered {
		if err := c.Flush(); err != nil {
			return 0, err
		}
	}
	if len(p) >= maxBuffered {
		return c.conn.Write(p)
	}
	if c.buffered == nil {
		c.buffered = writeBuffers.Get().(*[]byte)
	}
	*c.buffered = append(*c.buffered, p...)
	return len(p), nil
}

// Flush writes what was collected.
func (c *netConn) Flush() error {
	b := c.buffered
	if b == nil {
		return nil
	}
	c.buffered = nil
	_, err := c.conn.Write(*b)
	*b = (*b)[:0]
	writeBuffers.Put(b)
	return err
}

// SetWriteDeadline bounds the writes to come, unless Abort has ended them.
func (c *netConn) SetWriteDeadline(t time.Time) error {
	err := c.conn.SetWriteDeadline(t)
	if c.aborted.Load() {
		c.Abort() // it may have come in between
	}
	return err
}

// Abort makes writes fail.
func (c *netConn) Abort() {
	c.aborted.Store(true)
	_ = c.conn.SetWriteDeadline(time.Unix(1, 0))
}

// Close closes the connection. After Abort it does so without TLS's close notification,
// for which it would wait.
func (c *netConn) Close() error {
	if under, ok := c.conn.(interface{ NetConn() net.Conn }); ok && c.aborted.Load() {
		return under.NetConn().Close()
	}
	return c.conn.Close()
}
