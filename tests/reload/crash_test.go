package reload

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// crashes is how often the process is killed.
const crashes = 50

// A process is killed again and again, at any moment, while it records, delivers events and loads
// configurations. Each recording is whole, and each delivered begin has its end.
func TestAKilledProcessLeavesWholeRecordingsAndCompleteEvents(t *testing.T) {
	t.Parallel()
	s, home, e := harness.NewServer(t), t.TempDir(), harness.NewEndpoint(t, nil)
	config := func(n int) string {
		return fmt.Sprintf(`{
	admin %s
	icecast {
		name %d
		source_password hackme
		on source_connected source_disconnected listener_added listener_removed webhook %s/event
		mount /m {
			dump %s/rec/live.mp3
		}
	}
}
http://:%s {
	bind 127.0.0.1
	icecast
}
`, s.AdminAddress, n, e.URL, home, harness.Port(s.Plain))
	}
	for n := range crashes + 1 {
		process, listener := runUntilRecorded(t, s, home, config(2*n), n)
		var loading chan struct{}
		if n%2 == 1 {
			loading = make(chan struct{})
			go func() {
				defer close(loading)
				if resp, err := http.Post("http://"+s.AdminAddress+"/load", "text/caddyfile", strings.NewReader(config(2*n+1))); err == nil {
					_ = resp.Body.Close()
				}
			}()
		}
		listener.WaitForBytes(rand.Int64N(100 * numbered.MaxFrame)) // the moment of the end is what is tried
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = process.Process.Wait()
		if loading != nil {
			<-loading
		}
	}
	harness.RunProcess(t, home, config(0))
	harness.Eventually(t, "all ends are delivered", func() error { return checkEvents(e.All()) })
	if err := checkRecordings(home, crashes); err != nil { // that of the last process is completed with the next one
		t.Error(err)
	}
}

// runUntilRecorded runs the server with a source and listeners until it records. The listener is one
// that stays.
func runUntilRecorded(t *testing.T, s *harness.Server, home, config string, n int) (process *exec.Cmd, listener *harness.Listener) {
	t.Helper()
	process, _ = harness.RunProcess(t, home, config)
	harness.Eventually(t, "the server answers", s.Answers)
	src := s.Source("/m")
	src.MayEnd = true
	src.Send(10)
	src.Run(numbered.Duration/4, nil)
	for range 2 {
		s.Listen("/m", harness.HTTP1, false).Stop()
		listener = s.Listen("/m", harness.HTTP1, false)
	}
	harness.Eventually(t, "it is recorded", func() error {
		left, _ := filepath.Glob(home + "/rec/*.part")
		whole, _ := filepath.Glob(home + "/rec/*.mp3")
		if len(left) != 1 || len(whole) != n {
			return fmt.Errorf("%d files in progress and %d whole ones", len(left), len(whole))
		}
		info, err := os.Stat(left[0])
		if err == nil && info.Size() == 0 {
			return errors.New("it is empty")
		}
		return err
	})
	return process, listener
}

// checkRecordings checks that there are so many recordings, all of whole frames.
func checkRecordings(home string, n int) error {
	all, _ := filepath.Glob(home + "/rec/*.mp3")
	if len(all) != n {
		return fmt.Errorf("there are %d; want %d", len(all), n)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var c numbered.Checker
		if _, err = c.Write(text); c.Frames == 0 || c.Rest() != 0 {
			return fmt.Errorf("%s has %d frames and %d bytes: %w", filepath.Base(path), c.Frames, c.Rest(), err)
		}
	}
	return nil
}

// checkEvents checks that each listener, and each source, has a begin event and then an end event,
// each with one ID.
func checkEvents(posts []harness.Post) error {
	ids := make(map[string]string)  // of events, by what they are about
	here := make(map[string]string) // of begins without an end
	crashed := 0
	for _, p := range posts {
		var e struct {
			ID, Event, Mount, Reason string
			Client                   int64
		}
		if err := json.Unmarshal([]byte(p.Body), &e); err != nil {
			return fmt.Errorf("%w: %s", err, p.Body)
		}
		who := fmt.Sprint(e.Client)
		if e.Client == 0 {
			who = e.Mount
		}
		key := e.Event + " " + who
		again := ids[key] == e.ID
		if ids[key] != "" && !again && e.Client != 0 {
			return fmt.Errorf("%s is delivered twice, as %s and %s", key, ids[key], e.ID)
		}
		ids[key] = e.ID
		if e.Reason == "crashed" {
			crashed++
		}
		begins := e.Event == "listener_added" || e.Event == "source_connected"
		switch _, known := here[who]; {
		case again:
		case begins && known:
			return fmt.Errorf("%s, which has not ended, begins again: %s", who, p.Body)
		case begins:
			here[who] = e.ID
		case !known && e.Reason != "crashed": // a crash may come before the begin is delivered
			return fmt.Errorf("the end of %s comes before its begin: %s", who, p.Body)
		default:
			delete(here, who)
		}
	}
	if len(here) > 0 {
		return fmt.Errorf("%d have no end: %v", len(here), here)
	}
	if crashed < crashes {
		return fmt.Errorf("only %d ends by a crash are delivered", crashed)
	}
	return nil
}
