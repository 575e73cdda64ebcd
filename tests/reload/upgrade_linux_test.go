package reload

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// upgrades is how often the program is replaced, by one of two that differ.
const upgrades = 5

// Encoders and 324 listeners of every kind keep their connections through five upgrades, with reloads
// between, and hear each frame once.
func TestNobodyIsDroppedByUpgradesOfTheProgram(t *testing.T) {
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	s, home := harness.NewServer(t), t.TempDir()
	config := func(name string) string {
		return s.WrappedCaddyfile(strings.Replace(harness.Station, "{", "{\n name "+name, 1))
	}
	first, _ := harness.RunProgram(t, programs[1], home, config("0"))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	sources := []*harness.Source{s.Source("/plain.mp3"), s.SourceOverTLS("/tls.mp3"), s.SourceOver(harness.HTTP2, "/h2.mp3")}
	paths := []string{"/plain.mp3", "/tls.mp3", "/h2.mp3"}
	stop := make(chan struct{})
	var done []<-chan struct{}
	for _, src := range sources {
		src.Send(100)
		done = append(done, src.Run(numbered.Duration, stop))
	}
	audiences := make([][]*harness.Listener, len(sources))
	join := func() {
		for i, path := range paths {
			for _, way := range slices.Concat(harness.Ways, harness.Ways) {
				if way.Kind != harness.HTTP3 { // its packets come to the socket of the new process
					audiences[i] = append(audiences[i], s.Listen(path, way.Kind, way.Encrypted))
				}
			}
		}
	}
	join()
	for i := range upgrades {
		s.UpgradeTo(programs[i%len(programs)])
		join()
		if err := s.ReloadCaddyfile(config(fmt.Sprint(i + 1))); err != nil {
			t.Fatal(err)
		}
		harness.WaitForMoreBytes(slices.Concat(audiences...), 20*numbered.MaxFrame)
		for i, path := range paths {
			s.WaitForListeners(path, len(audiences[i]))
		}
	}
	close(stop)
	for i, src := range sources {
		<-done[i]
		src.Finish()
		for _, l := range audiences[i] {
			if c := l.WaitForEnd(); c.Last != src.Next.Load()-1 || c.Rest() != 0 {
				t.Errorf("a listener of %s by %s: heard %d to %d of %d, and %d bytes", paths[i], l.Kind, c.First, c.Last, src.Next.Load()-1, c.Rest())
			}
		}
	}
	if err := harness.WaitForExit(t, first); err != nil {
		t.Error(err)
	}
}

// A program that does not start, or has not this module, replaces nothing.
func TestAnUpgradeToABrokenProgramIsNotHeard(t *testing.T) {
	s, home := harness.NewServer(t), t.TempDir()
	process, _ := harness.RunProcess(t, home, s.Caddyfile(harness.Station))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	src := s.Source("/live.mp3")
	src.Send(100)
	stop := make(chan struct{})
	done := src.Run(numbered.Duration, stop)
	l := s.Listen("/live.mp3", harness.HTTP1, false)
	script := filepath.Join(home, "script")
	harness.WriteFile(t, script, "#!/bin/sh\nexit 3\n")
	harness.MakeExecutable(t, script)
	for _, program := range []string{script, filepath.Join(home, "missing"), "/bin/cat"} {
		out, err := exec.Command(binary.Caddy(t), "icecast", "upgrade", "--address", s.AdminAddress, "--binary", program).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(filepath.Base(program))) {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
		harness.WaitForMoreBytes([]*harness.Listener{l}, 20*numbered.MaxFrame)
	}
	s.UpgradeTo(binary.Caddycast(t))
	harness.WaitForMoreBytes([]*harness.Listener{l}, 20*numbered.MaxFrame)
	close(stop)
	<-done
	src.Finish()
	if c := l.WaitForEnd(); c.Last != src.Next.Load()-1 {
		t.Errorf("heard to %d", c.Last)
	}
	_ = process.Process.Signal(os.Interrupt)
}

