//go:build !linux

package streaming

import (
	"net"
	"syscall"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// There is no shared writer on these systems: a plain listener has a goroutine as all
// others have.

type socket struct{ cipher *CipherBuffer }

var noSocket socket

func (socket) close() {}

func (socket) left() bool { return false }

// limitUnsent does nothing: the option is Linux's.
func limitUnsent(syscall.Conn) {}

// Attach feeds the listener over a plain TCP connection and returns at once.
// head is written first. The listener closes c.
func (l *Listener) Attach(c *net.TCPConn, head []byte) { l.Go(NetConn(c), head) }

// AttachTLS feeds the listener over c, which encrypts and writes to the buffer.
func (l *Listener) AttachTLS(c TLSConn, _ *CipherBuffer, head []byte) {
	l.Go(&netConn{conn: c}, head)
}

// vector is never used, since no listener has a socket.
type vector struct{}

func (*vector) forget() {}

func (*vector) write(socket, *blocklog.Cursor) (int, bool, error) { return 0, true, nil }

// ReadBatcher returns nil: only Linux lets few bytes wait for more.
func ReadBatcher(net.Conn) func(bytes int) { return nil }
