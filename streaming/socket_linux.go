package streaming

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

const (
	// notSent is how many bytes the kernel takes for a peer before the socket would
	// block. Without it a peer that stopped reading is given megabytes.
	notSent = 64 << 10

	// maxPieces is how many pieces go into one write. Neighbours in memory are
	// one piece, so this is enough for hundreds of blocks.
	maxPieces = 64
)

// socket is a TCP connection. Only the shard that has it, or Attach before that, writes to
// it, and it is never closed meanwhile: so it is safe to use the bare descriptor, which
// costs a sixth less than net's way.
type socket struct {
	conn streamConn // keeps fd open
	fd   int

	tls    TLSConn // encrypts, and writes to cipher; nil: the socket is plain
	cipher *CipherBuffer
}

var noSocket socket

// streamConn is a connection of TCP, or one to another process that has it.
type streamConn interface {
	net.Conn
	syscall.Conn
}

func newSocket(c streamConn) (socket, error) {
	raw, err := c.SyscallConn()
	s := socket{conn: c, fd: -1}
	if err != nil {
		return s, err
	}
	err = raw.Control(func(fd uintptr) { s.fd = int(fd) })
	limitUnsent(c)
	return s, err
}

// limitUnsent keeps the kernel from taking much more for a peer than it reads.
// An old kernel may lack the option; all else works without it.
func limitUnsent(c syscall.Conn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
	})
}

// close closes the connection, after TLS's last words if the socket takes them.
func (s socket) close() {
	if s.tls != nil && s.flush() {
		s.cipher.buffer(nil)
		_ = s.tls.CloseWrite()
		_ = s.flush()
	}
	_ = s.conn.Close()
}

// flush sends what is encrypted already and reports whether that was all.
func (s socket) flush() bool {
	n, _ := sendBytes(s.fd, s.cipher.pending)
	return n == len(s.cipher.pending)
}

// left reports whether the peer has closed the connection, or its half of it.
func (s socket) left() bool {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// Attach feeds the listener over a plain TCP connection and returns at once.
// head is written first. The listener closes c. Nothing is left behind but the
// listener itself: no goroutine and no buffer.
func (l *Listener) Attach(c *net.TCPConn, head []byte) { l.attach(c, nil, nil, head) }

func (l *Listener) attach(c *net.TCPConn, tls TLSConn, b *CipherBuffer, head []byte) {
	s, err := newSocket(c)
	if err != nil {
		l.end(Disconnected)
	}
	s.tls, s.cipher = tls, b
	l.socket = s
	l.cursor.Lead(head)
	if l.Reason() == Running {
		// The head and the burst go out now, not in the shard's next cycle.
		var v vector
		n, _, err := v.write(s, &l.cursor)
		l.sent.Store(uint64(n))
		l.Mount().bytesSent.Add(uint64(n))
		if err != nil {
			l.end(Disconnected)
		}
	}
	l.shard.add(l)
}

// vector is a list of pieces that go out in one write. It keeps the last list that it
// made, since most listeners of a mount are at the same place.
type vector struct {
	pieces [maxPieces]unix.Iovec
	count  int
	bytes  int

	place  blocklog.Place  // that the list begins at
	shared bool            // other listeners at the place get the same list
	after  blocklog.Cursor // the place that follows the list

	tlsWriter
}

// forget makes sure that the list is made anew.
func (v *vector) forget() {
	v.place, v.shared = blocklog.Place{}, false
	v.after = blocklog.Cursor{}
	clear(v.pieces[:])
	v.count = 0
}

// write sends what is due at c, as far as s takes it, and moves c. It returns
// the bytes sent and whether that was all.
func (v *vector) write(s socket, c *blocklog.Cursor) (sent int, caughtUp bool, err error) {
	if s.tls != nil {
		return v.writeTLS(s, c)
	}
	for {
		v.collect(c)
		if v.count == 0 {
			return sent, true, nil
		}
		n, errno := v.send(s.fd)
		sent += n
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return sent, false, nil
		case errno != 0:
			return sent, false, errno
		case n < v.bytes:
			c.Skip(n)
			return sent, false, nil
		}
		full := v.count == maxPieces
		if v.shared {
			c.Follow(&v.after)
		} else {
			*c = v.after
		}
		if !full {
			return sent, true, nil
		}
	}
}

// collect makes the list of what is due at c, unless it has it already.
func (v *vector) collect(c *blocklog.Cursor) {
	place, shared := c.Place()
	if shared && v.shared && v.place == place {
		return
	}
	v.count, v.bytes = 0, 0
	v.place, v.shared = place, shared
	v.after = *c
	for v.count < maxPieces {
		p := v.after.Peek()
		if p == nil {
			return
		}
		v.put(p)
		v.after.Advance(len(p))
	}
}

// put adds a piece to the list, or to the last piece if it follows it in memory.
func (v *vector) put(p []byte) {
	base := unsafe.SliceData(p)
	v.bytes += len(p)
	if v.count > 0 {
		last := &v.pieces[v.count-1]
		if uintptr(unsafe.Pointer(last.Base))+uintptr(last.Len) == uintptr(unsafe.Pointer(base)) {
			last.SetLen(int(last.Len) + len(p))
			return
		}
	}
	v.pieces[v.count] = unix.Iovec{Base: base}
	v.pieces[v.count].SetLen(len(p))
	v.count++
}

func (v *vector) send(fd int) (int, syscall.Errno) {
	msg := unix.Msghdr{Iov: &v.pieces[0]}
	msg.SetIovlen(v.count)
	// It never blocks, so the runtime need not be told.
	n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// sendBytes sends what the socket takes of p without waiting.
func sendBytes(fd int, p []byte) (int, syscall.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
