//go:build linux

package reload

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// connectionsForEach is how many connections there are from one reload to the next.
const connectionsForEach = 250

// connections counts what became of connections with one request each.
type connections struct {
	answered, reset, unanswered atomic.Int64
	errors                      sync.Map
}

func (c *connections) all() int64 { return c.answered.Load() + c.reset.Load() + c.unanswered.Load() }

const requestLine, fields = "GET /status-json.xsl HTTP/1.1\r\n", "Host: localhost\r\nConnection: close\r\n\r\n"

// ask opens a connection, sends a request and reads the answer.
func (c *connections) ask(dial func() (net.Conn, error)) {
	conn, err := dial()
	if err != nil {
		c.count(err)
		return
	}
	c.askOver(conn, requestLine+fields)
}

// askOver sends a request, or the rest of one, and reads the answer.
func (c *connections) askOver(conn net.Conn, request string) {
	c.count(func() error {
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return resp.Body.Close()
	}())
}

func (c *connections) count(err error) {
	switch {
	case err == nil:
		c.answered.Add(1)
		return
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		c.reset.Add(1)
	default:
		c.unanswered.Add(1)
	}
	c.errors.LoadOrStore(err.Error(), true)
}

// isInForce waits until new connections are served by the configuration with a password, which is
// its location, too. It is for any goroutine.
func isInForce(s *harness.Server, password string) error {
	return harness.Await(func() error {
		resp, conn, err := harness.Ask(s.T, s.Plain, "/status-json.xsl")
		if err != nil {
			return err
		}
		defer conn.Close()
		text, err := io.ReadAll(resp.Body)
		if want := fmt.Sprintf("%q:%q", "location", password); err == nil && !strings.Contains(string(text), want) {
			return fmt.Errorf("%s is not in %s", want, text)
		}
		return err
	})
}

// Sixteen clients open connections without a pause, plain and encrypted, while the
// configuration is reloaded forty times.
func TestReloadsLoseNotOneConnection(t *testing.T) {
	s := harness.NewServer(t)
	config := func(password string) string {
		return fmt.Sprintf(`{
	%s
	servers {
		listener_wrappers {
			icecast
			tls
		}
	}
	icecast {
		source_password %[2]s
		location        %[2]s
	}
}
http://:%s {
	bind 127.0.0.1
	icecast
}
https://127.0.0.1:%s, https://localhost:%[4]s {
	bind 127.0.0.1
	tls %[5]s/cert.pem %[5]s/key.pem
	icecast
}
`, s.GlobalOptions(), password, harness.Port(s.Plain), harness.Port(s.TLS), harness.Storage)
	}
	if err := s.LoadCaddyfile(config("first")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	settings := s.TLSConfig("http/1.1")
	plain := func() (net.Conn, error) { return net.Dial("tcp", s.Plain) }
	encrypted := func() (net.Conn, error) { return tls.Dial("tcp", s.TLS, settings) }

	var seen connections
	var silent []net.Conn // from one reload or more until the end
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 16 {
		dial := plain
		if i%4 == 0 {
			dial = encrypted
		}
		clients.Go(func() {
			for ctx.Err() == nil {
				seen.ask(dial)
			}
		})
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for i := range 40 {
		harness.Eventually(t, "connections are answered", func() error {
			if n, want := seen.all(), int64(i*connectionsForEach); n < want {
				return fmt.Errorf("%d of %d", n, want)
			}
			return nil
		})
		mustDial := func(address string) net.Conn {
			t.Helper()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		silent = append(silent, mustDial(s.Plain), tls.Client(mustDial(s.TLS), settings))
		password := fmt.Sprint("password-", i)
		begun := mustDial(s.Plain)
		_, _ = io.WriteString(begun, requestLine)
		clients.Go(func() {
			if err := isInForce(s, password); err != nil {
				t.Error(err)
			}
			seen.askOver(begun, fields) // the configuration before waits for it
		})
		if err := s.ReloadCaddyfile(config(password)); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
		if i%8 == 0 && s.ReloadCaddyfile(config("rejected")+"\nhttp://"+busy.Addr().String()+" {\n}\n") == nil {
			t.Error("a configuration with a busy port is not rejected")
		}
	}
	cancel()
	clients.Wait()
	for _, conn := range silent {
		seen.askOver(conn, requestLine+fields)
	}
	t.Logf("%d connections answered", seen.answered.Load())
	if seen.reset.Load() != 0 || seen.unanswered.Load() != 0 {
		t.Errorf("%d connections reset, %d unanswered", seen.reset.Load(), seen.unanswered.Load())
		seen.errors.Range(func(err, _ any) bool { t.Log(err); return true })
	}
}
