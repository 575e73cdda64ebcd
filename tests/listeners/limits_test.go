package listeners

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// checkAnswer asks for a mount and checks the status, and what the answer says.
func checkAnswer(s *harness.Server, path string, status int, text string, header ...string) func() {
	s.T.Helper()
	resp, conn := harness.MustAsk(s.T, s.Plain, path, header...)
	var body []byte
	if resp.StatusCode != http.StatusOK {
		body, _ = io.ReadAll(resp.Body)
	}
	if resp.StatusCode != status || !strings.Contains(string(body), text) {
		s.T.Fatalf("GET %s %q is answered %s: %q, want %d with %q", path, header, resp.Status, body, status, text)
	}
	return func() { _ = conn.Close() }
}

// The frames are of 128 kbit/s.
func TestListenersBeyondTheBandwidthAreRefusedOrHearAFallback(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		relay_password pullme
		limits {
			bandwidth 660
		}
		mount /two.mp3 {
			max_bandwidth 260kbit/s
		}
		mount /falls.mp3 {
			max_bandwidth 0.13Mbit/s
			fallback_when_full
			fallback /two.mp3
		}
	}`)
	two, falls := s.Source("/two.mp3"), s.Source("/falls.mp3")
	two.Send(100)
	falls.Send(100)
	hasRead(s, "/two.mp3", 100)
	hasRead(s, "/falls.mp3", 100)
	first := checkAnswer(s, "/two.mp3", 200, "")
	checkAnswer(s, "/falls.mp3", 200, "")
	checkAnswer(s, "/falls.mp3", 200, "") // on /two.mp3
	checkAnswer(s, "/two.mp3", 403, "mount bandwidth reached")
	checkAnswer(s, "/falls.mp3", 403, "mount bandwidth reached")
	first()
	two.Send(100) // so that it is noticed that the first is gone
	harness.Eventually(t, "the place is free again", func() error {
		two.Send(1)
		resp, conn := harness.MustAsk(t, s.Plain, "/two.mp3")
		_ = conn.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})

	third := s.Source("/third.mp3")
	third.Send(100)
	hasRead(s, "/third.mp3", 100)
	harness.Eventually(t, "no listener is left on /two.mp3 but the one who fell back", func() error { return hearing(s, "/two.mp3", 1, two) })
	for range 3 {
		checkAnswer(s, "/third.mp3", 200, "")
	}
	checkAnswer(s, "/third.mp3", 403, "server bandwidth reached")
	checkAnswer(s, "/third.mp3", 200, "", harness.BasicAuth("relay", "pullme"))
}

// hasRead waits until a mount has that many frames of its source, and so knows its bitrate.
func hasRead(s *harness.Server, mount string, frames int) {
	s.T.Helper()
	harness.Eventually(s.T, fmt.Sprintf("%s has %d frames", mount, frames), func() error {
		if n := s.APIList("mounts?mount=" + mount)[0]["bytes_read"].(float64); int(n) < frames*(numbered.MaxFrame-1) {
			return fmt.Errorf("it has %.0f bytes", n)
		}
		return nil
	})
}

// hearing reports whether that many hear a mount, after having sent them a frame.
func hearing(s *harness.Server, path string, want int, src *harness.Source) error {
	src.Send(1)
	resp, err := http.Get("http://" + s.Plain + "/status-json.xsl?mount=" + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(body), fmt.Sprintf(`"listeners":%d,`, want)) {
		return fmt.Errorf("%s", body)
	}
	return nil
}

func TestListenersOfOneAddressAreLimited(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		limits {
			per_ip 2
		}
	}`+harness.TrustedProxies)
	src := s.Source("/m")
	src.Send(100)
	first := checkAnswer(s, "/m", 200, "", harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/m", 403, "max connections from this address reached", harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("192.0.2.2"))
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("2001:db8:0:1::1"))
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("2001:db8:0:1::2"))
	checkAnswer(s, "/m", 403, "max connections from this address reached", harness.ForwardedFor("2001:db8:0:1::3"))
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("2001:db8:0:2::1"))
	first()
	harness.Eventually(t, "five are left", func() error { return hearing(s, "/m", 5, src) })
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/m", 403, "max connections from this address reached", harness.ForwardedFor("192.0.2.1"))
}

func TestWhoIsDeniedGetsNothingOfTheStation(t *testing.T) {
	dir := t.TempDir()
	ips, agents := filepath.Join(dir, "deny-ip"), filepath.Join(dir, "deny-agents")
	s := harness.Start(t, fmt.Sprintf(`icecast {
		source_password hackme
		admin_password  letmein
		deny 192.0.2.0/24
		allow 192.0.2.7 127.0.0.1 198.51.100.0/24
		deny file %s
		deny agent "BadBot*"
		deny agent_file %s
		mount /x.mp3 {
			fallback standby
		}
	}`, ips, agents)+harness.TrustedProxies)
	src := s.Source("/m")
	const sorry = "You are not allowed here"
	checkAnswer(s, "/m", 403, sorry, harness.ForwardedFor("192.0.2.1")) // it has not sent anything yet
	src.Send(100)
	checkAnswer(s, "/m", 403, sorry, harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/m", 403, sorry, harness.ForwardedFor("203.0.113.1"))
	checkAnswer(s, "/m", 403, sorry, "User-Agent: badbot/1.0\r\n")
	checkAnswer(s, "/x.mp3", 403, sorry, harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/status-json.xsl", 403, sorry, harness.ForwardedFor("192.0.2.1"))
	checkAnswer(s, "/nothing", 404, "", harness.ForwardedFor("192.0.2.1"))
	for _, ask := range []string{"GET /", "GET /events", "GET /admin/stats", "POST /admin/metadata?mount=/m&mode=updinfo&song=x", "STATS /"} {
		if resp, _ := harness.SendHead(t, s.Dial(false), ask+" HTTP/1.0\r\n"+harness.ForwardedFor("192.0.2.1")+harness.BasicAuth("admin", "letmein")+"\r\n"); resp.StatusCode != 403 {
			t.Errorf("%s is answered %s", ask, resp.Status)
		}
	}
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("192.0.2.7"))
	checkAnswer(s, "/m", 200, "", "User-Agent: GoodBot/1.0\r\n")
	resp, _ := harness.SendHead(t, s.Dial(false), "SOURCE /n HTTP/1.0\r\n"+harness.ForwardedFor("192.0.2.1")+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != 403 {
		t.Errorf("a source is answered %s", resp.Status)
	}

	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("198.51.100.9"))
	for file, text := range map[string]string{ips: "198.51.100.9\n", agents: "GoodBot*\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	harness.Eventually(t, "files that have come are read", func() error {
		for _, field := range []string{harness.ForwardedFor("198.51.100.9"), "User-Agent: GoodBot/1.0\r\n"} {
			resp, conn := harness.MustAsk(t, s.Plain, "/m", field)
			_ = conn.Close()
			if resp.StatusCode != 403 {
				return fmt.Errorf("%q is answered %s", field, resp.Status)
			}
		}
		return nil
	})
	checkAnswer(s, "/m", 200, "", harness.ForwardedFor("198.51.100.8"))
}
