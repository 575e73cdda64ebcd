package streaming

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Gatherer returns what makes reads of c wait until so many bytes have come, or
// the peer has closed. It is nil if c can't do that.
func Gatherer(c net.Conn) func(bytes int) {
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
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, bytes)
		})
	}
}
