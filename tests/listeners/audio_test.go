package listeners

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/tests/harness"
)

// sendSound connects a source that sends sound of three seconds at once, and returns a function that
// ends it.
func sendSound(t *testing.T, s *harness.Server, mount, contentType string, encoder ...string) (end func()) {
	t.Helper()
	sound, err := os.ReadFile(harness.MakeMusic(t, "sound"+mount[strings.LastIndex(mount, "."):], 3, encoder...))
	if err != nil {
		t.Fatal(err)
	}
	conn := s.Dial(false)
	resp, _ := harness.SendHead(t, conn, "SOURCE "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: "+contentType+"\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the source was answered %s", resp.Status)
	}
	if _, err := conn.Write(sound); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, mount+" plays its source", func() error { // not its fallback
		for _, m := range s.APIList("mounts?mount=" + mount) {
			if m["state"] == "own" {
				return nil
			}
		}
		return errors.New("it does not")
	})
	return func() { _ = conn.Close() }
}

// listenToAudio listens, and keeps the newest sampling rate and channels.
func listenToAudio(s *harness.Server, mount string) *atomic.Pointer[format.Audio] {
	last := new(atomic.Pointer[format.Audio])
	last.Store(new(format.Audio))
	s.Open(mount, harness.HTTP1, false, func(r io.Reader) {
		f, buf := format.New(""), []byte(nil)
		for chunk := make([]byte, 4096); ; {
			n, err := r.Read(chunk)
			buf = append(buf, chunk[:n]...)
			for len(buf) > 0 {
				n, u := f.Next(buf, false)
				if n == 0 {
					break
				}
				if buf = buf[n:]; u.Duration > 0 {
					a := format.AudioOf(f.Type(), u)
					last.Store(&a)
				}
			}
			if err != nil {
				return
			}
		}
	})
	return last
}

// Browsers end at a change of sampling rate or channels. So the standby loop has those of what listeners
// heard before, and another mount comes after it if it has not.
func TestAFallbackHasTheAudioOfTheStream(t *testing.T) {
	type formatCase struct {
		ext, contentType string
		args             []string
		rates            []int
	}
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /4* {
			fallback standby
		}
		mount /mixed.mp3 {
			fallback /other.mp3
			fallback standby
		}
		mount /alone.mp3 {
			fallback /other.mp3
		}
	}`)
	hears := func(what string, heard *atomic.Pointer[format.Audio], want format.Audio) {
		t.Helper()
		harness.Eventually(t, what+" hears "+want.String(), func() error {
			if got := *heard.Load(); got != want {
				return fmt.Errorf("it hears %v", got)
			}
			return nil
		})
	}
	for _, f := range []formatCase{
		{".mp3", "audio/mpeg", []string{"-c:a", "libmp3lame"}, []int{44100, 48000}},
		{".aac", "audio/aac", []string{"-c:a", "aac", "-f", "adts"}, []int{44100, 48000}},
		{".opus", "application/ogg", []string{"-c:a", "libopus", "-f", "ogg"}, []int{48000}},
	} {
		for _, rate := range f.rates {
			for channels := 1; channels <= 2; channels++ {
				mount, want := fmt.Sprintf("/%d-%d%s", rate, channels, f.ext), format.Audio{Rate: rate, Channels: channels}
				end := sendSound(t, s, mount, f.contentType, append([]string{"-ar", fmt.Sprint(rate), "-ac", fmt.Sprint(channels)}, f.args...)...)
				heard := listenToAudio(s, mount)
				hears(mount, heard, want)
				heard.Store(new(format.Audio))
				end()
				s.WaitForTitle(mount, "We will be back shortly")
				hears(mount, heard, want)
			}
		}
	}
	stereo, mono := format.Audio{Rate: 44100, Channels: 2}, format.Audio{Rate: 48000, Channels: 1}
	defer sendSound(t, s, "/other.mp3", "audio/mpeg", "-ar", "44100", "-ac", "2")()
	for _, c := range []struct {
		mount  string
		heard  format.Audio
		change int // listeners with another audio
	}{{"/mixed.mp3", mono, 0}, {"/alone.mp3", stereo, 1}} {
		end := sendSound(t, s, c.mount, "audio/mpeg", "-ar", "48000", "-ac", "1")
		heard := listenToAudio(s, c.mount)
		hears(c.mount, heard, mono)
		heard.Store(new(format.Audio))
		if c.change > 0 {
			s.WaitForLog(map[string]any{"msg": "no fallback has the sampling rate and channels of the stream", "mount": c.mount, "fallback": "/other.mp3"})
		}
		end()
		hears(c.mount, heard, c.heard)
		report := s.APIList("mounts?mount=" + c.mount)
		if got, _ := report[0]["audio_changed"].(float64); int(got) != c.change {
			t.Errorf("%s: %v listeners hear another audio, want %d", c.mount, got, c.change)
		}
	}
	s.WaitForLog(map[string]any{
		"msg": "fallback with another sampling rate or channels; many players stop", "mount": "/alone.mp3",
		"promised": mono.String(), "offered": stereo.String(),
	})
}
