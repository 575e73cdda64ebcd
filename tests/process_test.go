package tests

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// caddyVersion is the one that go.mod requires.
const caddyVersion = "v2.11.9"

// built makes a Caddy with caddycast by xcaddy, as users do, once.
var built = sync.OnceValues(func() (string, error) {
	out := filepath.Join(storage, "caddycast-by-xcaddy") // caddy is the folder of its configuration
	ctx, cancel := context.WithTimeout(context.Background(), 12*time.Minute)
	defer cancel()
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+filepath.Join(root, "tools", "go.mod"), "xcaddy",
		"build", caddyVersion, "--output", out, "--with", "github.com/caddycast/caddycast@v0.0.0="+root)
	cmd.Dir = root
	if log, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, log)
	}
	return out, nil
})

// givenBinary names a Caddy that was built already, by the process that started this one.
const givenBinary = "CADDYCAST_TEST_BINARY"

func caddyBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(givenBinary); path != "" {
		return path
	}
	path, err := built()
	if err != nil {
		t.Fatalf("building Caddy with xcaddy: %v", err)
	}
	return path
}

func TestXcaddyBuildsACaddyThatHasOurModules(t *testing.T) {
	out, err := exec.Command(caddyBinary(t), "list-modules", "--versions").CombinedOutput()
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

// process runs a configuration in a process of its own, whose home is a folder. It
// returns the file of its log, too.
func process(t testing.TB, home, caddyfile string) (cmd *exec.Cmd, log string) {
	t.Helper()
	path, log := filepath.Join(home, "Caddyfile"), filepath.Join(home, "log")
	write(t, path, caddyfile)
	cmd = exec.Command(caddyBinary(t), "run", "--config", path)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		if text, _ := os.ReadFile(log); t.Failed() {
			t.Logf("the log:\n%s", text)
		}
	})
	return cmd, log
}

// example runs Caddyfile.example in a process of its own, on free ports, and
// with a home that is empty, as on a new machine.
func example(t *testing.T) (*server, *exec.Cmd) {
	t.Helper()
	text, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, plain: freeAddress(t), tls: freeAddress(t), admin: freeAddress(t), unverified: true}
	replaced := strings.NewReplacer(
		":8000", ":"+port(s.plain),
		":8443", ":"+port(s.tls),
		"skip_install_trust", "skip_install_trust\n\tadmin "+s.admin,
	).Replace(string(text))
	cmd, log := process(t, t.TempDir(), replaced)
	eventually(t, "it answers", func() error {
		resp, err := http.Get("http://" + s.plain + "/status-json.xsl")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	})
	eventually(t, "its certificate is there", func() error {
		conn, err := tls.Dial("tcp", s.tls, s.tlsConfig())
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	eventually(t, "it says where it is", func() error {
		if text, _ := os.ReadFile(log); !strings.Contains(string(text), "on the air") {
			return errors.New("it has not yet")
		}
		return nil
	})
	return s, cmd
}

func TestTheExampleIsOnTheAirOnBothPorts(t *testing.T) {
	s, _ := example(t)
	file := music(t, mp3[0], 4, mp3[1:]...)
	encoder := ffmpegSource(t, "icecast://source:hackme@"+s.plain+"/live.mp3", file, "mp3")
	s.listening("/live.mp3")
	out := filepath.Join(t.TempDir(), "out")
	player, log := launch(t, "curl", "-sS", "-k", "--max-time", "3", "-o", out, "https://localhost:"+port(s.tls)+"/live.mp3")
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
	all := frames(t, sent, numbered.ContentType)
	heard := slices.DeleteFunc(frames(t, got, numbered.ContentType), func(f []byte) bool { // the standby loop comes first
		return !slices.ContainsFunc(all, func(g []byte) bool { return bytes.Equal(f, g) })
	})
	if partOf(t, heard, all); len(heard) < 20 {
		t.Errorf("only %d frames were heard", len(heard))
	}
}

func TestTheProcessEndsItsStreamsPolitelyWithinASecond(t *testing.T) {
	s, cmd := example(t)
	src := s.source("/live.mp3")
	src.send(500)
	var listeners []*listener
	for _, way := range waysOut {
		listeners = append(listeners, s.listen("/live.mp3", way.kind, way.encrypted))
		if way.kind != h3 { // HTTP/3 waits for the client to close: docs/explained/reload.md
			s.stall("/live.mp3", way.kind, way.encrypted)
		}
	}
	for range 100 { // more than a socket takes, less than makes a listener slow
		src.send(10)
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error, 1)
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		took := time.Since(began).Round(time.Millisecond)
		t.Logf("it ended after %v, with %v", took, err)
		if took > 2*time.Second { // a second, and what a busy machine adds
			t.Error("that is too long")
		}
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", s.stacks())
	}
	for _, l := range listeners {
		if c := l.toTheEnd(); c.Last != 1499 || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes", l.kind, c.First, c.Last, c.Rest())
		}
	}
}

// stacks returns what the goroutines of the process do.
func (s *server) stacks() []byte {
	resp, err := http.Get("http://" + s.admin + "/debug/pprof/goroutine?debug=2")
	if err != nil {
		return []byte(err.Error())
	}
	defer resp.Body.Close()
	stacks, _ := io.ReadAll(resp.Body)
	return stacks
}

// stall asks for a mount and does not read the answer.
func (s *server) stall(path string, k kind, encrypted bool) {
	s.t.Helper()
	if k == h2 || k == h3 {
		l := &listener{t: s.t, kind: k}
		s.request(l, path)
		return
	}
	if _, err := io.WriteString(s.dial(encrypted), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
}
