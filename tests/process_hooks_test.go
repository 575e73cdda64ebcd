package tests

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// run starts Caddy with a Caddyfile in a process of its own, whose home is dir.
func (s *server) run(binary, caddyfile, dir string) *exec.Cmd {
	s.t.Helper()
	path := filepath.Join(dir, "Caddyfile")
	write(s.t, path, caddyfile)
	cmd := exec.Command(binary, "run", "--config", path)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
	})
	eventually(s.t, "it answers", func() error {
		resp, err := http.Get("http://" + s.plain + "/status-json.xsl")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	})
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
		answer func(http.ResponseWriter, post) bool
	}{
		{"ended while the endpoint hangs", syscall.SIGTERM, false, func(http.ResponseWriter, post) bool {
			<-hang
			return false
		}},
		{"killed while the endpoint fails", syscall.SIGKILL, true, func(w http.ResponseWriter, _ post) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			binary, dir := caddyBinary(t), t.TempDir()
			e := newEndpoint(t, yes)
			s := &server{t: t, plain: freeAddress(t), admin: freeAddress(t)}
			config := fmt.Sprintf("{\n\tadmin %s\n\tauto_https off\n\t%s\n}\nhttp://:%s {\n\tbind 127.0.0.1\n\ticecast\n}\n",
				s.admin, urlAuth(e.URL), port(s.plain))
			cmd := s.run(binary, config, dir)
			src := s.source("/live.mp3")
			src.send(50)
			var there []*http.Response
			for range listeners {
				resp := s.get("/live.mp3", "bob", "x")
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("a listener is answered %s", resp.Status)
				}
				there = append(there, resp)
			}
			e.behave(c.answer)
			if c.before {
				src.finish()
				for _, resp := range there {
					_ = resp.Body.Close()
				}
				eventually(t, "what is to be told is kept", func() error {
					kept, _ := filepath.Glob(filepath.Join(dir, "caddy", "icecast", "hooks", "*", "*", "*.json"))
					for _, path := range kept {
						if text, _ := readFile(path); strings.Count(text, "listener_removed") == listeners {
							return nil
						}
					}
					return fmt.Errorf("there are %d files", len(kept))
				})
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_, _ = cmd.Process.Wait()
			e.behave(yes)
			s.run(binary, config, dir)
			if c.signal == syscall.SIGTERM {
				close(hang)
			}
			gone := make(map[string]int)
			for _, body := range e.bodies("/remove", listeners) {
				gone[post{body: body}.form(t).Get("client")]++
			}
			for client, n := range gone {
				if n > 1 {
					t.Errorf("of listener %s it was told %d times", client, n)
				}
			}
			if len(gone) != listeners {
				t.Errorf("it was told of %d listeners", len(gone))
			}
			if down := e.bodies("/down", 1); len(down) != 1 {
				t.Errorf("of the source it was told %d times", len(down))
			}
		})
	}
}
