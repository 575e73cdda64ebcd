package streaming

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// isPlain reports whether bytes go to the socket as they are.
func (s socket) isPlain() bool { return s.tls == nil }

// file returns a descriptor of the socket for another process.
func (s socket) file() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// release closes this process's descriptor of a socket that another one has.
func (s socket) release() { _ = s.conn.Close() }

// blocking returns a connection over the socket whose writes wait. The socket is not to be used any
// more.
func (s socket) blocking() Conn {
	if s.tls == nil {
		return &netConn{conn: s.conn}
	}
	pending := s.cipher.pending
	s.cipher.pending, s.cipher.buffering = nil, false
	return &netConn{conn: &encrypted{TLSConn: s.tls, pending: pending, under: s.cipher.TCPConn}}
}

// encrypted is an encrypting connection some of whose bytes were encrypted and not sent.
type encrypted struct {
	TLSConn
	pending []byte
	under   net.Conn
}

// Write implements io.Writer.
func (e *encrypted) Write(p []byte) (int, error) {
	if len(e.pending) > 0 {
		n, err := e.under.Write(e.pending)
		if e.pending = e.pending[n:]; err != nil {
			return 0, err
		}
	}
	return e.TLSConn.Write(p)
}

// awaitBytes waits until a connection has bytes, without a buffer for them. It reports false if it has
// failed.
func awaitBytes(c net.Conn) bool {
	under, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err != unix.EAGAIN
	}) == nil
}

// adopt gives the listener a connection without a word to anybody.
func (l *Listener) adopt(c net.Conn) error {
	var err error
	l.socket, err = newSocket(c.(streamConn))
	return err
}
