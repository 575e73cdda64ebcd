package hooks

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// runServer runs a Caddyfile in a process of its own, whose home is a folder.
func runServer(s *harness.Server, caddyfile, home string) *exec.Cmd {
	s.T.Helper()
	cmd, _ := harness.RunProcess(s.T, home, caddyfile)
	harness.Eventually(s.T, "the server answers", s.Answers)
	return cmd
}

// TestAServerThatIsBackTellsWhatItCouldNotTellBefore ends a server, politely and
// not, while the endpoint hangs or fails, and starts it again on the same storage.
func TestAServerThatIsBackTellsWhatItCouldNotTellBefore(t *testing.T) {
	const listeners = 10
	hang := make(chan struct{})
	for _, c := range []struct {
		name   string
		signal os.Signal
		before bool // the listeners leave before the end, and not by it
		answer func(http.ResponseWriter, harness.Post) bool
	}{
		{"ended while the endpoint hangs", syscall.SIGTERM, false, func(http.ResponseWriter, harness.Post) bool {
			<-hang
			return false
		}},
		{"killed while the endpoint fails", syscall.SIGKILL, true, func(w http.ResponseWriter, _ harness.Post) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			e := harness.NewEndpoint(t, harness.Allow)
			s := &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}
			config := fmt.Sprintf("{\n\tadmin %s\n\tauto_https off\n\t%s\n}\nhttp://:%s {\n\tbind 127.0.0.1\n\ticecast\n}\n",
				s.AdminAddress, urlAuth(e.URL), harness.Port(s.Plain))
			cmd := runServer(s, config, dir)
			src := s.Source("/live.mp3")
			src.Send(50)
			var there []*http.Response
			for range listeners {
				resp := s.Get("/live.mp3", "bob", "x")
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("a listener is answered %s", resp.Status)
				}
				there = append(there, resp)
			}
			e.SetAnswer(c.answer)
			if c.before {
				src.Finish()
				for _, resp := range there {
					_ = resp.Body.Close()
				}
				harness.Eventually(t, "what is to be told is kept", func() error {
					kept, _ := filepath.Glob(filepath.Join(dir, "caddy", "icecast", "hooks", "*", "*", "*.json"))
					n := 0
					for _, path := range kept {
						text, _ := harness.TryReadFile(path)
						n += strings.Count(text, "listener_removed")
					}
					if n == listeners {
						return nil
					}
					return fmt.Errorf("there are %d events in %d files", n, len(kept))
				})
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_, _ = cmd.Process.Wait()
			e.SetAnswer(harness.Allow)
			runServer(s, config, dir)
			if c.signal == syscall.SIGTERM {
				close(hang)
			}
			gone := make(map[string]int)
			for _, body := range e.Bodies("/remove", listeners) {
				gone[harness.Post{Body: body}.Form(t).Get("client")]++
			}
			for client, n := range gone {
				if n > 1 {
					t.Errorf("of listener %s it was told %d times", client, n)
				}
			}
			if len(gone) != listeners {
				t.Errorf("it was told of %d listeners", len(gone))
			}
			if down := e.Bodies("/down", 1); len(down) != 1 {
				t.Errorf("of the source it was told %d times", len(down))
			}
		})
	}
}
