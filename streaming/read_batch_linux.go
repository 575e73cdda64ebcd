package streaming

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// ReadBatcher returns a function that makes reads of c wait until a number of bytes has
// come, or the peer has closed. It is to be called after each read, with 0 if the number is
// to stay. It is nil if c can't do that.
func ReadBatcher(c net.Conn) func(bytes int) {
	under, ok := innermost(c).(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return nil
	}
	return func(bytes int) {
		_ = raw.Control(func(fd uintptr) {
			if bytes > 0 {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes)
			}
			// An encoder that leaves Nagle's algorithm on sends the next frame
			// when this one is acknowledged, which would else be at the next read.
			// It holds for 16 segments.
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
}
