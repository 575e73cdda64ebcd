package hls_test

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A rewind on disk outlasts kill -9: the process after it has the same list before there is a
// source, with the same bytes, and goes on in it. ffmpeg plays it from its beginning over the seam.
func TestARewindOutlastsAKill(t *testing.T) {
	for _, mount := range []string{"/live.mp3", "/live.opus"} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			s, home := harness.NewServer(t), t.TempDir()
			config := s.Caddyfile(station("mount " + mount + " {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\tplaylist 3\n\t\t\trewind 10m disk " + home + "/rewind\n\t\t}\n\t}"))
			process, _ := harness.RunProcess(t, home, config)
			harness.Eventually(t, "the sites answer", s.AllAnswer)
			end := encode(t, s, mount)
			var before list
			harness.Eventually(t, "a list of ten segments", func() error {
				resp := get(t, s, mount+".m3u8?rewind")
				if resp.StatusCode != http.StatusOK {
					return answers(resp, http.StatusOK)
				}
				if before = load(t, s, enter(t, s, mount)); len(before.segments) > 3 {
					t.Fatalf("the ordinary list has %d segments", len(before.segments))
				}
				if before = load(t, s, mount+".hls/rewind.m3u8"); len(before.segments) < 10 {
					return fmt.Errorf("%d segments", len(before.segments))
				}
				return nil
			})
			bytes := make(map[string]string)
			for _, segment := range before.segments {
				at := mount + ".hls/" + segment.name
				bytes[at] = text(t, get(t, s, at))
			}
			if err := process.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = process.Wait()
			end()

			harness.RunProcess(t, home, config)
			harness.Eventually(t, "the sites answer", s.AllAnswer)
			entry := text(t, get(t, s, mount+".m3u8?rewind"))
			if !strings.Contains(entry, ".hls/rewind.m3u8?s=") || !strings.Contains(entry, "BANDWIDTH=") {
				t.Errorf("the entry is\n%s", entry)
			}
			after := load(t, s, mount+".hls/rewind.m3u8")
			if after.sequence > before.sequence || after.discontinuity != before.discontinuity || len(after.segments) < len(before.segments) || after.init != before.init {
				t.Fatalf("before the kill: %+v\nafter it: %+v", before, after)
			}
			for at, want := range bytes {
				if got := text(t, get(t, s, at)); got != want {
					t.Errorf("%s has %d bytes, and had %d", at, len(got), len(want))
				}
				resp := get(t, s, at, "Range", "bytes=1-9")
				if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusPartialContent || string(body) != want[1:10] {
					t.Errorf("a range of %s: %s, %q", at, resp.Status, body)
				}
			}
			encode(t, s, mount)
			harness.Eventually(t, "the list goes on", func() error {
				l := load(t, s, mount+".hls/rewind.m3u8")
				if n := len(l.segments) - len(after.segments); n < 5 {
					return fmt.Errorf("%d segments more", n)
				}
				for i, segment := range l.segments {
					if segment.mark != (i == len(after.segments)) {
						return fmt.Errorf("segment %d of %d, %d of before: marked %v", i, len(l.segments), len(after.segments), segment.mark)
					}
				}
				return nil
			})
			said, err := exec.Command(harness.Program(t, "ffmpeg"), "-v", "error", "-live_start_index", "0", "-t", "12", "-i", "http://"+s.Plain+mount+".m3u8?rewind",
				"-f", "s16le", "-ar", "48000", "-ac", "1", "-y", "/dev/null").CombinedOutput()
			if text := withoutStamps(string(said)); err != nil || text != "" {
				t.Errorf("ffmpeg: %v\n%s", err, text)
			}
		})
	}
}

// Delta updates, and a rewind in memory that a listener without one does not see.
func TestARewindInMemory(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\tplaylist 3\n\t\t\trewind 10m\n\t\t}\n\t}\n\tmount /plain.mp3 {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	feed(t, s, "/plain.mp3")
	var l list
	harness.Eventually(t, "a list that nobody has asked for", func() error {
		if l = load(t, s, "/live.mp3.hls/rewind.m3u8"); len(l.segments) < 9 {
			return fmt.Errorf("%d segments", len(l.segments))
		}
		return nil
	})
	if entry := text(t, get(t, s, "/plain.mp3.m3u8?rewind")); !strings.Contains(entry, ".hls/index.m3u8?s=") {
		t.Errorf("the entry of a mount without rewind is\n%s", entry)
	}
	if got := gunzip(t, get(t, s, "/live.mp3.hls/rewind.m3u8?_HLS_skip=YES", "Accept-Encoding", "gzip").Body); strings.Contains(got, "EXT-X-SKIP") || !strings.Contains(got, "#EXTINF") {
		t.Errorf("an update of a list that is short yet:\n%s", got)
	}
	s.WaitForListeners("/live.mp3", 1)
}
