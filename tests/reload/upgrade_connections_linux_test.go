package reload

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

const statusRequest = "GET /status-json.xsl HTTP/1.1\r\nHost: localhost\r\n\r\n"

// quiet are connections on which nothing is under way.
var quiet = []struct {
	name string
	dial func(t *testing.T, s *harness.Server) net.Conn
}{
	{"plain", dialPlain},
	{"within a request", func(t *testing.T, s *harness.Server) net.Conn {
		c := dialPlain(t, s)
		_, _ = io.WriteString(c, statusRequest[:10])
		return c
	}},
	{"after a request", func(t *testing.T, s *harness.Server) net.Conn {
		c := dialPlain(t, s)
		_, _ = io.WriteString(c, statusRequest)
		if err := readAnswer(c); err != nil {
			t.Fatal(err)
		}
		return c
	}},
	{"TLS after its handshake", func(t *testing.T, s *harness.Server) net.Conn {
		c, err := tls.Dial("tcp", s.TLS, s.TLSConfig("http/1.1"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}},
	{"TLS before its handshake", func(t *testing.T, s *harness.Server) net.Conn {
		c, err := net.Dial("tcp", s.TLS)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}},
}

func dialPlain(t *testing.T, s *harness.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Plain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readAnswer(c net.Conn) error {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// An upgrade closes connections without a request, without a reset.
func TestQuietConnectionsAreClosedCleanlyByAnUpgrade(t *testing.T) {
	s := harness.NewServer(t)
	harness.RunProgram(t, binary.Caddycast(t), t.TempDir(), s.WrappedCaddyfile(harness.Station))
	harness.Eventually(t, "the server answers", s.Answers)
	silent := make([]net.Conn, len(quiet))
	for i, q := range quiet {
		silent[i] = q.dial(t, s)
		defer silent[i].Close()
	}
	src := s.SourceOverTLS("/live.mp3") // keeps the older process
	src.Send(100)
	s.UpgradeTo(binary.Caddycast(t))
	for i, q := range quiet {
		_ = silent[i].SetDeadline(time.Now().Add(harness.Patience))
		if got, err := io.ReadAll(silent[i]); err != nil || len(got) > 0 {
			t.Errorf("%s: closed with %q, %v", q.name, got, err)
		}
	}
}
