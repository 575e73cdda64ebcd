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

// The stages of a connection. At first nothing was answered and no request is whole, so that the
// next configuration can begin again with what was read.
const (
	fresh   int32 = iota
	leaving       // is passed on as soon as its Read ends
	kept          // its server answers it
	passed        // belongs to another server; nothing here touches it
)

// maxOpening bounds what is recorded of a fresh connection: a head of HTTP, or a hello of TLS.
const maxOpening = 16 << 10

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// passOn passes the connection on if it is fresh, by whoever reads from it. mu of newcomers is held.
func (c *sniffer) passOn() {
	if c.from != nil && c.stage.CompareAndSwap(fresh, leaving) {
		_ = c.Conn.SetReadDeadline(past)
	}
}

// keep notes that the server answers the connection. It reports false if it was passed on.
func (c *sniffer) keep() bool {
	for {
		switch c.stage.Load() {
		case passed:
			return false
		case kept:
			return true
		case leaving:
			c.host.newcomers.keep(c)
		case fresh:
			if c.stage.CompareAndSwap(fresh, kept) {
				return true
			}
		}
	}
}

// readConn reads from the connection, and passes it on if it leaves.
func (c *sniffer) readConn(p []byte) (int, error) {
	switch c.stage.Load() {
	case kept:
		if c.opening != nil {
			c.opening = nil
		}
		return c.Conn.Read(p)
	case passed:
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	if len(c.opening)+n > maxOpening {
		c.keep()
		return n, err
	}
	c.opening = append(c.opening, p[:n]...)
	if c.stage.Load() == leaving && (n > 0 || errors.Is(err, os.ErrDeadlineExceeded)) && c.pass() {
		return 0, io.EOF
	}
	return n, err
}

// pass passes the connection on, with the bytes that were read, or closes it if nobody is at its address any
// more. It reports false if its server has closed it.
func (c *sniffer) pass() bool {
	tcp, ok := transport.Bare(c.Conn).(*net.TCPConn)
	if !ok {
		return false
	}
	ahead := bytes.Clone(c.opening)
	if !c.host.newcomers.setPassed(c) { // it was closed
		return false
	}
	_ = tcp.SetDeadline(time.Time{})
	if !c.from.Pass(&socket.Passed{TCPConn: tcp, Ahead: ahead}) {
		_ = tcp.Close()
	}
	c.settle()
	return true
}

// isPassed reports whether the connection belongs to another server.
func (c *sniffer) isPassed() bool { return c.stage.Load() == passed }

// Close implements net.Conn.
func (c *sniffer) Close() error {
	c.settle()
	if c.stage.CompareAndSwap(fresh, kept) || c.stage.CompareAndSwap(leaving, kept) || !c.isPassed() {
		return c.Conn.Close()
	}
	return nil
}

// Write implements net.Conn.
func (c *sniffer) Write(p []byte) (int, error) {
	if !c.keep() {
		return 0, net.ErrClosed
	}
	c.settleIfBegun()
	return c.Conn.Write(p)
}

// SetDeadline implements net.Conn.
func (c *sniffer) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *sniffer) SetReadDeadline(t time.Time) error {
	switch c.stage.Load() {
	case passed:
		return net.ErrClosed
	case leaving:
		c.deadline = t
		return nil
	case fresh:
		c.deadline = t
	}
	err := c.Conn.SetReadDeadline(t)
	if c.stage.Load() == leaving { // meanwhile
		return c.Conn.SetReadDeadline(past)
	}
	return err
}

// SetWriteDeadline implements net.Conn.
func (c *sniffer) SetWriteDeadline(t time.Time) error {
	if c.isPassed() {
		return net.ErrClosed
	}
	return c.Conn.SetWriteDeadline(t)
}
