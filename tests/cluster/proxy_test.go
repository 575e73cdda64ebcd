package cluster

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is a link between two servers that can be broken.
type proxy struct {
	address string
	shape   atomic.Pointer[shape] // nil: that of this machine

	mu      sync.Mutex
	broken  bool // connections are refused
	stalled bool // nothing is carried, and no side notices
	conns   map[net.Conn]bool
	changed *sync.Cond
	all     sync.WaitGroup
}

// newProxy carries connections to an address.
func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: ln.Addr().String(), conns: make(map[net.Conn]bool)}
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
		p.cut()
		p.all.Wait()
	})
	return p
}

func (p *proxy) carry(c net.Conn, to string) {
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

func (p *proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// await waits while the proxy carries nothing.
func (p *proxy) await() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled {
		p.changed.Wait()
	}
}

// cut breaks all connections, and refuses new ones.
func (p *proxy) cut() { p.set(true, false) }

// stall carries nothing any more, as a network that drops all packets.
func (p *proxy) stall() { p.set(false, true) }

// mend carries all again.
func (p *proxy) mend() { p.set(false, false) }

func (p *proxy) set(broken, stalled bool) {
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
