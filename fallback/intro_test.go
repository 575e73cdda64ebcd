package fallback

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadIntro(t *testing.T) {
	for file, want := range map[string]string{"mono-44100.mp3": "audio/mpeg", "stereo-48000.aac": "audio/aac", "stereo-48000.opus": "application/ogg"} {
		intro, err := ReadIntro(filepath.Join("standby", file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if intro.Kind() != want {
			t.Errorf("%s is %s, want %s", file, intro.Kind(), want)
		}
	}
	garbage := filepath.Join(t.TempDir(), "garbage.mp3")
	if err := os.WriteFile(garbage, make([]byte, 10000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{garbage, garbage + ".not.there", t.TempDir()} {
		if _, err := ReadIntro(path); err == nil {
			t.Errorf("%s is an intro", path)
		}
	}
}
