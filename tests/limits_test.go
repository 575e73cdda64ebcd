package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
)

// wants asks for a mount and checks the status, and what the answer says.
func (s *server) wants(path string, status int, text string, header ...string) func() {
	s.t.Helper()
	resp, conn := asked(s.t, s.plain, path, header...)
	var body []byte
	if resp.StatusCode != http.StatusOK {
		body, _ = io.ReadAll(resp.Body)
	}
	if resp.StatusCode != status || !strings.Contains(string(body), text) {
		s.t.Fatalf("GET %s %q is answered %s: %q, want %d with %q", path, header, resp.Status, body, status, text)
	}
	return func() { _ = conn.Close() }
}

// trusting makes a server believe what is said of the client's address.
const trusting = "\nservers {\ntrusted_proxies static 127.0.0.0/8\n}"

// from is a field by which a trusted proxy tells for whom it asks.
func from(ip string) string { return "X-Forwarded-For: " + ip + "\r\n" }

// The frames are of 128 kbit/s.
func TestListenersBeyondTheBandwidthAreRefusedOrHearAFallback(t *testing.T) {
	s := start(t, `icecast {
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
	two, falls := s.source("/two.mp3"), s.source("/falls.mp3")
	two.send(100)
	falls.send(100)
	s.hasRead("/two.mp3", 100)
	s.hasRead("/falls.mp3", 100)
	first := s.wants("/two.mp3", 200, "")
	s.wants("/falls.mp3", 200, "")
	s.wants("/falls.mp3", 200, "") // on /two.mp3
	s.wants("/two.mp3", 403, "mount bandwidth reached")
	s.wants("/falls.mp3", 403, "mount bandwidth reached")
	first()
	two.send(100) // so that it is noticed that the first is gone
	eventually(t, "the place is free again", func() error {
		two.send(1)
		resp, conn := asked(t, s.plain, "/two.mp3")
		_ = conn.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})

	third := s.source("/third.mp3")
	third.send(100)
	s.hasRead("/third.mp3", 100)
	eventually(t, "no listener is left on /two.mp3 but the one who fell back", func() error { return s.hearing("/two.mp3", 1, two) })
	for range 3 {
		s.wants("/third.mp3", 200, "")
	}
	s.wants("/third.mp3", 403, "server bandwidth reached")
	s.wants("/third.mp3", 200, "", basic("relay", "pullme"))
}

// hasRead waits until a mount has that many frames of its source, and so knows its bitrate.
func (s *server) hasRead(mount string, frames int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s has %d frames", mount, frames), func() error {
		if n := s.apiList("mounts?mount=" + mount)[0]["bytes_read"].(float64); int(n) < frames*(numbered.MaxFrame-1) {
			return fmt.Errorf("it has %.0f bytes", n)
		}
		return nil
	})
}

// hearing tells whether that many hear a mount, after having sent them a frame.
func (s *server) hearing(path string, want int, src *transmitter) error {
	src.send(1)
	resp, err := http.Get("http://" + s.plain + "/status-json.xsl?mount=" + path)
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
	s := start(t, `icecast {
		source_password hackme
		limits {
			per_ip 2
		}
	}`+trusting)
	src := s.source("/m")
	src.send(100)
	first := s.wants("/m", 200, "", from("192.0.2.1"))
	s.wants("/m", 200, "", from("192.0.2.1"))
	s.wants("/m", 403, "max connections from this address reached", from("192.0.2.1"))
	s.wants("/m", 200, "", from("192.0.2.2"))
	s.wants("/m", 200, "", from("2001:db8:0:1::1"))
	s.wants("/m", 200, "", from("2001:db8:0:1::2"))
	s.wants("/m", 403, "max connections from this address reached", from("2001:db8:0:1::3"))
	s.wants("/m", 200, "", from("2001:db8:0:2::1"))
	first()
	eventually(t, "five are left", func() error { return s.hearing("/m", 5, src) })
	s.wants("/m", 200, "", from("192.0.2.1"))
	s.wants("/m", 403, "max connections from this address reached", from("192.0.2.1"))
}

func TestWhoIsDeniedGetsNothingOfTheStation(t *testing.T) {
	dir := t.TempDir()
	ips, agents := filepath.Join(dir, "deny-ip"), filepath.Join(dir, "deny-agents")
	s := start(t, fmt.Sprintf(`icecast {
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
	}`, ips, agents)+trusting)
	src := s.source("/m")
	const sorry = "You are not allowed here"
	s.wants("/m", 403, sorry, from("192.0.2.1")) // it has not sent anything yet
	src.send(100)
	s.wants("/m", 403, sorry, from("192.0.2.1"))
	s.wants("/m", 403, sorry, from("203.0.113.1"))
	s.wants("/m", 403, sorry, "User-Agent: badbot/1.0\r\n")
	s.wants("/x.mp3", 403, sorry, from("192.0.2.1"))
	s.wants("/status-json.xsl", 403, sorry, from("192.0.2.1"))
	s.wants("/nothing", 404, "", from("192.0.2.1"))
	for _, ask := range []string{"GET /", "GET /events", "GET /admin/stats", "POST /admin/metadata?mount=/m&mode=updinfo&song=x", "STATS /"} {
		if resp, _ := head(t, s.dial(false), ask+" HTTP/1.0\r\n"+from("192.0.2.1")+basic("admin", "letmein")+"\r\n"); resp.StatusCode != 403 {
			t.Errorf("%s is answered %s", ask, resp.Status)
		}
	}
	s.wants("/m", 200, "", from("192.0.2.7"))
	s.wants("/m", 200, "", "User-Agent: GoodBot/1.0\r\n")
	resp, _ := head(t, s.dial(false), "SOURCE /n HTTP/1.0\r\n"+from("192.0.2.1")+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != 403 {
		t.Errorf("a source is answered %s", resp.Status)
	}

	s.wants("/m", 200, "", from("198.51.100.9"))
	for file, text := range map[string]string{ips: "198.51.100.9\n", agents: "GoodBot*\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "files that have come are read", func() error {
		for _, field := range []string{from("198.51.100.9"), "User-Agent: GoodBot/1.0\r\n"} {
			resp, conn := asked(t, s.plain, "/m", field)
			_ = conn.Close()
			if resp.StatusCode != 403 {
				return fmt.Errorf("%q is answered %s", field, resp.Status)
			}
		}
		return nil
	})
	s.wants("/m", 200, "", from("198.51.100.8"))
}
