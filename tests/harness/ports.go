package harness

import (
	"net"
	"strconv"
	"sync"
	"testing"
)

// The ports of tests are below those that systems give to outgoing connections: one of
// these could take a port before the server does that it is for. Processes share them in
// ranges. The first port of a range is its lock: the process that listens on it has the others to
// itself, and the system frees it with the process, however that ends.
const (
	firstPort = 12_000
	lastPort  = 31_999
	rangeSize = 400
)

var ports struct {
	sync.Mutex
	locks []net.Listener
	next  int // port to try
	end   int // of the range
}

// FreeAddress returns an address of 127.0.0.1 whose port nobody has, no other process
// takes, and no test of this process was given before. The port above is free as well for
// NewPair, since SHOUTcast has its titles a port below its sound.
func FreeAddress(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for {
		if ports.next+1 >= ports.end && !claimRange() {
			t.Fatal("no range of ports is free")
		}
		port := ports.next
		ports.next += 2
		if isFree(port) {
			return address(port)
		}
	}
}

// claimRange takes a range of ports that no process has. With none left, it begins
// again with the last of this process.
func claimRange() bool {
	for first := firstPort; first+rangeSize <= lastPort+1; first += rangeSize {
		ln, err := net.Listen("tcp", address(first))
		if err != nil {
			continue
		}
		ports.locks = append(ports.locks, ln)
		ports.next, ports.end = first+2, first+rangeSize
		return true
	}
	if len(ports.locks) == 0 {
		return false
	}
	ports.next = ports.end - rangeSize + 2
	return true
}

// isFree reports whether nobody listens on a port, by TCP or UDP.
func isFree(port int) bool {
	ln, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	_ = ln.Close()
	conn, err := net.ListenPacket("udp", address(port))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Port returns the port of an address.
func Port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// NewPair returns a server on a plain port, and the address of the port above.
func NewPair(t testing.TB) (s *Server, upper string) {
	t.Helper()
	for range 100 {
		lower := FreeAddress(t)
		n, _ := strconv.Atoi(Port(lower))
		if isFree(n + 1) {
			return &Server{T: t, Plain: lower, AdminAddress: FreeAddress(t)}, address(n + 1)
		}
	}
	t.Fatal("no two ports are free that are one above the other")
	return nil, ""
}
