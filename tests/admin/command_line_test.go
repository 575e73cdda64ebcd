package admin

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// caddyIcecast runs `caddy icecast`, and returns what it prints and whether it succeeded.
func caddyIcecast(s *harness.Server, args ...string) (string, bool) {
	s.T.Helper()
	cmd := exec.Command(binary.Caddy(s.T), append([]string{"icecast", "--address", s.AdminAddress}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func TestTheCommandLineShowsAndActs(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live, other := s.DescribedSource("/live.mp3", 1), s.DescribedSource("/other.mp3", 2)
	defer live.Abandon()
	defer other.Abandon()
	w, gone := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), s.ListenVerifying("/live.mp3", harness.HTTP2, true)
	harness.WaitForSource(t, "at home", 1, w, gone)
	says := func(want string, args ...string) {
		t.Helper()
		if out, ok := caddyIcecast(s, args...); !ok || !strings.Contains(out, want) {
			t.Errorf("%v prints (%v)\n%s\nwant %s", args, ok, out, want)
		}
	}
	fails := func(want string, args ...string) {
		t.Helper()
		if out, ok := caddyIcecast(s, args...); ok || !strings.Contains(out, want) {
			t.Errorf("%v prints (%v)\n%s\nwant an error, %s", args, ok, out, want)
		}
	}
	var listeners []struct {
		ID       int
		Protocol string
	}
	out, _ := caddyIcecast(s, "listeners", "/live.mp3", "--json")
	if err := json.Unmarshal([]byte(out), &listeners); err != nil || len(listeners) != 2 || listeners[1].Protocol != "HTTP/2.0" {
		t.Fatalf("the listeners are %s: %v", out, err)
	}
	says("HTTP/2.0+TLS", "listeners")
	says(fmt.Sprintf("listener %d of /live.mp3 was disconnected", listeners[1].ID), "kick", fmt.Sprint(listeners[1].ID))
	<-gone.Ended
	says("the title of /live.mp3 is set", "metadata", "/live.mp3", "Song", "--artist", "Singer")
	says("Singer - Song", "status")
	says(`"changed":false`, "metadata", "/live.mp3", "Song", "--artist", "Singer", "--json")
	says("1 listeners of /live.mp3 hear /other.mp3; its slaves stay", "move", "/live.mp3", "/other.mp3")
	says("1 listeners and 0 slaves of /live.mp3 hear /other.mp3", "move", "/live.mp3", "/other.mp3", "--slaves")
	harness.WaitForSource(t, "moved", 2, w)
	says("/other.mp3", "mounts", "/other.mp3")
	fails("Error: listener 9999: unknown; expected one of the list of listeners\n", "kick", "9999")
	fails("Error: mount /nowhere: unknown; expected one with a source or listeners\n", "move", "/live.mp3", "/nowhere")
	fails("expected a number", "kick", "x")
	fails("unknown; expected one of: default", "mounts", "--station", "x")
	fails("accepts 2 arg(s), received 1", "move", "/live.mp3")
	fails(`unknown subcommand "bogus"`, "bogus")
	says("the source of /live.mp3 is ended", "kill", "/live.mp3")
	fails("mount /live.mp3: no source", "kill", "/live.mp3")
	w.Stop()
	<-w.Ended
}

// caddyIcecastLines runs `caddy icecast` with arguments that make it go on, and returns its lines.
func caddyIcecastLines(s *harness.Server, args ...string) (<-chan string, *exec.Cmd) {
	s.T.Helper()
	cmd := exec.Command(binary.Caddy(s.T), append([]string{"icecast", "--address", s.AdminAddress}, args...)...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		s.T.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.T.Fatal(err)
	}
	lines := make(chan string, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for text := bufio.NewScanner(pipe); text.Scan(); {
			lines <- text.Text()
		}
	}()
	s.T.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return lines, cmd
}

func awaitLine(t *testing.T, lines <-chan string, parts ...string) {
	t.Helper()
	for timeout := time.After(harness.Patience); ; {
		select {
		case line, found := <-lines:
			if !found {
				t.Fatalf("it ended without a line that has %q", parts)
			}
			for _, p := range parts {
				found = found && strings.Contains(line, p)
			}
			if found {
				return
			}
		case <-timeout:
			t.Fatalf("no line has %q", parts)
		}
	}
}

func TestTheCommandLineFollowsOverReloads(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.Source("/live.mp3")
	defer live.Finish()
	live.Send(20)
	other := s.Source("/other.mp3") // of two titles of one mount within a second, only the last is an event
	defer other.Finish()
	other.Send(20)
	events, _ := caddyIcecastLines(s, "events", "--event", "metadata_updated", "--json")
	n := 0
	harness.Eventually(t, "it follows", func() error {
		n++
		s.SetTitle("/live.mp3", fmt.Sprint("Song ", n))
		select {
		case <-events:
			return nil
		default:
			return fmt.Errorf("after %d titles there is no line", n)
		}
	})
	for i := range 3 {
		first, between := fmt.Sprintf(`"song":"Before %d"`, i), fmt.Sprintf(`"song":"After %d"`, i)
		s.SetTitle("/other.mp3", fmt.Sprint("Before ", i))
		if err := s.Reload(harness.Station, fmt.Sprint("# ", i)); err != nil {
			t.Fatal(err)
		}
		s.SetTitle("/live.mp3", fmt.Sprint("After ", i))
		awaitLine(t, events, first)
		awaitLine(t, events, between)
	}
	watch, cmd := caddyIcecastLines(s, "status", "--watch")
	awaitLine(t, watch, "default", "/live.mp3", "own", "After 2")
	s.SetTitle("/live.mp3", "Later")
	awaitLine(t, watch, "/live.mp3", "Later")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for timeout := time.After(harness.Patience); ; {
		select {
		case _, more := <-watch:
			if !more {
				return
			}
		case <-timeout:
			t.Fatal("it goes on though it was interrupted")
		}
	}
}
