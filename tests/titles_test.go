package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// titled are streams that carry their titles themselves.
var titled = []struct {
	name        string
	contentType string
	args        []string
}{
	{"Vorbis", "application/ogg", []string{"-ac", "2", "-c:a", "libvorbis", "-f", "ogg"}},
	{"Opus", "audio/ogg", []string{"-c:a", "libopus", "-f", "ogg"}},
	{"Ogg FLAC", "audio/ogg", []string{"-c:a", "flac", "-f", "ogg"}},
	{"FLAC", "audio/flac", []string{"-c:a", "flac", "-f", "flac"}},
}

// A title within a stream is told where all titles are, and one that comes by
// /admin/metadata is put into the stream.
func TestStreamsCarryTheirTitles(t *testing.T) {
	s := start(t, "icecast {\n source_password hackme\n limits {\n burst 2KiB\n }\n}")
	for i, f := range titled {
		args := append([]string{"-f", "lavfi", "-i", sound, "-metadata", "artist=First Artist", "-metadata", "title=First Title"}, f.args...)
		byFFmpeg(f.contentType, args...)(t, s, fmt.Sprintf("/stream%d", i))
	}
	var recording sync.WaitGroup
	early, late := make([]string, len(titled)), make([]string, len(titled))
	record := func(file *string, mount, contentType string) {
		recording.Go(func() { *file = s.record(mount, contentType) })
	}
	for i, f := range titled {
		mount := fmt.Sprintf("/stream%d", i)
		s.listening(mount)
		eventually(t, f.name+" has the title that it begins with", func() error { // the status page may be asked between the two
			if artist, title := s.title(mount); artist != "First Artist" || title != "First Title" {
				return fmt.Errorf("it is %q by %q", title, artist)
			}
			return nil
		})
		record(&early[i], mount, f.contentType)
		s.listeners(mount, 1)
		s.retitle(mount, "Second Artist - Second Title")
		eventually(t, f.name+" is titled anew", func() error {
			if artist, title := s.title(mount); artist != "" || title != "Second Artist - Second Title" {
				return fmt.Errorf("it is %q by %q", title, artist)
			}
			resp, err := http.Get("http://" + s.plain + mount)
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
			if first < 0 || second < first {
				t.Errorf("who was there hears the titles at %d and %d", first, second)
			}
			decodes(t, early[i])
			decodes(t, late[i])
			out, err := exec.Command(program(t, "ffprobe"), "-v", "error", "-show_entries", "format_tags:stream_tags", late[i]).CombinedOutput()
			if err != nil || !strings.Contains(strings.ToLower(string(out)), "title=second artist - second title") {
				t.Errorf("who came later gets %v: %s", err, out)
			}
		})
	}
}

// sourceOn asks the status page for what it says of a mount.
func (s *server) sourceOn(mount string) map[string]any {
	s.t.Helper()
	resp, err := http.Get("http://" + s.plain + "/status-json.xsl")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var status struct{ Icestats struct{ Source any } }
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		if s.admin == "" {
			return nil // icecast2, whose status is no JSON at times
		}
		s.t.Fatal(err)
	}
	all, ok := status.Icestats.Source.([]any)
	if !ok {
		all = []any{status.Icestats.Source} // a single one is no list
	}
	for _, src := range all {
		if src, ok := src.(map[string]any); ok && strings.HasSuffix(fmt.Sprint(src["listenurl"]), mount) {
			return src
		}
	}
	return nil
}

// title returns what a mount is said to play.
func (s *server) title(mount string) (artist, title string) {
	src := s.sourceOn(mount)
	artist, _ = src["artist"].(string)
	title, _ = src["title"].(string)
	return artist, title
}

// listeners waits until a mount has so many listeners.
func (s *server) listeners(mount string, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s has %d listeners", mount, n), func() error {
		if src := s.sourceOn(mount); fmt.Sprint(src["listeners"]) != fmt.Sprint(n) {
			return fmt.Errorf("%v", src)
		}
		return nil
	})
}

// retitle tells a new title, as encoders do.
func (s *server) retitle(mount, song string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.plain+"/admin/metadata?mode=updinfo&mount="+mount+"&song="+url.QueryEscape(song), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("source", "hackme")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Errorf("answered %s", resp.Status)
	}
}
