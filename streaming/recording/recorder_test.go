package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

func TestARecordingIsWhatTheSourceSentToTheLastByte(t *testing.T) {
	s := newScene(t)
	s.record("sub/{mount}.mp3", nil)
	e := s.source("/a/live")
	e.send(20)
	if got := s.next(Started); got.Mount != "/a/live" || got.File != filepath.Join(s.dir, "sub/a_live.mp3") {
		t.Errorf("the event is %+v", got)
	}
	if got := s.names(); !slices.Equal(got, []string{"sub/a_live.mp3.part"}) {
		t.Errorf("while it is recorded there is %q", got)
	}
	e.send(5000) // more than the burst
	e.end()
	if got := s.next(Ended); got.Bytes != int64(len(e.sent)) || got.Err != nil {
		t.Errorf("the event is %+v, %d bytes were sent", got, len(e.sent))
	}
	if got := s.names(); !slices.Equal(got, []string{"sub/a_live.mp3"}) {
		t.Errorf("then there is %q", got)
	}
	if !bytes.Equal(s.read("sub/a_live.mp3"), e.sent) {
		t.Error("the file is not what was sent")
	}
}

// The source had ended before the manager saw it.
func TestAShortSourceIsRecorded(t *testing.T) {
	s := newScene(t)
	s.record("x.mp3", nil)
	for range 50 {
		e := s.source("/m")
		e.send(20)
		e.end()
		s.next(Started)
		if got := s.next(Ended); got.Bytes != int64(len(e.sent)) {
			t.Fatalf("%d bytes are recorded of %d", got.Bytes, len(e.sent))
		}
	}
}

