package listenerwrapper

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/caddymodule/transport"
)

// The stages of a connection. It is silent at first. Only a silent one can be passed on to the next
// configuration, since its server has kept nothing of what was read.
const (
	silent  int32 = iota
	heard         // bytes were read
	leaving       // is passed on as soon as its Read ends
	passed        // belongs to another server; nothing here touches it
)

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// passOn passes the connection on if it is silent, by whoever reads from it.
func (c *sniffer) passOn() {
	if c.from != nil && c.stage.CompareAndSwap(silent, leaving) {
		_ = c.Conn.SetReadDeadline(past) // if the server sets another one now, it is passed on with its first bytes
	}
}

// readConn reads from the connection, and passes it on if it leaves.
func (c *sniffer) readConn(p []byte) (int, error) {
	switch c.stage.Load() {
	case heard:
		return c.Conn.Read(p)
	case passed:
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.stage.CompareAndSwap(silent, heard) {
		return n, err
	}
	if c.stage.Load() == leaving && (n > 0 || errors.Is(err, os.ErrDeadlineExceeded)) && c.pass(p[:n]) {
		return 0, io.EOF
	}
	if n > 0 {
		c.stage.Store(heard)
	}
	return n, err
}

// pass passes the connection on, with the bytes that were read. It reports false if there is nobody who
// would take it.
func (c *sniffer) pass(ahead []byte) bool {
	tcp, ok := transport.Bare(c.Conn).(*net.TCPConn)
	if !ok {
		return false
	}
	c.host.newcomers.setPassed(c)
	_ = tcp.SetDeadline(time.Time{})
	if !c.from.Pass(&socket.Passed{TCPConn: tcp, Ahead: bytes.Clone(ahead)}) {
		c.stage.Store(heard)
		return false
	}
	c.settle()
	return true
}

// isPassed reports whether the connection belongs to another server.
func (c *sniffer) isPassed() bool { return c.stage.Load() == passed }

// Close implements net.Conn.
func (c *sniffer) Close() error {
	c.settle()
	if c.isPassed() {
		return nil
	}
	return c.Conn.Close()
}

// Write implements net.Conn.
func (c *sniffer) Write(p []byte) (int, error) {
	if c.isPassed() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// SetDeadline implements net.Conn.
func (c *sniffer) SetDeadline(t time.Time) error {
	if c.isPassed() {
		return net.ErrClosed
	}
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *sniffer) SetReadDeadline(t time.Time) error {
	if c.isPassed() {
		return net.ErrClosed
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *sniffer) SetWriteDeadline(t time.Time) error {
	if c.isPassed() {
		return net.ErrClosed
	}
	return c.Conn.SetWriteDeadline(t)
}
