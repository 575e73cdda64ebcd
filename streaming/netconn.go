package streaming

import (
	"net"
	"time"
)

// NetConn makes a Conn of a network connection, plain or TLS.
func NetConn(c net.Conn) Conn { return netConn{c} }

type netConn struct{ net.Conn }

// Flush does nothing: a network connection has no buffer.
func (c netConn) Flush() error { return nil }

// Abort lets a write under way fail. A deadline does it for good: the feeding
// goroutine sets no further one once its listener has a reason to end.
func (c netConn) Abort() { _ = c.SetWriteDeadline(time.Unix(1, 0)) }