func TestNoFileIsOverwritten(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{"x.mp3", "x-1.mp3.part"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.record("x.mp3", nil)
	for i := range 2 {
		e := s.source("/m")
		e.send(100)
		e.end()
		if i == 0 {
			s.next(Ended) // x-1.mp3
		}
		s.next(Started)
		s.next(Ended)
		if string(s.read("x.mp3")) != "before" || string(s.read("x-1.mp3")) != "before" {
			t.Error("a file was overwritten")
		}
	}
	if got, want := s.names(), []string{"x-1.mp3", "x-2.mp3", "x-3.mp3", "x.mp3"}; !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}

// A killed process leaves files with the name of an incomplete one, which nobody has locked.
func TestFilesOfAKilledProcessAreCompleted(t *testing.T) {
	s := newScene(t)
	left := []string{"m [1] 2026-01-31.mp3.part", "m [1] 2026-02-01-12.mp3.part", "m [1] 2026-02-x1.mp3.part", "other 2026-01-31.mp3.part", "m [1] 2026-01-31.ogg.part", "m [1] 2026-03-01.mp3.part", "m [1] 2026-03-02.mp3.part", "m [1] 2026-03-02.mp3"}
	for _, name := range left {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "m [1] 2026-04-01.mp3.part"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written, err := os.OpenFile(filepath.Join(s.dir, "m [1] 2026-03-01.mp3.part"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer written.Close()
	if err := lock(written); err != nil {
		t.Fatal(err)
	}
	s.record("{mount} [1] %Y-%m-%d.mp3", nil)
	e := s.source("/m")
	e.send(100)
	for _, want := range left[:2] {
		if e := s.next(Ended); filepath.Base(e.File)+".part" != want || e.Bytes != int64(len(want)) {
			t.Errorf("completed %s of %d bytes; want %s", e.File, e.Bytes, want)
		}
	}
	s.next(Started)
	e.end()
	own := filepath.Base(s.next(Ended).File)
	want := []string{"m [1] 2026-01-31.mp3", "m [1] 2026-01-31.ogg.part", "m [1] 2026-02-01-12.mp3", "m [1] 2026-02-x1.mp3.part", "m [1] 2026-03-01.mp3.part", "m [1] 2026-03-02.mp3", "m [1] 2026-03-02.mp3.part", own, "other 2026-01-31.mp3.part"}
	if got := s.names(); !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}

func TestFilesOfASizeMakeTheStreamTogether(t *testing.T) {
	s := newScene(t)
	const size = 20 << 10
	s.record("x.mp3", func(o *Options) { o.Size = size; o.SyncEvery = time.Nanosecond })
	e := s.source("/m")
	e.send(300)
	e.end()
	var all []byte
	for n := 0; len(all) < len(e.sent); n++ {
		s.next(Started)
		file := filepath.Base(s.next(Ended).File)
		part := s.read(file)
		if err := check(part); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if len(all)+len(part) < len(e.sent) && (len(part) < size || len(part) > size+8<<10) {
			t.Errorf("%s has %d bytes", file, len(part))
		}
		all = append(all, part...)
	}
	if !bytes.Equal(all, e.sent) {
		t.Error("the files together are not what was sent")
	}
}

// check returns an error unless a file has whole frames in order.
func check(part []byte) error {
	var c numbered.Checker
	if _, err := c.Write(part); err != nil {
		return err
	}
	if c.Rest() != 0 {
		return fmt.Errorf("it ends within a frame")
	}
	return nil
}

func TestOnlyOtherSettingsBeginAFile(t *testing.T) {
	s := newScene(t)
	s.record("a.mp3", nil)
	e := s.source("/m")
	e.send(100)
	s.next(Started)
	s.record("a.mp3", nil)
	e.send(100)
	s.record("b.mp3", nil)
	// The file changes where the recorder reads the settings, so more is sent until then.
	var ended Event
	for ended.File == "" {
		e.send(10)
		select {
		case ended = <-s.events:
		case <-time.After(20 * time.Millisecond):
		}
	}
	if filepath.Base(ended.File) != "a.mp3" || ended.Kind != Ended {
		t.Fatalf("the event is %+v", ended)
	}
	s.next(Started)
	s.m.Apply(nil)
	s.next(Ended)
	if got := s.names(); !slices.Equal(got, []string{"a.mp3", "b.mp3"}) {
		t.Errorf("there is %q", got)
	}
	if got := append(s.read("a.mp3"), s.read("b.mp3")...); !bytes.Equal(got, e.sent) {
		t.Errorf("%d bytes are recorded of %d that were sent", len(got), len(e.sent))
	}
}

func TestAFailureIsAnnouncedOnceAndDelaysNoSource(t *testing.T) {
	s := newScene(t)
	if err := os.WriteFile(filepath.Join(s.dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.record("file/x.mp3", nil)
	e := s.source("/m")
	e.send(20)
	if got := s.next(Failed); got.Err == nil {
		t.Errorf("the event is %+v", got)
	}
	e.send(50000)
	e.end()
	s.close()
	if len(s.events) > 0 {
		t.Errorf("there is another event: %+v", <-s.events)
	}
}

// All that arrived until the source ended was written to the removed file.
func TestARemovedFolderIsCreatedAgain(t *testing.T) {
	s := newScene(t)
	s.record("rec/{mount}", nil)
	e := s.source("/live")
	e.send(20)
	first := s.next(Started)
	if err := os.RemoveAll(filepath.Dir(first.File)); err != nil {
		t.Fatal(err)
	}
	if lost := s.next(Failed); lost.File != first.File || !errors.Is(lost.Err, fs.ErrNotExist) {
		t.Errorf("%+v; want that %s is removed", lost, first.File)
	}
	e.send(20)
	s.next(Started)
	e.end()
	s.next(Ended)
	if err := check(s.read("rec/live")); err != nil {
		t.Error(err)
	}
}

// The test takes the place of the recorder's goroutine: nothing is read until the disk is too
// slow.
func TestWhatASlowDiskCannotTakeIsSkipped(t *testing.T) {
	s := newScene(t)
	e := s.source("/m")
	e.send(10)
	src := s.st.Mount("/m").Source()
	p, _ := Parse(filepath.Join(s.dir, "x.mp3"))
	r := &recorder{mount: "/m", source: src, observe: func(e Event) { s.events <- e }, tap: src.Tap()}
	o := &Options{Pattern: p}
	eventually.True(t, patience, "the recording has started", func() bool {
		r.drain(o) // the last frames may not have arrived
		return len(s.events) > 0
	})
	s.next(Started)
	const frames = maxBehind/numbered.MaxFrame + 1000
	e.send(frames)
	r.drain(o)
	s.next(Ended)
	s.next(Behind)
	e.send(10)
	e.end() // all that was sent is there
	r.drain(o)
	s.next(Started)
	r.finish()
	s.next(Ended)
	if got := s.read("x-1.mp3"); !bytes.HasSuffix(e.sent, got) || len(got) < 9*numbered.MaxFrame {
		t.Errorf("what is new has %d bytes", len(got))
	}
}

func TestFilesBeginWhenTheClockShowsAMultiple(t *testing.T) {
	zone := time.FixedZone("", 5*3600+1800)
	for _, tt := range []struct {
		now   string
		every time.Duration
		want  string
	}{
		{"2026-01-02 10:20:30", time.Hour, "2026-01-02 11:00:00"},
		{"2026-01-02 11:00:00", time.Hour, "2026-01-02 12:00:00"},
		{"2026-01-02 23:59:59", 24 * time.Hour, "2026-01-03 00:00:00"},
		{"2026-01-02 00:20:30", 15 * time.Minute, "2026-01-02 00:30:00"},
	} {
		now, _ := time.ParseInLocation(time.DateTime, tt.now, zone)
		if got := nextMultiple(now, tt.every).Format(time.DateTime); got != tt.want {
			t.Errorf("after %s, every %v: %s, want %s", tt.now, tt.every, got, tt.want)
		}
	}
	if !nextMultiple(time.Now(), 0).IsZero() {
		t.Error("every 0 is some time")
	}
}
