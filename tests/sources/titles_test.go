package sources

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// titled are streams that carry their titles themselves.
var titled = []struct {
	name        string
	contentType string
	args        []string
	once        bool // listeners who are there get no second header
}{
	{"Vorbis", "application/ogg", []string{"-ac", "2", "-c:a", "libvorbis", "-f", "ogg"}, false},
	{"Opus", "audio/ogg", []string{"-c:a", "libopus", "-f", "ogg"}, false},
	{"Ogg FLAC", "audio/ogg", []string{"-c:a", "flac", "-f", "ogg"}, false},
	{"FLAC", "audio/flac", []string{"-c:a", "flac", "-f", "flac"}, true},
}

// A title within a stream is shown where all titles are, and one from /admin/metadata is put
// into the stream.
func TestStreamsCarryTheirTitles(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n burst 2KiB\n }\n}")
	for i, f := range titled {
		args := append([]string{"-f", "lavfi", "-i", harness.Tone, "-metadata", "artist=First Artist", "-metadata", "title=First Title"}, f.args...)
		harness.ByFFmpeg(f.contentType, args...)(t, s, fmt.Sprintf("/stream%d", i))
	}
	var recording sync.WaitGroup
	early, late := make([]string, len(titled)), make([]string, len(titled))
	record := func(file *string, mount, contentType string) {
		recording.Go(func() { *file = s.Record(mount, contentType) })
	}
	for i, f := range titled {
		mount := fmt.Sprintf("/stream%d", i)
		s.WaitForMount(mount)
		harness.Eventually(t, f.name+" has the title that it begins with", func() error { // the status page may be asked between the two
			if artist, title := s.Title(mount); artist != "First Artist" || title != "First Title" {
				return fmt.Errorf("it is %q by %q", title, artist)
			}
			return nil
		})
		record(&early[i], mount, f.contentType)
		s.WaitForListeners(mount, 1)
		s.SetTitle(mount, "Second Artist - Second Title")
		harness.Eventually(t, f.name+" is titled anew", func() error {
			if artist, title := s.Title(mount); artist != "" || title != "Second Artist - Second Title" {
				return fmt.Errorf("it is %q by %q", title, artist)
			}
			resp, err := http.Get("http://" + s.Plain + mount)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			begin := make([]byte, 300)
			_, _ = io.ReadFull(resp.Body, begin)
			if !bytes.Contains(begin, []byte("TITLE=Second Artist - Second Title")) {
				return fmt.Errorf("it begins with %q", begin)
			}
			return nil
		})
		record(&late[i], mount, f.contentType)
	}
	recording.Wait()
	for i, f := range titled {
		t.Run(f.name, func(t *testing.T) {
			heard, err := os.ReadFile(early[i])
			if err != nil {
				t.Fatal(err)
			}
			first, second := bytes.Index(heard, []byte("First Title")), bytes.Index(heard, []byte("TITLE=Second Artist - Second Title"))
			if f.once && second < 0 {
				second = len(heard)
			}
			if first < 0 || second < first || f.once && second < len(heard) {
				t.Errorf("who was there hears the titles at %d and %d", first, second)
			}
			harness.Decodes(t, early[i])
			harness.Decodes(t, late[i])
			out, err := exec.Command(harness.Program(t, "ffprobe"), "-v", "error", "-show_entries", "format_tags:stream_tags", late[i]).CombinedOutput()
			if err != nil || !strings.Contains(strings.ToLower(string(out)), "title=second artist - second title") {
				t.Errorf("who came later gets %v: %s", err, out)
			}
		})
	}
}
