package sources

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// sendFile sends a file as a source, as fast as it is taken.
func sendFile(s *harness.Server, mount, contentType, file string) {
	s.T.Helper()
	f, err := os.Open(file)
	if err != nil {
		s.T.Fatal(err)
	}
	defer f.Close()
	conn := s.Dial(false)
	resp, _ := harness.SendHead(s.T, conn, "SOURCE "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: "+contentType+"\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	if _, err := io.Copy(conn, f); err != nil {
		s.T.Fatal(err)
	}
	_ = conn.Close()
}

func TestWhatASourceSendsIsRecorded(t *testing.T) {
	dir, e := t.TempDir(), harness.NewEndpoint(t, nil)
	config := func(name string) string {
		return fmt.Sprintf(`icecast {
			source_password hackme
			on recording_started recording_ended webhook %s
			mount /*.mp3 {
				dump %s/%%Y/{mount}%s {
					rotate 40KiB
					fsync 1s
				}
			}
			mount /secret.mp3 {
				dump off
			}
		}`, e.URL, dir, name)
	}
	s := harness.Start(t, config(".mp3"))
	src, secret := s.Source("/live.mp3"), s.Source("/secret.mp3")
	secret.Send(100)
	src.Send(200)
	year := filepath.Join(dir, time.Now().Format("2006"))
	s.WaitForLog(map[string]any{"msg": "recording ended", "file": filepath.Join(year, "live.mp3.mp3")})
	for i, ev := range e.Events(2)[:2] {
		want := []hooks.Name{hooks.RecordingStarted, hooks.RecordingEnded}[i]
		if ev["event"] != string(want) || ev["mount"] != "/live.mp3" || ev["file"] != filepath.Join(year, "live.mp3.mp3") {
			t.Errorf("told was %v; want %s", ev, want)
		}
	}
	if err := s.Reload(config(".again.mp3")); err != nil { // the source stays, the next file is another
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := src.Run(5*time.Millisecond, stop)
	s.WaitForLog(map[string]any{"msg": "recording started", "file": filepath.Join(year, "live.mp3.again.mp3")})
	close(stop)
	<-done
	harness.StopCaddy(t) // files are complete when the process ends
	files, err := os.ReadDir(year)
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".mp3" {
			t.Errorf("there is %s", f.Name())
		}
		text, err := os.ReadFile(filepath.Join(year, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		c := checked(t, text)
		frames += int(c.Last-c.First) + 1
	}
	if want := int(src.Next.Load()); frames < want-20 || frames > want { // what was on its way at the end is not there
		t.Errorf("%d files hold %d frames of %d", len(files), frames, want)
	}
}

// Each file of a stream that has headers begins with them, and can be played by itself.
func TestEachFileOfARecordingCanBePlayed(t *testing.T) {
	for _, c := range []struct{ name, contentType, format string }{
		{"x.ogg", "application/ogg", "ogg"},
		{"x.flac", "audio/flac", "flac"},
		{"x.webm", "audio/webm", "webm"},
	} {
		t.Run(c.format, func(t *testing.T) {
			args := []string{"-c:a", "libopus", "-b:a", "96k"}
			if c.format == "flac" {
				args = []string{"-c:a", "flac", "-ar", "22050", "-ac", "1"}
			}
			file := harness.MakeMusic(t, c.name, 20, args...)
			dir := t.TempDir()
			s := harness.Start(t, fmt.Sprintf(`icecast {
				source_password hackme
				mount /m {
					dump %s/m-%%s.%s {
						rotate 50KiB
					}
				}
			}`, dir, c.format))
			sendFile(s, "/m", c.contentType, file)
			var files []string
			harness.Eventually(t, "the recording is complete", func() error {
				files, _ = filepath.Glob(dir + "/*." + c.format)
				parts, _ := filepath.Glob(dir + "/*.part")
				if len(files) < 3 || len(parts) > 0 {
					return fmt.Errorf("there is %q, and %q", files, parts)
				}
				return nil
			})
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				magic := map[string]string{"ogg": "OggS\x00\x02", "flac": "fLaC", "webm": "\x1aE\xdf\xa3"}[c.format]
				if !bytes.HasPrefix(text, []byte(magic)) {
					t.Errorf("%s begins with %q", f, text[:8])
				}
				if len(text) > 30<<10 { // the last one may be short
					harness.Decodes(t, f)
				}
			}
		})
	}
}

// checked runs a file of numbered frames through a checker.
func checked(t testing.TB, file []byte) *numbered.Checker {
	t.Helper()
	c := new(numbered.Checker)
	if _, err := c.Write(file); err != nil || c.Rest() != 0 {
		t.Errorf("a file does not hold whole frames: %v, %d bytes are left", err, c.Rest())
	}
	return c
}
