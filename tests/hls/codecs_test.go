package hls_test

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// ffmpeg plays each codec from its entry, in the container that HLS has for it.
func TestEveryCodecPlaysByHLS(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\thls {\n\t\t\tsegment 1s\n\t\t}\n\t\tlinger 1m\n\t}\n\tmount /fmp4.aac {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\tcontainer fmp4\n\t\t}\n\t}"))
	tone := []string{"-f", "lavfi", "-i", harness.Tone}
	for mount, c := range map[string]struct {
		contentType, codec, ending string
		args                       []string
	}{
		"/live.mp3":  {"audio/mpeg", "mp3", ".mp3", []string{"-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"}},
		"/live.aac":  {"audio/aac", "aac", ".aac", []string{"-c:a", "aac", "-b:a", "96k", "-f", "adts"}},
		"/fmp4.aac":  {"audio/aac", "aac", ".m4s", []string{"-c:a", "aac", "-b:a", "96k", "-f", "adts"}},
		"/live.opus": {"application/ogg", "opus", ".m4s", []string{"-c:a", "libopus", "-b:a", "64k", "-page_duration", "20000", "-f", "ogg"}},
		"/live.oga":  {"application/ogg", "flac", ".m4s", []string{"-c:a", "flac", "-f", "ogg"}},
		"/live.flac": {"audio/flac", "flac", ".m4s", []string{"-c:a", "flac", "-f", "flac"}},
		"/live.webm": {"audio/webm", "opus", ".m4s", []string{"-c:a", "libopus", "-b:a", "64k", "-f", "webm", "-cluster_time_limit", "500"}},
		"/live.ts":   {"video/mp2t", "aac", ".ts", []string{"-c:a", "aac", "-b:a", "96k", "-f", "mpegts"}},
	} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			wait := harness.ByFFmpegFor(10, c.contentType, append(tone, c.args...)...)(t, s, mount)
			harness.Eventually(t, "the entry is there", func() error { return answers(get(t, s, mount+".m3u8"), http.StatusOK) })
			l := load(t, s, enter(t, s, mount))
			if name := l.segments[0].name; !strings.HasSuffix(name, c.ending) {
				t.Errorf("segments are named %s, want …%s", name, c.ending)
			}
			out, err := exec.Command(harness.Program(t, "ffprobe"), "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
				"http://"+s.Plain+mount+".m3u8").CombinedOutput()
			if name, _, _ := strings.Cut(string(out), "\n"); err != nil || strings.Trim(name, ",\r") != c.codec {
				t.Errorf("ffprobe sees %q, want %s: %v", out, c.codec, err)
			}
			said, err := exec.Command(harness.Program(t, "ffmpeg"), "-v", "error", "-t", "4", "-i", "http://"+s.Plain+mount+".m3u8",
				"-t", "3", "-f", "s16le", "-ar", "48000", "-ac", "1", "/dev/null", "-y").CombinedOutput()
			if text := withoutStamps(string(said)); err != nil || text != "" {
				t.Errorf("ffmpeg: %v\n%s", err, text)
			}
			_ = wait()
		})
	}
}

// withoutStamps leaves out what ffmpeg says of MP3, of which it takes the stamp of a segment for
// that of a frame before it.
func withoutStamps(said string) string {
	var kept strings.Builder
	for line := range strings.Lines(said) {
		if !strings.Contains(line, "non monotonically increasing dts") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Codecs without a container are 404, with the reason, and the stream itself is unharmed.
func TestCodecsWithoutAContainerAreNotFound(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\thls\n\t}"))
	picture := []string{"-f", "lavfi", "-i", "testsrc=size=64x64:rate=10"}
	for mount, c := range map[string]struct {
		contentType, codec string
		args               []string
	}{
		"/live.ogg": {"application/ogg", "Vorbis", []string{"-c:a", "libvorbis", "-f", "ogg"}},
		"/live.spx": {"application/ogg", "Speex", []string{"-ar", "16000", "-c:a", "libspeex", "-f", "ogg"}},
		"/live.ogv": {"application/ogg", "an Ogg stream of 2", append(picture, "-c:v", "libtheora", "-c:a", "libvorbis", "-f", "ogg")},
		"/mute.ogv": {"application/ogg", "Theora", append(picture, "-map", "1:v", "-c:v", "libtheora", "-f", "ogg")},
		"/live.mp2": {"audio/mpeg", "MPEG audio layer 2", []string{"-c:a", "mp2", "-f", "mp2"}},
		"/live.ts":  {"video/mp2t", "MPEG-TS with pictures", append(picture, "-c:v", "libx264", "-g", "10", "-c:a", "aac", "-f", "mpegts")},
	} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			harness.ByFFmpegFor(20, c.contentType, append([]string{"-f", "lavfi", "-i", harness.Tone}, c.args...)...)(t, s, mount)
			harness.Eventually(t, "the stream is there", func() error {
				resp, err := http.Head("http://" + s.Plain + mount)
				if err != nil {
					return err
				}
				return answers(resp, http.StatusOK)
			})
			resp := get(t, s, mount+".m3u8")
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "HLS cannot carry "+c.codec+";") || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s, %q: %s", resp.Status, resp.Header, body)
			}
			s.WaitForLog(map[string]any{"msg": "no HLS for the codec of this stream", "mount": mount, "codec": c.codec})
		})
	}
}
