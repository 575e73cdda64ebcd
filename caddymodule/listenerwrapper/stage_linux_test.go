package listenerwrapper

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/selfsigned"
)

const (
	patience = 20 * time.Second
	question = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
)

// generation is the server of one configuration. It answers its name.
type generation struct {
	*ListenerWrapper
	http.Server
}

// serve starts a server at an address, with TLS if settings is not nil, for a configuration in force.
func serve(t *testing.T, name, address string, settings *tls.Config) (*generation, net.Listener) {
	t.Helper()
	at, err := caddy.ParseNetworkAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := at.Listen(t.Context(), 0, net.ListenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := &generation{ListenerWrapper: &ListenerWrapper{log: zap.NewNop()}}
	g.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	g.ConnState, g.ConnContext, g.ReadHeaderTimeout = connState, connContext, time.Minute
	ln := g.WrapListener(opened.(net.Listener))
	g.begin()
	serving := ln
	if settings != nil {
		serving = tls.NewListener(ln, settings)
	}
	go func() { _ = g.Serve(serving) }()
	t.Cleanup(func() {
		g.retire()
		_ = g.Close()
	})
	return g, ln
}

// end ends a server as Caddy does.
func (g *generation) end(t *testing.T) {
	t.Helper()
	g.retire()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// awaitRead waits until the only newcomer has read all that was sent.
func (g *generation) awaitRead(t *testing.T) {
	t.Helper()
	eventually.True(t, patience, "all is read", func() bool {
		g.newcomers.mu.Lock()
		defer g.newcomers.mu.Unlock()
		for c := range g.newcomers.all {
			return unread(t, c) == 0
		}
		return false
	})
}

func unread(t *testing.T, c *sniffer) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCINQ) }), err)
	}
	if err != nil {
		t.Error(err)
	}
	return n
}

// halves is a connection whose first write comes in two halves.
type halves struct {
	net.Conn
	between func() // called between them; nil: after both
}

func (c *halves) Write(p []byte) (int, error) {
	if c.between == nil {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:len(p)/2])
	if err != nil {
		return n, err
	}
	c.between()
	c.between = nil
	m, err := c.Conn.Write(p[n:])
	return n + m, err
}

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	cert, key, err := selfsigned.Make()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// A connection that nobody has answered yet belongs to the next configuration, whatever of it was read.
func TestWhoIsNotAnsweredYetIsAnsweredByTheNextConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		sent     int         // of the question, or half of the hello of TLS
		settings *tls.Config // nil: no TLS
	}{
		"nothing was sent":         {0, nil},
		"a letter":                 {1, nil},
		"a line":                   {len("GET / HTTP/1.1\r\n"), nil},
		"all but the last byte":    {len(question) - 1, nil},
		"half of the hello of TLS": {0, certificate(t)},
	} {
		t.Run(name, func(t *testing.T) {
			before, ln := serve(t, "before", "127.0.0.1:0", c.settings)
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			reload := func() {
				before.awaitRead(t)
				between, _ := serve(t, "between", ln.Addr().String(), c.settings)
				before.end(t)
				serve(t, "after", ln.Addr().String(), c.settings)
				between.end(t)
			}
			if c.settings != nil {
				conn = tls.Client(&halves{conn, reload}, &tls.Config{InsecureSkipVerify: true})
			} else {
				_, _ = io.WriteString(conn, question[:c.sent])
				reload()
			}
			if _, err := io.WriteString(conn, question[c.sent:]); err != nil {
				t.Fatal(err)
			}
			expect(t, conn, "after")
		})
	}
}

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != want {
		t.Errorf("answered %q, %v; want %q", text, err, want)
	}
}

// Accept may return a connection in the moment in which its configuration ends.
func TestWhoIsAcceptedLastIsPassedOn(t *testing.T) {
	before := &ListenerWrapper{log: zap.NewNop()}
	opened, err := caddy.NetworkAddress{Network: "tcp", Host: "127.0.0.1"}.Listen(t.Context(), 0, net.ListenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ln := before.WrapListener(opened.(net.Listener)).(*sniffingListener)
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := ln.Listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	serve(t, "after", ln.Addr().String(), nil)
	before.retire()
	late := ln.sniff(accepted, nil)
	if n, err := late.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if _, err := io.WriteString(conn, question); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "after")
}

// The server looks once whether it ends, between the end of a request and its handler.
func TestAConfigurationThatEndsWaitsForTheHandlersOfWholeRequests(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() { _, _ = io.ReadAll(theirs) }()
	for name, next := range map[string]func(c *sniffer){
		"it reads on":    func(c *sniffer) { _ = c.SetReadDeadline(past); _, _ = c.Read(make([]byte, 1)) },
		"it answers":     func(c *sniffer) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n") },
		"it is idle":     func(c *sniffer) { connState(c, http.StateIdle) },
		"it is hijacked": func(c *sniffer) { connState(c, http.StateHijacked) },
	} {
		w := new(ListenerWrapper)
		c := &sniffer{Conn: ours, host: w}
		c.isNew.Store(true)
		w.newcomers.enter(c)
		connState(c, http.StateNew)
		connState(c, http.StateActive)
		if len(w.newcomers.all) != 1 {
			t.Errorf("%s: it is not waited for", name)
		}
		next(c)
		if len(w.newcomers.all) != 0 {
			t.Errorf("%s: it is waited for still", name)
		}
	}
}
