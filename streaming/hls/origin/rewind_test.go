package origin

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

// rewind returns the long list of the mount, which must be there.
func (s *scene) rewind() (*Mount, *hls.Page) {
	s.t.Helper()
	synctest.Wait()
	m := s.m.Mount(live)
	if m == nil {
		s.t.Fatal("the mount is not served")
	}
	page, err := m.Await(s.t.Context(), true)
	if err != nil {
		s.t.Fatal(err)
	}
	return m, page
}

// load returns the bytes of a segment.
func load(t *testing.T, m *Mount, s *hls.Segment) []byte {
	t.Helper()
	f := m.File(s.Name)
	if f == nil {
		t.Fatalf("%s cannot be loaded", s.Name)
	}
	if f.Data != nil {
		return f.Data
	}
	file, err := os.Open(f.Place.File)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b := make([]byte, f.Size)
	if _, err := file.ReadAt(b, f.Place.Offset); err != nil {
		t.Fatal(err)
	}
	return b
}

// loaded returns the segments with their data.
func loaded(t *testing.T, m *Mount, segments []*hls.Segment) (all []*hls.Segment) {
	t.Helper()
	for _, s := range segments {
		all = append(all, &hls.Segment{Data: load(t, m, s)})
	}
	return all
}

// What nobody has heard can be heard later, to the byte: in memory and on disk.
func TestAnHourCanBeHeardLater(t *testing.T) {
	for name, folder := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
				s.options = &Options{Segment: 10 * time.Second, Listed: 6, Rewind: 20 * time.Minute, Folder: folder}
				e := s.source(live, numbered.ContentType, nil)
				eventually.Advance(30 * time.Minute)
				m, page := s.rewind()
				if n := bytes.Count(page.Full().Text, []byte("#EXTINF")); n < 119 || n > 122 {
					t.Errorf("%d segments in 20 minutes", n)
				}
				got := sound(loaded(t, m, page.Segments))
				id := s.m.NewID(live, 0)
				if err := m.Admit(id, streaming.Client{}); err != nil {
					t.Fatal(err)
				}
				for range 20 { // a listener of the long list is a listener
					eventually.Advance(10 * time.Second)
					if _, err := m.Poll(id, true); err != nil {
						t.Fatal(err)
					}
				}
				if all := s.st.Snapshot(live); len(all) != 1 || all[0].Sent() < 200*15000 {
					t.Errorf("listeners: %+v", all)
				}
				e.end()
				if !bytes.Contains(e.sent.Bytes(), got) || len(got) < 20*60*15000 {
					t.Errorf("the %d bytes of the list are no piece of the %d that were sent", len(got), e.sent.Len())
				}
			})
		})
	}
}

// After a restart the list on disk is there at once, before the source is; it goes on with a
// discontinuity, and its numbers do.
func TestALongListOutlastsARestart(t *testing.T) {
	folder := t.TempDir()
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		s.options = &Options{Segment: 6 * time.Second, Listed: 6, Rewind: time.Hour, Folder: folder}
		s.m.Apply(func(string) *Options { return s.options })
		e := s.source(live, numbered.ContentType, nil)
		eventually.Advance(10 * time.Minute)
		_, before := s.rewind()
		if err := s.m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.end()

		s.manage()
		s.m.Open(live)
		eventually.Advance(time.Second)
		_, page := s.rewind()
		if len(page.Segments) < len(before.Segments) {
			t.Errorf("%d of %d segments are there", len(page.Segments), len(before.Segments))
		}
		last := page.Segments[len(page.Segments)-1]
		e = s.source(live, numbered.ContentType, nil)
		eventually.Advance(time.Minute)
		var m *Mount
		m, page = s.rewind()
		for i, segment := range page.Segments {
			if i > 0 && segment.Discontinuity != (page.Segments[i-1].Sequence == last.Sequence) {
				t.Errorf("segment %d is marked: %v", i, segment.Discontinuity)
			}
			load(t, m, segment)
		}
		if marks := bytes.Count(page.Full().Text, []byte("#EXT-X-DISCONTINUITY\n")); marks != 1 {
			t.Errorf("%d discontinuities", marks)
		}
		e.end()
	})
}

// Another codec ends the long list, and begins another.
func TestAnotherCodecEndsTheLongList(t *testing.T) {
	for name, folder := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
				s.options = &Options{Segment: 6 * time.Second, Listed: 6, Rewind: time.Hour, Folder: folder}
				e := s.source(live, numbered.ContentType, nil)
				eventually.Advance(2 * time.Minute)
				m, _ := s.rewind()
				id := s.m.NewID(live, 0)
				if err := m.Admit(id, streaming.Client{}); err != nil {
					t.Fatal(err)
				}
				e.end()
				e = s.source(live, "audio/aac", adts)
				eventually.Advance(30 * time.Second)
				old, err := m.Poll(id, true)
				_, next := s.rewind()
				if err != nil || !old.Ended || next.Ended || next.Segments[0].Sequence <= old.Segments[len(old.Segments)-1].Sequence {
					t.Errorf("the player of MP3 sees an end: %v, %v", old != nil && old.Ended, err)
				}
				load(t, m, old.Segments[0])
				e.end()
			})
		})
	}
}

// A folder that cannot be written costs the long list, and nothing else.
func TestADiskThatFailsDoesNotTouchTheStream(t *testing.T) {
	folder := t.TempDir() + "/file"
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		s.options = &Options{Segment: 6 * time.Second, Listed: 10, Rewind: time.Hour, Folder: folder}
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		for range 100 {
			eventually.Advance(6 * time.Second)
			s.poll(m, id)
		}
		if v := m.View(); time.Since(v.Segments[len(v.Segments)-1].Time) > 14*time.Second {
			t.Error("the list stands still")
		}
		s.mu.Lock()
		if len(s.reports) != 1 || s.reports[0] == nil {
			t.Errorf("reported: %v", s.reports)
		}
		s.mu.Unlock()
		if _, err := m.Poll(id, true); !errors.Is(err, ErrUnknown) {
			t.Errorf("the long list: %v", err)
		}
		e.end()
	})
}

// A mount goes on without requests as long as there is a source, and something in memory.
func TestALongListIsKeptWithoutRequests(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		s.options = &Options{Segment: 6 * time.Second, Listed: 6, Rewind: 20 * time.Minute}
		e := s.source(live, numbered.ContentType, nil)
		eventually.Advance(30 * time.Minute)
		e.end()
		eventually.Advance(15 * time.Minute)
		s.rewind()
		eventually.Advance(10 * time.Minute)
		if s.m.Mount(live) != nil {
			t.Error("it is kept for ever")
		}
	})
}

func TestFoldersOfMounts(t *testing.T) {
	seen := make(map[string]string)
	for _, mount := range []string{"/live.mp3", "/live_mp3", "/a/b", "/a_b", "/../x", "/", "/é", "/" + string(bytes.Repeat([]byte("x"), 500))} {
		name := folderOf("", mount)
		if seen[name] != "" || len(name) > 80 || bytes.ContainsAny([]byte(name), "/\\") || name[0] == '.' {
			t.Errorf("%q has the folder %q, as has %q", mount, name, seen[name])
		}
		seen[name] = mount
	}
}
