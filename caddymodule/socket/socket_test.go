//go:build linux

package socket

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// caddyListener is the shape of Caddy's own type.
type caddyListener struct {
	net.Listener
	closed *int
}

func (l caddyListener) Close() error { *l.closed++; return l.Listener.Close() }

// listen listens as Caddy does, with SO_REUSEPORT.
func listen(t *testing.T, address string) caddyListener {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	}}
	ln, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return caddyListener{ln, new(int)}
}

// dial connects to an address n times.
func dial(t *testing.T, address string, n int) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// accept accepts n connections.
func accept(t *testing.T, ln net.Listener, n int) {
	t.Helper()
	for range n {
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

// accepting returns the first listener of an address, and a connection that it has accepted.
func accepting(t *testing.T) (*Listener, string, *net.TCPConn) {
	t.Helper()
	first := listen(t, "127.0.0.1:0")
	ln := Keep(first, net.KeepAliveConfig{}).(*Listener)
	dial(t, first.Addr().String(), 1)
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return ln, first.Addr().String(), conn.(*net.TCPConn)
}

func TestTheNextConfigurationAcceptsWhatWaitedForTheOneBefore(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0"} {
		t.Run(host, func(t *testing.T) {
			first := listen(t, host)
			address := first.Addr().String()
			before := Keep(first, net.KeepAliveConfig{Enable: true})
			if _, ok := before.(*Listener); !ok {
				t.Fatalf("not kept: %T", before)
			}
			dial(t, address, 40)
			second := listen(t, address)
			dial(t, address, 40) // before the next configuration knows of its socket
			after := Keep(second, net.KeepAliveConfig{})
			accept(t, before, 20)
			if err := before.Close(); err != nil {
				t.Error(err)
			}
			if _, err := before.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("accepting for the configuration before: %v", err)
			}
			dial(t, address, 40)
			after.(*Listener).Open()
			accept(t, after, 100)
			if err := after.Close(); err != nil {
				t.Error(err)
			}
			if *first.closed != 1 || *second.closed != 1 {
				t.Errorf("Caddy's listeners were closed %d and %d times", *first.closed, *second.closed)
			}
			if err := after.Close(); err != nil {
				t.Errorf("closing again: %v", err)
			}
			if conn, err := net.Dial("tcp", address); err == nil {
				_ = conn.Close()
				t.Error("somebody listens after the last configuration")
			}
		})
	}
}

func TestARejectedConfigurationTakesNothing(t *testing.T) {
	first := listen(t, "127.0.0.1:0")
	address := first.Addr().String()
	before := Keep(first, net.KeepAliveConfig{})
	defer before.Close()
	for range 3 {
		rejected := Keep(listen(t, address), net.KeepAliveConfig{})
		dial(t, address, 20)
		_ = rejected.Close()
	}
	accept(t, before, 60)
}

func TestAConnectionIsPassedOnToTheListenerInForce(t *testing.T) {
	before, address, conn := accepting(t)
	after := Keep(listen(t, address), net.KeepAliveConfig{}).(*Listener)
	accepted := make(chan net.Conn)
	go func() {
		conn, _ := after.Accept()
		accepted <- conn
	}()
	after.Open()
	_ = before.Close()
	if !before.Pass(&Passed{TCPConn: conn, Ahead: []byte("GET")}) {
		t.Fatal("not passed on")
	}
	if c, ok := (<-accepted).(*Passed); !ok || string(c.Ahead) != "GET" || c.TCPConn != conn {
		t.Errorf("accepted %v", c)
	}
	dial(t, address, 1)
	accept(t, after, 1)
	_ = after.Close()
	if before.Pass(&Passed{TCPConn: conn}) {
		t.Error("passed on to nobody")
	}
}

