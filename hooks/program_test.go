//go:build unix

package hooks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// script makes a program of a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	// A process that is forked meanwhile would have the file open, and it could not be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAProgramGetsTheEventAsDataOnly(t *testing.T) {
	log, _ := logged()
	out := filepath.Join(t.TempDir(), "out")
	hostile := "$(id) `id` \"; rm -rf / #' && \x00 \r\n | ü"
	e := NewEvent(MetadataUpdated, "/m "+hostile[:6], Text("song", hostile), Text("IFS", "x"))
	e.Node, e.Station = "node", "day"
	p := &Program{Path: script(t, `printf '%s\n' "$#" "$@" "$ICECAST_SONG" "$ICECAST_MOUNT" "$ICECAST_EVENT" "$ICECAST_STATION" "$ICECAST_ID" > '`+out+"'"), Log: log}
	if err := p.Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	song := "$(id) `id` \"; rm -rf / #' &&     | ü"
	want := strings.Join([]string{"1", e.Mount, e.Get("song"), e.Mount, "metadata_updated", "day", e.ID, ""}, "\n")
	if got, _ := os.ReadFile(out); string(got) != want || strings.Join(strings.Fields(e.Get("song")), " ") != strings.Join(strings.Fields(song), " ") {
		t.Errorf("it got\n%s\nwant\n%s", got, want)
	}
	p.Args = func(e *Event) []string { return []string{"a b", "", e.Get("song")} }
	if err := p.Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(out); !strings.HasPrefix(string(got), "3\na b\n\n"+e.Get("song")+"\n") {
		t.Errorf("with arguments it got\n%s", got)
	}
}

func TestTheEndOfAProgramIsLogged(t *testing.T) {
	for _, c := range []struct {
		name, script, err, output string
	}{
		{"well", "echo fine; echo '\x1b[31m' >&2", "", "fine\n[31m"},
		{"with a code", "exit 3", "exit status 3", ""},
		{"by a signal", "kill -9 $$", "signal: killed", ""},
		{"with 10 MB of output", "head -c 10000000 /dev/zero | tr '\\0' x", "", "(and 9991808 more bytes)"},
		{"leaving something in the background", "sleep 2 & echo left", "", "left"},
		{"reading what nobody writes", "cat; echo read", "", "read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, lines := logged()
			p := &Program{Path: script(t, c.script), Log: log, Timeout: 20 * time.Second}
			began := time.Now()
			err := p.Run(t.Context(), NewEvent(SourceConnected, "/m"))
			if got := errorText(err); got != c.err {
				t.Errorf("it ended with %q, want %q", got, c.err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			said := lines.All()
			if len(said) != 1 || !strings.Contains(said[0].ContextMap()["output"].(string), c.output) || len(said[0].ContextMap()["output"].(string)) > maxOutput+100 {
				t.Errorf("logged was %v", said)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAProgramThatIsNotThereIsAnError(t *testing.T) {
	log, _ := logged()
	noProgram := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(noProgram, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/no/such/program", "nosuchprogram-caddycast", noProgram, t.TempDir()} {
		if err := (&Program{Path: path, Log: log}).Run(t.Context(), NewEvent(SourceConnected, "/m")); err == nil {
			t.Errorf("%s ran", path)
		}
	}
}

// TestAProgramThatHangsIsEndedWithAllThatItStarted runs programs that ignore what
// asks them to end, and have children that do, too.
func TestAProgramThatHangsIsEndedWithAllThatItStarted(t *testing.T) {
	for name, text := range map[string]string{
		"it hangs":                              "echo $$; exec sleep 1000",
		"it ignores TERM":                       "trap '' TERM; echo $$; while :; do sleep 1000; done",
		"its children hang":                     "sleep 1000 & sleep 1000 & echo $$; wait",
		"its children ignore TERM, it does not": "(trap '' TERM; while :; do sleep 1; done) & echo $$; exec sleep 1000",
		"it prints for ever":                    "echo $$; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, lines := logged()
			p := &Program{Path: script(t, text), Log: log, Timeout: 300 * time.Millisecond, grace: 300 * time.Millisecond}
			err := p.Run(t.Context(), NewEvent(SourceConnected, "/m"))
			if want := "program terminated; its timeout is 300ms"; errorText(err) != want {
				t.Fatalf("it ended with %q, want %q", errorText(err), want)
			}
			group := 0
			for _, c := range strings.TrimSpace(strings.SplitN(lines.All()[0].ContextMap()["output"].(string), "\n", 2)[0]) {
				group = group*10 + int(c-'0')
			}
			if group <= 1 {
				t.Fatalf("no process group was printed: %v", lines.All())
			}
			// Killed programs exist until init has reaped them.
			eventually.True(t, 5*time.Second, fmt.Sprintf("nothing of group %d is left", group), func() bool {
				return syscall.Kill(-group, 0) != nil
			})
		})
	}
}

// The end of a group is noticed when it comes, and what ends slowly has all its time.
func TestTheEndOfAGroupIsAwaitedWithoutPolling(t *testing.T) {
	for name, text := range map[string]string{
		"of one process":                         "exec sleep 1000",
		"of one process that takes its time":     "trap 'sleep 0.3; exit' TERM; while :; do sleep 1000 & wait; done",
		"of a program and what it has started":   "sleep 1000 & sleep 1000 & wait",
		"of what outlives the program":           "(trap 'sleep 0.3; exit' TERM; while :; do sleep 1000 & wait; done) & exec sleep 1000",
		"of what outlives it without its output": "(trap 'sleep 0.3; touch \"$0.done\"; exit' TERM; while :; do sleep 1000 & wait; done) >/dev/null 2>&1 & exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, _ := logged()
			looks := 0
			p := &Program{Path: script(t, text), Log: log, Timeout: 200 * time.Millisecond, grace: 20 * time.Second}
			p.alive = func(proc *os.Process) bool { looks++; return isAlive(proc) }
			slow := strings.Contains(text, "touch")
			if slow {
				p.grace = time.Second
			}
			began := time.Now()
			err := p.Run(t.Context(), NewEvent(SourceConnected, "/m"))
			if took := time.Since(began); errorText(err) != "program terminated; its timeout is 200ms" || took > 10*time.Second || looks > 2 {
				t.Errorf("it ended with %v after %v; the group was looked at %d times", err, took, looks)
			}
			if _, err := os.Stat(p.Path + ".done"); slow && err != nil {
				t.Errorf("it was killed before its time: %v", err)
			}
			p.Wait()
		})
	}
}

func TestAProgramGoesOnAfterOurEnd(t *testing.T) {
	log, _ := logged()
	out := filepath.Join(t.TempDir(), "out")
	p := &Program{Path: script(t, "sleep 0.5; echo done > '"+out+"'"), Log: log, Timeout: time.Minute}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Run(ctx, NewEvent(SourceDisconnected, "/m")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
	p.Wait()
	if got, err := os.ReadFile(out); string(got) != "done\n" {
		t.Fatalf("it did not go on: %q, %v", got, err)
	}
}

// What a program has left behind may print for as long as it likes.
func TestWhatAProgramLeavesBehindGoesOn(t *testing.T) {
	log, _ := logged()
	alive := filepath.Join(t.TempDir(), "alive")
	p := &Program{Path: script(t, "(sleep 0.5; echo one; echo two; touch '"+alive+"') &\nexit 0"), Log: log}
	if err := p.Run(t.Context(), NewEvent(SourceConnected, "/m")); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	if _, err := os.Stat(alive); err != nil {
		t.Fatalf("it was ended: %v", err)
	}
}
