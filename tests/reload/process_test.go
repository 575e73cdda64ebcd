package reload

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

func TestXcaddyBuildsACaddyThatHasOurModules(t *testing.T) {
	out, err := exec.Command(binary.Caddy(t), "list-modules", "--versions").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, module := range []string{"icecast", "http.handlers.icecast", "admin.api.icecast"} {
		found := false
		for line := range strings.Lines(string(out)) {
			found = found || strings.HasPrefix(line, module+" ") || strings.TrimSpace(line) == module
		}
		if !found {
			t.Errorf("there is no module %s", module)
		}
	}
}

func TestTheExampleIsOnTheAirOnBothPorts(t *testing.T) {
	s, _ := harness.RunExample(t)
	file := harness.MakeMusic(t, harness.MP3[0], 4, harness.MP3[1:]...)
	encoder := harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+"/live.mp3", file, "mp3")
	s.WaitForMount("/live.mp3")
	out := filepath.Join(t.TempDir(), "out")
	player, log := harness.Launch(t, "curl", "-sS", "-k", "--max-time", "3", "-o", out, "https://localhost:"+harness.Port(s.TLS)+"/live.mp3")
	_ = encoder.Wait()
	_ = player.Wait() // by its time limit, since listeners wait for the encoder to come back
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	sent, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := harness.Frames(t, sent, numbered.ContentType)
	heard := slices.DeleteFunc(harness.Frames(t, got, numbered.ContentType), func(f []byte) bool { // the standby loop comes first
		return !slices.ContainsFunc(all, func(g []byte) bool { return bytes.Equal(f, g) })
	})
	if harness.FindIn(t, heard, all); len(heard) < 20 {
		t.Errorf("only %d frames were heard", len(heard))
	}
}

func TestTheProcessEndsItsStreamsPolitelyWithinASecond(t *testing.T) {
	s, cmd := harness.RunExample(t)
	src := s.Source("/live.mp3")
	src.Send(500)
	var listeners []*harness.Listener
	for _, way := range harness.Ways {
		listeners = append(listeners, s.Listen("/live.mp3", way.Kind, way.Encrypted))
		if way.Kind != harness.HTTP3 { // HTTP/3 waits for the client to close: docs/explained/reload.md
			stall(s, "/live.mp3", way.Kind, way.Encrypted)
		}
	}
	// More than a socket takes, and never so much at once that a listener is slow. To those that do
	// not read, some of it is still to be sent when the process ends.
	const parts, each, frameSize = 4, 250, 417
	for i := range parts {
		for _, l := range listeners {
			l.WaitForBytes(int64(i * each * frameSize))
		}
		src.Send(each)
	}
	waitUntilRead(s, "/live.mp3", src)
	busy := howLong(t, "version")
	ended := make(chan error, 1)
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		took := time.Since(began).Round(time.Millisecond)
		t.Logf("it ended after %v, with %v; to print its version takes %v", took, err, busy)
		if took > 2*time.Second+4*busy { // a second, and what a busy machine adds
			t.Error("that is too long")
		}
	case <-time.After(harness.Patience):
		t.Fatalf("it does not end:\n%s", stacks(s))
	}
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != 1499 || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes", l.Kind, c.First, c.Last, c.Rest())
		}
	}
}

// waitUntilRead waits until the server has read all that a source has sent: one that is faster
// than real time is not read at once.
func waitUntilRead(s *harness.Server, mount string, src *harness.Source) {
	s.T.Helper()
	var sent []byte
	for n := range src.Next.Load() {
		sent = numbered.AppendFrame(sent, n, time.Time{})
	}
	harness.Eventually(s.T, "the server has read all that was sent", func() error {
		if _, stats := s.AdminCommand("admin", "hackme", "stats?mount="+mount); !strings.Contains(stats, fmt.Sprintf("<total_bytes_read>%d<", len(sent))) {
			return fmt.Errorf("not %d bytes: %s", len(sent), stats)
		}
		return nil
	})
}

// howLong returns how long a command of the binary takes, as a measure of how busy the
// machine is.
func howLong(t testing.TB, command string) time.Duration {
	t.Helper()
	began := time.Now()
	if out, err := exec.Command(binary.Caddy(t), command).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Since(began).Round(time.Millisecond)
}

// stacks returns what the goroutines of the process do.
func stacks(s *harness.Server) []byte {
	resp, err := http.Get("http://" + s.AdminAddress + "/debug/pprof/goroutine?debug=2")
	if err != nil {
		return []byte(err.Error())
	}
	defer resp.Body.Close()
	stacks, _ := io.ReadAll(resp.Body)
	return stacks
}

// stall asks for a mount and does not read the answer.
func stall(s *harness.Server, path string, k harness.Kind, encrypted bool) {
	s.T.Helper()
	if k == harness.HTTP2 || k == harness.HTTP3 {
		l := &harness.Listener{T: s.T, Kind: k}
		s.Request(l, path)
		return
	}
	if _, err := io.WriteString(s.Dial(encrypted), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		s.T.Fatal(err)
	}
}
