package listeners

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/tests/harness"
)

// What a listener hears across switches is a stream that a decoder takes: SIGKILL
// ends the encoder, the fallback is heard, and then the standby loop.
func TestWhatIsHeardAcrossSwitchesDecodes(t *testing.T) {
	var mounts strings.Builder
	streams := []struct {
		name, contentType string
		args              []string
	}{
		{"MP3", "audio/mpeg", []string{"-ar", "44100", "-c:a", "libmp3lame", "-f", "mp3"}}, // as the loop has it
		{"AAC", "audio/aac", []string{"-c:a", "aac", "-f", "adts"}},
		{"Opus", "application/ogg", []string{"-ac", "1", "-c:a", "libopus", "-f", "ogg"}},
		{"Vorbis", "application/ogg", []string{"-ac", "2", "-c:a", "libvorbis", "-f", "ogg"}},
	}
	for i, f := range streams {
		fmt.Fprintf(&mounts, "mount /live%d {\n fallback /backup%d\n", i, i)
		if f.name != "Vorbis" { // a decoder of Vorbis takes no Opus
			mounts.WriteString("fallback standby\n")
		}
		mounts.WriteString("}\n")
	}
	s := harness.Start(t, "icecast {\n source_password hackme\n"+mounts.String()+"}")
	feed := func(mount, contentType, tone string, args []string) *exec.Cmd {
		all := append([]string{"-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", tone + ":sample_rate=48000"}, args...)
		cmd, _ := harness.Launch(t, "ffmpeg", append(all, "-t", "30", "-flush_packets", "1", "-content_type", contentType,
			"icecast://source:hackme@"+s.Plain+mount)...)
		return cmd
	}
	live, backup := make([]*exec.Cmd, len(streams)), make([]*exec.Cmd, len(streams))
	heard := make([]string, len(streams))
	var recording sync.WaitGroup
	for i, f := range streams {
		live[i] = feed(fmt.Sprintf("/live%d", i), f.contentType, "sine=frequency=440", f.args)
		backup[i] = feed(fmt.Sprintf("/backup%d", i), f.contentType, "sine=frequency=880", f.args)
	}
	stops := make([]func(), len(streams))
	for i := range streams {
		s.WaitForMount(fmt.Sprintf("/live%d", i))
		s.WaitForMount(fmt.Sprintf("/backup%d", i))
		path := filepath.Join(t.TempDir(), "heard")
		heard[i] = path
		stops[i] = recordTo(s, &recording, fmt.Sprintf("/live%d", i), path)
	}
	grow := func(n int64) {
		for i := range streams {
			size := fileSize(heard[i])
			harness.Eventually(t, streams[i].name+" goes on", func() error {
				if now := fileSize(heard[i]); now < size+n {
					return fmt.Errorf("%d bytes, of which %d are new", now, now-size)
				}
				return nil
			})
		}
	}
	grow(6000)
	for _, cmd := range live {
		_ = cmd.Process.Kill()
	}
	grow(6000)
	for _, cmd := range backup[:3] {
		_ = cmd.Process.Kill()
	}
	grow(6000)
	for _, stop := range stops {
		stop()
	}
	recording.Wait()
	for i, f := range streams {
		t.Run(f.name, func(t *testing.T) { decodesInPart(t, heard[i]) })
	}
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// recordTo listens until it is stopped.
func recordTo(s *harness.Server, all *sync.WaitGroup, mount, path string) (stop func()) {
	s.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Plain+mount, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		s.T.Fatal(err)
	}
	all.Go(func() {
		defer file.Close()
		defer resp.Body.Close()
		_, _ = io.Copy(file, resp.Body)
	})
	return cancel
}

// decodesInPart is decodes for what was cut off at its end by whoever listened.
func decodesInPart(t testing.TB, path string) {
	t.Helper()
	heard, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var whole []byte
	f := format.New("")
	var init *format.Init
	for rest := heard; len(rest) > 0; {
		n, u := f.Next(rest[:min(len(rest), format.MaxUnit)], false)
		if n == 0 && u.Data == nil {
			break
		}
		if u.Init != init {
			if init = u.Init; init != nil {
				whole = append(whole, init.Data...)
			}
		}
		whole = append(whole, u.Data...)
		rest = rest[n:]
	}
	if missing := len(heard) - len(whole); missing > format.MaxUnit {
		t.Errorf("%d of %d bytes are no frames", missing, len(heard))
	}
	file := path + ".whole"
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Decodes(t, file)
}

// Titles go along with what is heard, and stay where metadata blocks belong.
func TestTitlesAreThoseOfWhatIsHeard(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /live.mp3 {
			fallback /backup.mp3
		}
	}`)
	live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
	defer backup.Down()
	s.SetTitle("/live.mp3", "Home")
	s.SetTitle("/backup.mp3", "Stand-in")
	w, over := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), s.ListenVerifying("/live.mp3", harness.HTTP1WiredMetadata, true)
	long := func(id uint64) { // enough for a metadata block
		t.Helper()
		harness.WaitForSource(t, "a source", id, w, over)
		from := []uint64{w.HeardFrame.Load(), over.HeardFrame.Load()}
		harness.Eventually(t, "it is heard for a while", func() error {
			if n, m := w.HeardFrame.Load(), over.HeardFrame.Load(); n < from[0]+80 || m < from[1]+80 {
				return fmt.Errorf("at %d and %d", n, m)
			}
			return nil
		})
	}
	long(1)
	live.Down()
	long(2)
	live.Up()
	s.SetTitle("/live.mp3", "Home again")
	long(1)
	live.Down()
	harness.CheckAll(t, w, over)
	for _, l := range []*harness.VerifyingListener{w, over} {
		if got := strings.Join(slices.DeleteFunc(l.Titles, func(s string) bool { return s == "" }), ", "); got != "Home, Stand-in, Home again" {
			t.Errorf("%s: the titles were %s", l.Kind, got)
		}
	}
}