// A relay goes on at the same frame; those who hear a file go on hearing it, and return to their source.
func TestRelaysAndFallbacksGoOnThroughAnUpgrade(t *testing.T) {
	master := harness.Start(t, harness.Station)
	far := master.Source("/far.mp3")
	far.Send(100)
	stop := make(chan struct{})
	done := far.Run(numbered.Duration, stop)
	file := harness.MakeMusic(t, "loop.mp3", 3, harness.MP3[1:]...)

	s, home := harness.NewServer(t), t.TempDir()
	config := s.WrappedCaddyfile(strings.Replace(harness.Station, "{", `{
	relay /relayed.mp3 http://`+master.Plain+`/far.mp3
	mount /show.mp3 {
		fallback file `+file+`
	}`, 1))
	process, _ := harness.RunProcess(t, home, config)
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	s.WaitForMount("/relayed.mp3")
	relayed := s.Listen("/relayed.mp3", harness.HTTP1, false)
	show := s.NumberedSource("/show.mp3", 1)
	all := []*harness.VerifyingListener{s.ListenVerifying("/show.mp3", harness.HTTP1, false), s.ListenVerifying("/show.mp3", harness.HTTP2, true)}
	harness.WaitForSource(t, "before", 1, all...)
	show.Down()
	harness.WaitForSource(t, "without the source", harness.OtherSource, all...)
	for _, program := range []string{binary.Caddycast(t), binary.Caddy(t)} {
		s.UpgradeTo(program)
		harness.WaitForMoreBytes([]*harness.Listener{relayed}, 40*numbered.MaxFrame)
		harness.WaitForSource(t, "without the source", harness.OtherSource, all...)
	}
	show.Up()
	harness.WaitForSource(t, "with the source again", 1, all...)
	show.Down()
	for _, l := range all {
		l.Stop()
		<-l.Ended
	}
	close(stop)
	<-done
	relayed.Stop()
	<-relayed.Done
	if c := &relayed.Checker; c.Frames < 100 {
		t.Errorf("the relay brought frames %d to %d: %v", c.First, c.Last, relayed.Err)
	}
	if err := harness.WaitForExit(t, process); err != nil {
		t.Error(err)
	}
}

// Listeners and sources of before an upgrade end once: when the newer process is killed.
func TestEndsAreDeliveredAfterAnUpgradeAndACrash(t *testing.T) {
	t.Parallel()
	s, home, e := harness.NewServer(t), t.TempDir(), harness.NewEndpoint(t, nil)
	station := strings.Replace(harness.Station, "{", "{\n on source_connected source_disconnected listener_added listener_removed webhook "+e.URL, 1)
	config := s.WrappedCaddyfile(station)
	older, _ := harness.RunProcess(t, home, config)
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	src := s.Source("/m")
	src.MayEnd = true
	src.Send(100)
	src.Run(numbered.Duration, nil)
	listeners := []*harness.Listener{s.Listen("/m", harness.HTTP1, false), s.Listen("/m", harness.HTTP2, true)}
	posted := func(what string, n int) string {
		return strings.Join(slices.DeleteFunc(e.Bodies("/", n), func(body string) bool { return !strings.Contains(body, what) }), "\n")
	}
	posted("", 3)
	pid := s.UpgradeTo(binary.Caddycast(t))
	harness.WaitForMoreBytes(listeners, 100*numbered.MaxFrame)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = older.Process.Kill()
	for _, l := range listeners {
		<-l.Done
	}
	harness.Eventually(t, "the ports are free", func() error {
		if s.Answers() == nil {
			return errors.New("somebody answers")
		}
		return nil
	})
	harness.RunProcess(t, home, config)
	ends := posted(`_removed"`, 6) + posted(`_disconnected"`, 6)
	if strings.Count(ends, `"reason":"crashed"`) != 3 || strings.Count(ends, `"id"`) != 3 {
		t.Errorf("the end events are\n%s", ends)
	}
}
