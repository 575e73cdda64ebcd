package tests

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
)

// Five hundred listeners of all kinds, a source, and twenty reloads over the
// admin API, some of which are rejected.
func TestReloadsLoseNotOneFrame(t *testing.T) {
	s := start(t, station)
	src := s.source("/m")
	src.send(100)
	var listeners []*listener
	for i := range 500 {
		way := waysOut[i%3] // plain
		if i%5 == 0 {
			way = waysOut[3+i/5%7] // encrypted, HTTP/2, HTTP/3
		}
		listeners = append(listeners, s.listen("/m", way.kind, way.encrypted))
	}
	stop := make(chan struct{})
	done := src.run(numbered.Duration/2, stop)

	for i := range 20 {
		password := fmt.Sprintf("password-%d", i)
		settings := fmt.Sprintf(`icecast {
			source_password %s
			mount /m {
				name "reloaded %d times"
				burst %dKiB
			}
		}`, password, i, 8+i)
		if err := s.reload(settings); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
		s.mayFeed(password, true)
		s.mayFeed("hackme", false)
		if i%4 == 0 {
			s.rejects(password)
		}
	}
	name := s.listen("/m", http1, false)
	if got := name.header.Get("icy-name"); got != "reloaded 19 times" {
		t.Errorf("the live mount is called %q", got)
	}
	close(stop)
	<-done
	src.finish()
	last := src.next.Load() - 1
	for _, l := range listeners {
		if c := l.toTheEnd(); c.Last != last || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes, want to %d", l.kind, c.First, c.Last, c.Rest(), last)
		}
	}
}

// mayFeed checks whether a password is in force.
func (s *server) mayFeed(password string, want bool) {
	s.t.Helper()
	resp := s.retry(func() (*http.Response, error) {
		conn, err := net.Dial("tcp", s.plain)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, "SOURCE /probe HTTP/1.0\r\nContent-Type: audio/mpeg\r\n"+basic("source", password)+"\r\n")
		return http.ReadResponse(bufio.NewReader(conn), nil)
	})
	if got := resp.StatusCode == http.StatusOK; got != want {
		s.t.Errorf("with password %s a source is answered %s", password, resp.Status)
	}
	if want {
		s.gone("/probe")
	}
}

// retry asks again if the connection is closed without an answer: that happens
// to a request that the server of before accepted when it was about to stop.
func (s *server) retry(ask func() (*http.Response, error)) *http.Response {
	s.t.Helper()
	var resp *http.Response
	eventually(s.t, "there is an answer", func() (err error) {
		resp, err = ask()
		return err
	})
	return resp
}

// rejects loads configurations that are wrong, each at another stage, and checks
// that the one before is still in force.
func (s *server) rejects(password string) {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer ln.Close()
	busy := fmt.Sprintf("\nhttp://:%s {\n bind 127.0.0.1\n}\n", port(ln.Addr().String()))
	for _, c := range []struct{ name, config, want string }{
		{"the Caddyfile", s.caddyfile("icecast {\n limits {\n burst much\n }\n}"), "write a size such as 64KiB"},
		{"the settings", s.caddyfile("icecast {\n mount /m {\n charset klingon\n }\n}"), "klingon"},
		{"a port is busy", s.caddyfile("icecast {\n source_password rejected\n}") + busy, "address already in use"},
	} {
		if err := s.reloadRaw(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			s.t.Errorf("%s is wrong: the answer is %v", c.name, err)
		}
		s.mayFeed(password, true)
		s.mayFeed("rejected", false)
	}
}

func TestSettingsOfALiveMountChangeAtOnce(t *testing.T) {
	s := start(t, station)
	src := s.source("/m")
	src.send(500)
	first := s.listen("/m", http1ic, false)
	if err := s.reload(`icecast {
		admin_password letmein
		mount /m {
			burst 0
			metadata_interval off
			genre ambient
		}
	}`); err != nil {
		t.Fatal(err)
	}
	src.send(10)
	eventually(t, "a new listener gets no burst", func() error {
		l := s.listen("/m", http1, false)
		_ = l.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		<-l.done
		if l.checker.First < 500 {
			return fmt.Errorf("it hears from frame %d on", l.checker.First)
		}
		return nil
	})
	second := s.listen("/m", http1ic, false)
	if second.header.Get("icy-genre") != "ambient" || second.header.Get("icy-metaint") != "" {
		t.Errorf("a new listener is told %v", second.header)
	}
	if err := s.reload("icecast {\n mount /m {\n max_listeners 2\n }\n}"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + s.plain + "/m")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "max listeners reached") {
		t.Errorf("a third listener is answered %s: %q", resp.Status, body)
	}
	src.send(10)
	src.finish()
	if c := first.toTheEnd(); c.Last != 519 {
		t.Errorf("who was there before heard to %d", c.Last)
	}
	if c := second.toTheEnd(); c.Last != 519 || c.Frames > 30 {
		t.Errorf("who came after the change heard %d frames, to %d", c.Frames, c.Last)
	}
}

func TestAStationThatIsConfiguredAwayEndsItsStreams(t *testing.T) {
	s := start(t, station)
	src := s.source("/m")
	src.send(100)
	var listeners []*listener
	for _, way := range waysOut {
		listeners = append(listeners, s.listen("/m", way.kind, way.encrypted))
	}
	if err := s.reloadRaw(fmt.Sprintf("{\n admin %s\n}\nhttp://:%s {\n bind 127.0.0.1\n respond gone\n}", s.admin, port(s.plain))); err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		if c := l.toTheEnd(); c.Last != 99 || c.Rest() != 0 {
			t.Errorf("by %s: heard to %d and %d bytes", l.kind, c.Last, c.Rest())
		}
	}
}
