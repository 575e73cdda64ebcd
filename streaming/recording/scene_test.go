package recording

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

const patience = 10 * time.Second

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/streaming")) }

// scene is a station with a manager.
type scene struct {
	t      *testing.T
	st     *streaming.Station
	m      *Manager
	dir    string
	events chan Event
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), events: make(chan Event, 1000)}
	s.st = streaming.NewStation(func(*streaming.Listener) {}, func(streaming.FeedChange) {})
	s.m = NewManager(s.st, func(e Event) { s.events <- e })
	t.Cleanup(s.close)
	return s
}

func (s *scene) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(s.st.Close(ctx), s.m.Close(ctx)); err != nil {
		s.t.Error(err)
	}
}

// record applies options for all mounts.
func (s *scene) record(name string, change func(*Options)) {
	s.t.Helper()
	p, err := Parse(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	o := Options{Pattern: p}
	if change != nil {
		change(&o)
	}
	s.m.Apply(func(string) *Options { own := o; return &own })
}

// next waits for an event of a kind.
func (s *scene) next(k Kind) Event {
	s.t.Helper()
	select {
	case e := <-s.events:
		if e.Kind != k {
			s.t.Fatalf("the next event is %+v, want %d", e, k)
		}
		return e
	case <-time.After(patience):
		s.t.Fatalf("there is no event of kind %d", k)
		return Event{}
	}
}

// read returns what is in a file.
func (s *scene) read(name string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// names returns the names of all files.
func (s *scene) names() (names []string) {
	_ = filepath.WalkDir(s.dir, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(s.dir, path)
			names = append(names, rel)
		}
		return nil
	})
	return names
}

type encoder struct {
	t    *testing.T
	w    *io.PipeWriter
	next uint64
	sent []byte
	done chan struct{}
}

func (s *scene) source(path string) *encoder {
	s.t.Helper()
	r, w := io.Pipe()
	e := &encoder{t: s.t, w: w, done: make(chan struct{})}
	src := new(streaming.Source)
	if err := s.st.NewSource(path, src, streaming.Info{ContentType: numbered.ContentType}, func() { r.CloseWithError(errors.New("stopped")) }); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		src.Run(r)
		src.End()
		close(e.done)
	}()
	s.t.Cleanup(func() { _ = w.Close() })
	return e
}

func (e *encoder) send(frames int) {
	e.t.Helper()
	for range frames {
		f := numbered.AppendFrame(nil, e.next, time.Now())
		e.next++
		e.sent = append(e.sent, f...)
		if _, err := e.w.Write(f); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *encoder) end() {
	_ = e.w.Close()
	<-e.done
}
