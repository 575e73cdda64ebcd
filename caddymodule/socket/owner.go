package socket

import (
	"fmt"
	"net"
)

// Owner is another process that listens at an address.
type Owner struct {
	PID  int    // 0: it can't be read
	Name string // empty: it can't be read
}

// String names the process, such as "caddycast, process 4711".
func (o Owner) String() string {
	switch {
	case o.PID == 0:
		return "another process"
	case o.Name == "":
		return fmt.Sprintf("process %d", o.PID)
	}
	return fmt.Sprintf("%s, process %d", o.Name, o.PID)
}

// overlaps reports whether two sockets, of which one has an address and the other an IP and a
// port, can both be meant by a client.
func overlaps(address *net.TCPAddr, ip net.IP, port int) bool {
	switch {
	case address.Port != port:
		return false
	case address.IP.Equal(ip) || isBoth(address.IP) || isBoth(ip):
		return true
	}
	sameFamily := (address.IP.To4() == nil) == (ip.To4() == nil)
	return sameFamily && (address.IP.IsUnspecified() || ip.IsUnspecified())
}

// isBoth reports whether a socket with an address is usually one for IPv4 and IPv6.
func isBoth(ip net.IP) bool { return len(ip) == 0 || ip.Equal(net.IPv6unspecified) }
