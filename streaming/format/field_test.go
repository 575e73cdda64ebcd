package format

import (
	"os"
	"path/filepath"
	"testing"
)

// field are the inputs that once broke something, with the frames at which a listener can start.
var field = []struct {
	file, contentType string
	starts            int
}{
	{"cut-frame.mp3", "audio/mpeg", 26 + 27},
	{"cut-frame-tags.mp3", "audio/mpeg", 26 + 27},
	{"cut-frame.aac", "audio/aac", 14 + 16},
	{"loas.latm", "audio/mp4a-latm", 2},
}

func TestInputsThatOnceBrokeSomething(t *testing.T) {
	for _, c := range field {
		stream, err := os.ReadFile(filepath.Join("..", "..", "tests", "testdata", "field", c.file))
		if err != nil {
			t.Fatal(err)
		}
		f, starts := New(""), 0
		for _, u := range whole(t, f, stream) {
			if u.start {
				starts++
			}
		}
		if starts != c.starts || f.Type() != c.contentType {
			t.Errorf("%s: %d starts of %s, want %d of %s", c.file, starts, f.Type(), c.starts, c.contentType)
		}
	}
}
