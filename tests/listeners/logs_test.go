package listeners

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// The audience of a mount is logged when the process ends, and each hour before that.
func TestTheAudienceIsTold(t *testing.T) {
	s := harness.Start(t, harness.Station+harness.TrustedProxies)
	src := s.Source("/live.mp3")
	src.Send(100)
	const vlc = "User-Agent: VLC/3.0.24 LibVLC/3.0.24\r\n"
	for _, field := range []string{harness.ForwardedFor("192.0.2.1") + vlc, harness.ForwardedFor("192.0.2.1") + vlc, harness.ForwardedFor("192.0.2.2"), harness.ForwardedFor("192.0.2.2")} {
		checkAnswer(s, "/live.mp3", 200, "", field)
	}
	harness.StopCaddy(t)
	line := s.WaitForLog(map[string]any{
		"logger": "icecast.audience", "mount": "/live.mp3", "day": time.Now().Format(time.DateOnly),
		"sessions": 3, "peak": 3, "uniques": 2, "listeners": 0, "over": false,
	})
	if _, ok := line["listener_seconds"].(float64); !ok {
		t.Errorf("the line is %v", line)
	}
}

func TestLogsAreAsIcecastsWithAddressesMasked(t *testing.T) {
	dir := t.TempDir()
	s := harness.Start(t, harness.Station+fmt.Sprintf(`
	log listeners {
		include icecast.access
		output file %[1]s/access.log
		format filter {
			wrap icecast
			fields {
				client_ip ip_mask 24 48
			}
		}
	}
	log hashed {
		include icecast.access
		output file %[1]s/hashed.log
		format filter {
			wrap json
			fields {
				client_ip hash
			}
		}
	}
	log titles {
		include icecast.playlist
		output file %[1]s/playlist.log
		format icecast
	}
	log all {
		exclude icecast.access icecast.playlist
		output file %[1]s/error.log
		format icecast
	}`, dir)+harness.TrustedProxies)
	src := s.Source("/live.mp3")
	src.Send(100)
	checkAnswer(s, "/live.mp3", 200, "", harness.ForwardedFor("192.0.2.77"), "User-Agent: A \"player\"\r\n", "Referer: http://x/\r\n")
	s.SetTitleAsAdmin("/live.mp3", "Ärtist - %22Title%22%0a%7Cx")
	src.Finish()
	for name, want := range map[string]string{
		"access.log":   `^192\.0\.2\.0 - - \[../.../....:..:..:.. .....\] "GET /live\.mp3 HTTP/1\.1" 200 [0-9]{5} "http://x/" "A \\"player\\"" [0-9]+\n$`,
		"hashed.log":   `"client_ip":"[0-9a-f]{8}"`,
		"playlist.log": `^../.../....:..:..:.. .....\|/live\.mp3\|1\|Ärtist - "Title" ?\|x\n$`,
		"error.log":    `(?m)^\[....-..-..  ..:..:..\] INFO icecast source connected client_ip=127\.0\.0\.1 mount=/live\.mp3 user_agent=""$`,
	} {
		harness.Eventually(t, name+" has its line", func() error {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			if !regexp.MustCompile(want).Match(text) {
				return fmt.Errorf("it holds %s", text)
			}
			if strings.Contains(string(text), "192.0.2.77") {
				t.Fatalf("%s holds the address: %s", name, text)
			}
			return nil
		})
	}
}
