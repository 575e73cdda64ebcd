package origin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/streaming")) }

const live = "/live.mp3"

// scene is a station with a manager, in the time of a bubble.
type scene struct {
	t       *testing.T
	st      *streaming.Station
	m       *Manager
	options *Options

	upstream string // that sources are pulled from; empty: they are encoders

	mu      sync.Mutex
	endings []*streaming.Listener
	reports []error
	unused  uint64 // number of a discontinuity
}

// ended returns the listeners that have ended.
func (s *scene) ended() []*streaming.Listener {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endings
}

// play runs a scene in a bubble.
func play(t *testing.T, settings streaming.MountSettings, run func(*testing.T, *scene)) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, options: &Options{Segment: 6 * time.Second, Listed: 10}}
		s.st = streaming.NewStation(func(l *streaming.Listener) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.endings = append(s.endings, l)
		}, func(streaming.FeedChange) {})
		s.st.Apply(&streaming.Settings{Mount: func(string) streaming.MountSettings { return settings }})
		s.manage()
		run(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := errors.Join(s.st.Close(ctx), s.m.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
}

// manage gives the scene another manager.
func (s *scene) manage() {
	s.m = NewManager(s.st, Config{
		Key: func() []byte { return []byte("key") },
		Report: func(_ string, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reports = append(s.reports, err)
		},
		Reserve: func(from, count uint64) uint64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			first := max(from, s.unused)
			s.unused = first + count
			return first
		},
	})
	s.m.Apply(func(string) *Options { return s.options })
}

// encoder sends numbered frames as fast as they sound, in steps of 104 ms.
type encoder struct {
	s    *scene
	w    *io.PipeWriter
	sent bytes.Buffer
	next uint64
	done chan struct{}
	stop chan struct{}
}

// source begins to feed a mount. make appends the frame with a number; nil: a numbered one.
func (s *scene) source(path, contentType string, frame func([]byte, uint64) []byte) *encoder {
	s.t.Helper()
	if frame == nil {
		frame = func(b []byte, n uint64) []byte { return numbered.AppendFrame(b, n, time.Now()) }
	}
	r, w := io.Pipe()
	e := &encoder{s: s, w: w, done: make(chan struct{}), stop: make(chan struct{})}
	src := &streaming.Source{Upstream: s.upstream}
	if err := s.st.NewSource(path, src, streaming.Info{ContentType: contentType}, func() { r.CloseWithError(errors.New("stopped")) }); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		src.Run(r)
		src.End()
		close(e.done)
	}()
	go func() {
		defer w.Close()
		began := time.Now()
		for {
			frames := uint64(time.Since(began)/numbered.Duration) + 3
			var b []byte
			for ; e.next < frames; e.next++ {
				b = frame(b, e.next)
			}
			e.sent.Write(b)
			if _, err := w.Write(b); err != nil {
				return
			}
			select {
			case <-time.After(4 * numbered.Duration):
			case <-e.stop:
				return
			}
		}
	}()
	return e
}

// end ends the source.
func (e *encoder) end() {
	close(e.stop)
	<-e.done
	synctest.Wait()
}

// await waits for the list of a mount.
func (s *scene) await() *Mount {
	s.t.Helper()
	m := s.m.Open(live)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if _, err := m.Await(ctx, false); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// begin begins a session.
func (s *scene) begin() (*Mount, string) {
	s.t.Helper()
	m, id := s.await(), s.m.NewID(live, 0)
	if err := m.Admit(id, streaming.Client{Agent: "player"}); err != nil {
		s.t.Fatal(err)
	}
	return m, id
}

// poll loads the list for a session, which must be there.
func (s *scene) poll(m *Mount, id string) *hls.Page {
	s.t.Helper()
	page, err := m.Poll(id, false)
	if errors.Is(err, ErrUnknown) { // as after a break
		if err = m.Admit(id, streaming.Client{Agent: "player"}); err == nil {
			page, err = m.Poll(id, false)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return page
}

// sound returns the frames in segments.
func sound(segments []*hls.Segment) (b []byte) {
	for _, s := range segments {
		const header = 10
		tag := header + int(s.Data[8])<<7 + int(s.Data[9])
		b = append(b, s.Data[tag:]...)
	}
	return b
}
