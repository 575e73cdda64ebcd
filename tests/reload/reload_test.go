package reload

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// Five hundred listeners of all kinds, a source, and twenty reloads over the
// admin API, some of which are rejected.
func TestReloadsLoseNotOneFrame(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(100)
	stop := make(chan struct{})
	done := src.Run(numbered.Duration/2, stop) // a source that is silent for ten seconds is gone
	var listeners []*harness.Listener
	for i := range 500 {
		way := harness.Ways[i%3] // plain
		if i%5 == 0 {
			way = harness.Ways[3+i/5%7] // encrypted, HTTP/2, HTTP/3
		}
		listeners = append(listeners, s.Listen("/m", way.Kind, way.Encrypted))
	}

	for i := range 20 {
		password := fmt.Sprintf("password-%d", i)
		settings := fmt.Sprintf(`icecast {
			source_password %s
			mount /m {
				name "reloaded %d times"
				burst %dKiB
			}
		}`, password, i, 8+i)
		if err := s.Reload(settings); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
		mayFeed(s, password, true)
		mayFeed(s, "hackme", false)
		if i%4 == 0 {
			rejects(s, password)
		}
	}
	name := s.Listen("/m", harness.HTTP1, false)
	if got := name.Header.Get("icy-name"); got != "reloaded 19 times" {
		t.Errorf("the live mount is called %q", got)
	}
	close(stop)
	<-done
	src.Finish()
	last := src.Next.Load() - 1
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != last || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes, want to %d", l.Kind, c.First, c.Last, c.Rest(), last)
		}
	}
}

// mayFeed checks whether a password is in force.
func mayFeed(s *harness.Server, password string, want bool) {
	s.T.Helper()
	resp := retry(s, func() (*http.Response, error) {
		conn, err := net.Dial("tcp", s.Plain)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(harness.Patience))
		_, _ = io.WriteString(conn, "SOURCE /probe HTTP/1.0\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", password)+"\r\n")
		return http.ReadResponse(bufio.NewReader(conn), nil)
	})
	if got := resp.StatusCode == http.StatusOK; got != want {
		s.T.Errorf("with password %s a source is answered %s", password, resp.Status)
	}
	if want {
		s.WaitUntilGone("/probe")
	}
}

// retry asks again if the connection is closed without an answer: that happens
// to a request that the server of before accepted when it was about to stop.
func retry(s *harness.Server, ask func() (*http.Response, error)) *http.Response {
	s.T.Helper()
	var resp *http.Response
	harness.Eventually(s.T, "there is an answer", func() (err error) {
		resp, err = ask()
		return err
	})
	return resp
}

// rejects loads configurations that are wrong, each at another stage, and checks
// that the one before is still in force.
func rejects(s *harness.Server, password string) {
	s.T.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.T.Fatal(err)
	}
	defer ln.Close()
	busy := fmt.Sprintf("\nhttp://:%s {\n bind 127.0.0.1\n}\n", harness.Port(ln.Addr().String()))
	for _, c := range []struct{ name, config, want string }{
		{"the Caddyfile", s.Caddyfile("icecast {\n limits {\n burst much\n }\n}"), "expected a size such as 64KiB"},
		{"the settings", s.Caddyfile("icecast {\n mount /m {\n charset klingon\n }\n}"), "klingon"},
		{"a port is busy", s.Caddyfile("icecast {\n source_password rejected\n}") + busy, "address already in use"},
	} {
		if err := s.ReloadCaddyfile(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			s.T.Errorf("%s is wrong: the answer is %v", c.name, err)
		}
		mayFeed(s, password, true)
		mayFeed(s, "rejected", false)
	}
}

func TestSettingsOfALiveMountChangeAtOnce(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(500)
	first := s.Listen("/m", harness.HTTP1Metadata, false)
	if err := s.Reload(`icecast {
		admin_password letmein
		mount /m {
			burst 0
			metadata_interval off
			genre ambient
		}
	}`); err != nil {
		t.Fatal(err)
	}
	src.Send(10)
	harness.Eventually(t, "a new listener gets no burst", func() error {
		l := s.Listen("/m", harness.HTTP1, false)
		_ = l.Conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		<-l.Done
		if l.Checker.First < 500 {
			return fmt.Errorf("it hears from frame %d on", l.Checker.First)
		}
		return nil
	})
	second := s.Listen("/m", harness.HTTP1Metadata, false)
	if second.Header.Get("icy-genre") != "ambient" || second.Header.Get("icy-metaint") != "" {
		t.Errorf("a new listener gets %v", second.Header)
	}
	if err := s.Reload("icecast {\n mount /m {\n max_listeners 2\n }\n}"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + s.Plain + "/m")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "max listeners reached") {
		t.Errorf("a third listener is answered %s: %q", resp.Status, body)
	}
	src.Send(10)
	src.Finish()
	if c := first.WaitForEnd(); c.Last != 519 {
		t.Errorf("who was there before heard to %d", c.Last)
	}
	if c := second.WaitForEnd(); c.Last != 519 || c.Frames > 30 {
		t.Errorf("who came after the change heard %d frames, to %d", c.Frames, c.Last)
	}
}

func TestAStationThatIsConfiguredAwayEndsItsStreams(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(100)
	var listeners []*harness.Listener
	for _, way := range harness.Ways {
		listeners = append(listeners, s.Listen("/m", way.Kind, way.Encrypted))
	}
	if err := s.ReloadCaddyfile(fmt.Sprintf("{\n admin %s\n}\nhttp://:%s {\n bind 127.0.0.1\n respond gone\n}", s.AdminAddress, harness.Port(s.Plain))); err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != 99 || c.Rest() != 0 {
			t.Errorf("by %s: heard to %d and %d bytes", l.Kind, c.Last, c.Rest())
		}
	}
}
