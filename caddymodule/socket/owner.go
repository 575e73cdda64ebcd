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
	if address.Port != port {
		return false
	}
	return isAny(address.IP) || isAny(ip) || address.IP.Equal(ip)
}

func isAny(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }
