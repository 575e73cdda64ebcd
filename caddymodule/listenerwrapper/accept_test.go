package listenerwrapper

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/internal/eventually"
)

// brokenListener is a listener whose Accept fails.
type brokenListener struct {
	net.Listener
	err error
}

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }

func TestALackOfFileDescriptorsIsLoggedNowAndThen(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"of the process": {&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}, 2},
		"of the system":  {&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ENFILE)}, 2},
		"another error":  {net.ErrClosed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, lines := observer.New(zap.InfoLevel)
				ln := (&ListenerWrapper{log: zap.New(core)}).WrapListener(brokenListener{err: c.err})
				for range 2 {
					for range 100 {
						if _, err := ln.Accept(); !errors.Is(err, c.err) {
							t.Fatal(err)
						}
					}
					eventually.Advance(fullInterval)
				}
				if n := lines.FilterMessage("too many open files; new connections wait").Len(); n != c.want || lines.Len() != n {
					t.Errorf("%d lines, %d in all; want %d", n, lines.Len(), c.want)
				}
			})
		})
	}
}

// A wrapper behind TLS does nothing, which is said when the server starts: also where tls is not
// among the wrappers, since Caddy puts it first then.
func TestAWrapperBehindTLSSaysSoAtTheStart(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for name, c := range map[string]struct {
		ln   net.Listener
		want int
	}{"before TLS": {ln, 0}, "behind TLS": {tls.NewListener(ln, new(tls.Config)), 1}} {
		core, lines := observer.New(zap.InfoLevel)
		(&ListenerWrapper{log: zap.New(core)}).WrapListener(c.ln)
		if n := lines.FilterMessageSnippet("does nothing behind tls").Len(); n != c.want || lines.Len() != n {
			t.Errorf("%s: %v", name, lines.All())
		}
	}
}
