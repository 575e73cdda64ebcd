package streaming

import (
	"net"
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
	aborted atomic.Bool
}

// Flush does nothing: a network connection has no buffer.
func (c *netConn) Flush() error { return nil }

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
