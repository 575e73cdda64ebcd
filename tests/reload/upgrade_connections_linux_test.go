package reload

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

const statusRequest = "GET /status-json.xsl HTTP/1.1\r\nHost: localhost\r\n\r\n"

// quiet are connections on which nothing is under way.
var quiet = []struct {
	name string
	rest string // of the request; empty: the connection is closed, since the older process has answered on it
	dial func(t *testing.T, s *harness.Server) net.Conn
}{
	{"plain", statusRequest, dialPlain},
	{"within a request", statusRequest[10:], func(t *testing.T, s *harness.Server) net.Conn {
		c := dialPlain(t, s)
		_, _ = io.WriteString(c, statusRequest[:10])
		return c
	}},
	{"after a request", "", func(t *testing.T, s *harness.Server) net.Conn {
		c := dialPlain(t, s)
		_, _ = io.WriteString(c, statusRequest)
		if err := readAnswer(c); err != nil {
			t.Fatal(err)
		}
		return c
	}},
	{"TLS after its handshake", "", func(t *testing.T, s *harness.Server) net.Conn {
		c, err := tls.Dial("tcp", s.TLS, s.TLSConfig("http/1.1"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}},
	{"TLS before its handshake", statusRequest, func(t *testing.T, s *harness.Server) net.Conn {
		c, err := net.Dial("tcp", s.TLS)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Client(c, s.TLSConfig("http/1.1"))
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

// Connections on which nothing was answered are the new process's. The others are closed, without a reset.
func TestQuietConnectionsThroughUpgrades(t *testing.T) {
	s := harness.NewServer(t)
	harness.RunProgram(t, binary.Caddycast(t), t.TempDir(), s.WrappedCaddyfile(harness.Station))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	silent := make([]net.Conn, len(quiet))
	for i, q := range quiet {
		silent[i] = q.dial(t, s)
		defer silent[i].Close()
	}
	src := s.SourceOverTLS("/live.mp3") // keeps the older processes
	src.Send(100)
	for range 2 {
		s.UpgradeTo(binary.Caddycast(t))
	}
	for i, q := range quiet {
		_ = silent[i].SetDeadline(time.Now().Add(harness.Patience))
		if q.rest == "" {
			if got, err := io.ReadAll(silent[i]); err != nil || len(got) > 0 {
				t.Errorf("%s: closed with %q, %v", q.name, got, err)
			}
			continue
		}
		if _, err := io.WriteString(silent[i], q.rest); err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
		if err := readAnswer(silent[i]); err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
	}
}

// Sessions of users count the listeners of before.
func TestSessionsAreCountedThroughUpgrades(t *testing.T) {
	home := t.TempDir()
	harness.WriteFile(t, home+"/users", "ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
	s := harness.NewServer(t)
	harness.RunProgram(t, binary.Caddycast(t), home, s.WrappedCaddyfile(strings.Replace(harness.Station, "{", `{
	mount /live.mp3 {
		auth htpasswd `+home+`/users {
			max_sessions 2
		}
	}`, 1)))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	src := s.Source("/live.mp3")
	src.Send(100)
	listen := func(want int) *http.Response {
		t.Helper()
		resp := s.Get("/live.mp3", "ann", "password")
		if resp.StatusCode != want {
			t.Errorf("answered %s; want %d", resp.Status, want)
		}
		return resp
	}
	first := listen(http.StatusOK)
	defer first.Body.Close()
	for range 2 {
		s.UpgradeTo(binary.Caddycast(t))
		second := listen(http.StatusOK)
		_ = listen(http.StatusForbidden).Body.Close()
		_ = second.Body.Close()
		s.WaitForListeners("/live.mp3", 1)
	}
}

// An upgrade and a reload exclude each other.
func TestAReloadWithinAnUpgradeIsRefused(t *testing.T) {
	s, home := harness.NewServer(t), t.TempDir()
	config := s.WrappedCaddyfile(harness.Station)
	harness.RunProgram(t, binary.Caddycast(t), home, config)
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	harness.WriteFile(t, home+"/held", "")
	harness.WriteFile(t, home+"/program", "#!/bin/sh\ntouch "+home+"/begun\nwhile [ -e "+home+"/held ]; do sleep 0.1; done\nexec "+binary.Caddycast(t)+" \"$@\"\n")
	harness.MakeExecutable(t, home+"/program")
	var reloading sync.WaitGroup
	defer reloading.Wait()
	reloading.Go(func() {
		_ = harness.Await(func() error {
			_, err := os.Stat(home + "/begun")
			return err
		})
		if err := s.ReloadCaddyfile(config); err == nil || !strings.Contains(err.Error(), "an upgrade of the program is under way") {
			t.Errorf("reloaded: %v", err)
		}
		_ = os.Remove(home + "/held")
	})
	s.UpgradeTo(home + "/program")
	if err := s.ReloadCaddyfile(config); err != nil {
		t.Error(err)
	}
}
