//go:build linux

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segment is the size of TCP's segments, as over Ethernet. Sockets have buffers
// that fit it; with loopback's 64 KiB segments they'd be far larger than on a network.
const segment = 1448

// phase is how far a listener has come.
type phase uint8

const (
	connecting phase = iota
	asking           // the request was sent
	answered         // with 200
	playing          // sound has come
	refused          // it ended before any sound came
	dropped          // it ended later
)

// listener is one of the players. All of it belongs to the thread that plays,
// except that a worker does the TLS handshake before it hands it over.
type listener struct {
	fd     int
	phase  phase
	secure bool // it comes over TLS
	stalls bool // it stops reading after its first sound
	counts bool // it counts what it hears and does not look at it, once it is in step
	began  int64
	joined int64 // when the first sound came
	head   []byte
	icy    icyCutter
	check  checker
	why    error // why it was refused or dropped

	stream atomic.Pointer[tls.Conn] // nil if plain, or not yet

	before uint64 // whole frames when the window began
}

// dial begins to connect from an address of its own, for the ports of one
// address would not do for all.
func dial(id int, port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("a socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	// A reset at the end leaves nothing in TIME_WAIT to disturb the next run.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	from := &unix.SockaddrInet4{Addr: [4]byte{127, byte(1 + id>>14), byte(id >> 6), 1}}
	if err := unix.Bind(fd, from); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bind to %v: %w", from.Addr, err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// request is how listeners ask.
func request(mount string, port int, icy bool) []byte {
	r := "GET " + mount + " HTTP/1.1\r\nHost: " + net.JoinHostPort("localhost", strconv.Itoa(port)) +
		"\r\nUser-Agent: caddycast-bench\r\nAccept: */*\r\n"
	if icy {
		r += "Icy-MetaData: 1\r\n"
	}
	return []byte(r + "\r\n")
}

var errAgain error = again{}

// again says that there is nothing to read now. It is temporary, so that a
// tls.Conn can be asked again.
type again struct{}

func (again) Error() string   { return "nothing to read now" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// receive reads without waiting.
func receive(fd int, p []byte) (int, error) { return recv(fd, unsafe.Pointer(&p[0]), len(p), 0) }

// discard throws away what has come, at most so much, and returns how much it was.
func discard(fd, most int) (int, error) { return recv(fd, nil, most, unix.MSG_TRUNC) }

// recv is a raw call, since the scheduler need not know of one that never blocks,
// and there are 100,000 of them a second.
func recv(fd int, p unsafe.Pointer, length, flags int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(p), uintptr(length), uintptr(unix.MSG_DONTWAIT|flags), 0, 0)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, errAgain
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}

// read reads what has come.
func (l *listener) read(p []byte) (int, error) {
	if stream := l.stream.Load(); stream != nil {
		return stream.Read(p)
	}
	return receive(l.fd, p)
}

// takeHead adds to the head of the response and returns the sound behind it.
func (l *listener) takeHead(p []byte) ([]byte, error) {
	l.head = append(l.head, p...)
	head, rest, err := cutHead(l.head)
	if rest == nil || err != nil {
		return nil, err
	}
	l.head = nil
	r, err := parseHead(head)
	switch {
	case err != nil:
		return nil, err
	case r.status != 200:
		return nil, fmt.Errorf("answered %d", r.status)
	case r.chunked:
		return nil, errors.New("answered in chunks")
	}
	l.icy = newICYCutter(r.metaint)
	l.phase = answered
	return rest, nil
}
