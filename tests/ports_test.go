package tests

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// The ports of tests are below those that systems give to outgoing connections: one of
// these could take a port before the server does that it is for.
const (
	firstPort = 20_000
	ports     = 12_000 // of which each second one is given out: SHOUTcast has its titles a port below its sound
)

var nextPort atomic.Uint32

func init() { nextPort.Store(2 * rand.Uint32N(ports/2)) }

// freeAddress finds a port that is free, and that no test of this process had lately.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range ports / 2 {
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(firstPort+nextPort.Add(2)%ports))
		if ln, err := net.Listen("tcp", address); err == nil {
			_ = ln.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}
