package hls_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// ffmpeg plays on through drops of the encoder, and through a restart of the server: all that it
// hears is sound, without an end in between.
func TestFFmpegOutlastsDropsAndARestart(t *testing.T) {
	config := station("mount /* {\n\t\t" + short + "\n\t}\n\tmount /live.aac {\n\t\tlinger 1m\n\t}")
	s := harness.Start(t, config)
	end := encode(t, s, "/live.aac")
	harness.Eventually(t, "the mount is there", func() error { return answers(get(t, s, "/live.aac.m3u8"), http.StatusOK) })
	file := filepath.Join(t.TempDir(), "heard.wav")
	cmd, said := harness.Launch(t, "ffmpeg", "-hide_banner", "-loglevel", "error", "-i", "http://"+s.Plain+"/live.aac.m3u8", "-t", "25", "-ar", "48000", "-ac", "1", file)
	s.WaitForListeners("/live.aac", 1)
	for range 2 {
		heard := size(file)
		harness.Eventually(t, "more is heard", func() error { return grown(file, heard) })
		end()
		end = encode(t, s, "/live.aac")
	}
	heard := size(file)
	harness.Eventually(t, "more is heard", func() error { return grown(file, heard) })
	harness.StopCaddy(t)
	if err := s.Load(config); err != nil {
		t.Fatal(err)
	}
	encode(t, s, "/live.aac")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, said)
	}
	if d := harness.Decodes(t, file); d < 24*time.Second {
		t.Errorf("%v was heard\n%s", d, said)
	}
}

func size(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// grown reports whether a file has grown by three seconds of sound.
func grown(file string, from int64) error {
	if size(file) < from+3*96000 {
		return os.ErrNotExist
	}
	return nil
}