// Reloads may come faster than a server accepts.
func TestAPassedConnectionThatNobodyHasAcceptedIsPassedOnAgain(t *testing.T) {
	before, address, conn := accepting(t)
	between := Keep(listen(t, address), net.KeepAliveConfig{}).(*Listener)
	between.Open()
	_ = before.Close()
	if !before.Pass(&Passed{TCPConn: conn, Ahead: []byte("GET")}) {
		t.Fatal("not passed on")
	}
	after := Keep(listen(t, address), net.KeepAliveConfig{}).(*Listener)
	after.Open()
	_ = between.Close()
	between.Open() // too late
	if got, err := after.Accept(); err != nil || got.(*Passed).TCPConn != conn {
		t.Errorf("accepted %v, %v", got, err)
	}
	if err := after.Close(); err != nil || before.Pass(&Passed{TCPConn: conn}) {
		t.Error("passed on to nobody", err)
	}
}

func TestOnlyTCPIsKept(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if kept := Keep(ln, net.KeepAliveConfig{}); kept != ln {
		t.Errorf("a Unix socket became %T", kept)
	}
	behind := struct{ net.Listener }{caddyListener{ln, new(int)}}
	if kept := Keep(behind, net.KeepAliveConfig{}); kept != net.Listener(behind) {
		t.Errorf("what is behind another wrapper became %T", kept)
	}
}

func TestOneOwnsTheSocketsOfOneself(t *testing.T) {
	ln := listen(t, "127.0.0.1:0")
	defer ln.Close()
	if owner := OwnerOf(ln.Addr().(*net.TCPAddr)); owner != nil {
		t.Errorf("%v listens there", owner)
	}
}

func TestOverlappingAddresses(t *testing.T) {
	for _, tt := range []struct {
		ours, theirs string
		port         int
		want         bool
	}{
		{"", "0.0.0.0", 8000, true},
		{"127.0.0.1", "::", 8000, true},
		{"127.0.0.1", "127.0.0.1", 8000, true},
		{"127.0.0.1", "127.0.0.2", 8000, false},
		{"", "0.0.0.0", 8001, false},
		{"::1", "::", 8000, true},
		{"::", "127.0.0.1", 8000, true},
		{"0.0.0.0", "127.0.0.1", 8000, true},
		{"0.0.0.0", "::1", 8000, false},
		{"::1", "0.0.0.0", 8000, false},
	} {
		if got := overlaps(&net.TCPAddr{IP: net.ParseIP(tt.ours), Port: 8000}, net.ParseIP(tt.theirs), tt.port); got != tt.want {
			t.Errorf("%q and %q, port %d: %t", tt.ours, tt.theirs, tt.port, got)
		}
	}
}

// While another process is about to take over, what comes waits in the socket.
func TestNothingIsAcceptedInAPause(t *testing.T) {
	first := listen(t, "127.0.0.1:0")
	ln := Keep(first, net.KeepAliveConfig{}).(*Listener)
	defer ln.Close()
	address := first.Addr().String()
	accepted := make(chan net.Conn, 1)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- conn
			_ = conn.Close()
		}
	}()
	dial(t, address, 1)
	<-accepted
	resume := Pause()
	next := Keep(listen(t, address), net.KeepAliveConfig{}).(*Listener)
	defer next.Close()
	dial(t, address, 1)
	other, err := duplicate(ln.TCPListener) // as another process has it
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	select {
	case <-accepted:
		t.Error("accepted in the pause")
	default:
	}
	resume()
	dial(t, address, 1)
	<-accepted
	resume = Pause()
	_ = ln.Close() // ends Accept in a pause
	resume()
}

// Without a configuration at the address, a connection goes to the process that takes this one's place.
func TestAConnectionIsPassedOnToTheSuccessor(t *testing.T) {
	ln, address, conn := accepting(t)
	var got string
	SetSuccessor(func(at string, c *Passed) bool {
		got = at + " " + string(c.Ahead)
		return true
	})
	defer SetSuccessor(nil)
	_ = ln.Close()
	if !ln.Pass(&Passed{TCPConn: conn, Ahead: []byte("GET")}) || got != address+" GET" {
		t.Errorf("passed on: %q", got)
	}
	if Give(address, &Passed{TCPConn: conn}) {
		t.Error("given to nobody")
	}
}
