package socket

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// first is the filter "return 0".
var first = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}

// steerToFirst lets the kernel give all connections to an address to the first socket that
// listens there (socket(7), SO_ATTACH_REUSEPORT_CBPF). All sockets of an address share that
// setting, which stays when others come and go.
func steerToFirst(address string) error {
	program := &unix.SockFprog{Len: uint16(len(first)), Filter: &first[0]}
	return setGroup(address, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, program)
	})
}

// steerToAll takes steerToFirst back, whichever process has done it.
func steerToAll(address string) error {
	return setGroup(address, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_REUSEPORT_BPF, 0)
	})
}

// setGroup sets something for all sockets of an address. Go's own are of Multipath TCP, where the kernel
// does not take it; so that it comes by a plain one that is closed at once.
func setGroup(address string, set func(fd int) error) error {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	config.Control = func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	}
	ln, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	defer ln.Close()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, set)
}

// control does something with the descriptor of a socket.
func control(raw syscall.RawConn, do func(fd int) error) (err error) {
	if outer := raw.Control(func(fd uintptr) { err = do(int(fd)) }); outer != nil {
		return outer
	}
	return err
}
