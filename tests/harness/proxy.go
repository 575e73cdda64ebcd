package harness

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy is a link between two servers that can be broken.
type Proxy struct {
	Address string
	shape   atomic.Pointer[Shape] // nil: that of this machine

	mu      sync.Mutex
	broken  bool // connections are refused
	stalled bool // nothing is carried, and no side notices
	conns   map[net.Conn]bool
	changed *sync.Cond
	all     sync.WaitGroup
}

// NewProxy carries connections to an address.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: ln.Addr().String(), conns: make(map[net.Conn]bool)}
	p.changed = sync.NewCond(&p.mu)
	p.all.Go(func() {
		for {
			c, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				p.all.Go(func() { p.carry(c, to) })
			}
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		p.Cut()
		p.all.Wait()
	})
	return p
}

func (p *Proxy) carry(c net.Conn, to string) {
	defer c.Close()
	if !p.add(c) {
		return
	}
	defer p.remove(c)
	p.await()
	far, err := net.DialTimeout("tcp", to, 5*time.Second)
	if err != nil || !p.add(far) {
		return
	}
	defer p.remove(far)
	defer far.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, far}, {far, c}} {
		both.Go(func() {
			p.carryOneWay(way[0], way[1])
			_ = c.Close()
			_ = far.Close()
		})
	}
	both.Wait()
}

func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// await waits while the proxy carries nothing.
func (p *Proxy) await() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled {
		p.changed.Wait()
	}
}

// Cut breaks all connections, and refuses new ones.
func (p *Proxy) Cut() { p.set(true, false) }

// Stall carries nothing any more, as a network that drops all packets.
func (p *Proxy) Stall() { p.set(false, true) }

// Mend carries all again.
func (p *Proxy) Mend() { p.set(false, false) }

func (p *Proxy) set(broken, stalled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken, p.stalled = broken, stalled
	if broken {
		for c := range p.conns {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}
	p.changed.Broadcast()
}
