package fallback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

// settle is how long listeners take that have to leave, and more than any step needs.
const settle = 567 * time.Millisecond

// After a change at one mount the station asks the director only about the mounts that depend
// on it. A pass over all of them, at any moment, finds nothing left to do.
func TestNothingIsLeftForAWholePass(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRandomStation(t, seed)
				defer w.close()
				for step := 0; step < 100 && !t.Failed(); step++ {
					what := w.step()
					eventually.Advance(settle)
					if seed%2 == 0 || w.rnd.IntN(6) == 0 {
						w.checkWholePass(step, what)
					}
				}
			})
		})
	}
}

// randomStation is a station to which random things happen.
type randomStation struct {
	t       *testing.T
	rnd     *rand.Rand
	st      *streaming.Station
	players *Players
	paths   []string
	other   string // the second type of sources
	demand  *randomDemand
	running sync.WaitGroup

	mu        sync.Mutex
	news      []string // changes of what is heard
	sources   []*randomSource
	listeners []*streaming.Listener
}

// randomSource is a source that sends when a step makes it.
type randomSource struct {
	*streaming.Source
	name string
	pipe *io.PipeWriter
}

// randomDemand feeds one mount on demand.
type randomDemand struct {
	path    string
	start   chan struct{} // cap 1
	mu      sync.Mutex
	failing bool
}

func (d *randomDemand) Offers(path, kind string) bool {
	return path == d.path && (kind == "" || kind == mpegType)
}

func (d *randomDemand) Failing(string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failing
}

func (d *randomDemand) StartOnDemand(string) {
	select {
	case d.start <- struct{}{}:
	default:
	}
}

func newRandomStation(t *testing.T, seed uint64) *randomStation {
	w := &randomStation{
		t: t, rnd: rand.New(rand.NewPCG(seed, 7)), paths: []string{"/a", "/b", "/c", "/d", "/e", "/demand"},
		demand: &randomDemand{path: "/demand", start: make(chan struct{}, 1)}, other: "text/plain",
	}
	if seed%3 == 0 {
		w.other = mpegType // and players
	}
	w.st = streaming.NewStation(
		func(l *streaming.Listener) { w.note("listener %d of %s ends: %v", l.ID, l.Mount().Path, l.Reason()) },
		func(c streaming.FeedChange) { w.note("%s: %s instead of %s", c.Home, c.To, c.From) })
	w.st.Notify(func(n streaming.Notice) {
		if n.Kind == streaming.FallbackEngaged || n.Kind == streaming.FallbackReleased {
			w.note("fallback of %s: %s instead of %s", n.Mount.Path, n.To, n.From)
		}
	})
	w.players = NewPlayers(w.st, zap.NewNop)
	w.running.Go(func() {
		for range w.demand.start {
			if m := w.st.Mount(w.demand.path); m == nil || m.Source() == nil {
				w.connect(w.demand.path, mpegType, true, 5)
			}
		}
	})
	w.apply()
	return w
}

func (w *randomStation) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news = append(w.news, fmt.Sprintf(format, args...))
}

func (w *randomStation) path() string { return w.paths[w.rnd.IntN(len(w.paths))] }

// apply puts random settings into force.
func (w *randomStation) apply() {
	rules, lingers := make(map[string]Rule), make(map[string]time.Duration)
	for _, path := range w.paths {
		r := Rule{Stay: w.rnd.IntN(4) == 0}
		if w.rnd.IntN(3) == 0 {
			r.ReturnAfter = 4321 * time.Millisecond
		}
		for range w.rnd.IntN(3) {
			r.Fallbacks = append(r.Fallbacks, w.path())
		}
		switch w.rnd.IntN(6) {
		case 0:
			r.Fallbacks = append(r.Fallbacks, Standby(path)...)
		case 1:
			r.Fallbacks = append(r.Fallbacks, File([]string{"/no such file.mp3"}))
		}
		rules[path] = r
		lingers[path] = []time.Duration{0, 0, 3210 * time.Millisecond}[w.rnd.IntN(3)]
	}
	w.st.Apply(&streaming.Settings{
		MaxListeners: 12,
		Mount: func(path string) streaming.MountSettings {
			return streaming.MountSettings{Linger: lingers[path], SourceTimeout: 40 * time.Second, MaxListeners: 5}
		},
		Director: NewDirector(func(path string) Rule { return rules[path] }, w.players, w.demand, func(Mismatch) {}),
	})
}

// connect makes a source that sends some frames at once.
func (w *randomStation) connect(path, contentType string, onDemand bool, frames int) {
	r, pw := io.Pipe()
	s := &randomSource{Source: new(streaming.Source), pipe: pw, name: path + " " + contentType}
	s.SetOnDemand(onDemand)
	if err := w.st.NewSource(path, s.Source, streaming.Info{ContentType: contentType}, func() { _ = r.CloseWithError(errors.New("stopped")) }); err != nil {
		return
	}
	w.mu.Lock()
	w.sources = append(w.sources, s)
	w.mu.Unlock()
	w.running.Go(func() {
		s.Run(r)
		s.End()
	})
	s.send(frames)
}

func (s *randomSource) send(frames int) {
	for n := range frames {
		if _, err := s.pipe.Write(numbered.AppendFrame(nil, uint64(n), time.Now())); err != nil {
			return
		}
	}
}

// join makes a request, which may have to wait.
func (w *randomStation) join(path string) {
	w.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2345*time.Millisecond)
		defer cancel()
		m := w.st.Await(ctx, path)
		if m == nil {
			return
		}
		l, err := m.Admit(streaming.Client{})
		if err != nil {
			return
		}
		l.Go(discard{}, nil)
		w.mu.Lock()
		w.listeners = append(w.listeners, l)
		w.mu.Unlock()
	})
}

// step makes something happen, and returns what.
func (w *randomStation) step() string {
	w.mu.Lock()
	w.sources = slices.DeleteFunc(w.sources, func(s *randomSource) bool { return s.Reason() != streaming.Running })
	w.listeners = slices.DeleteFunc(w.listeners, func(l *streaming.Listener) bool { return l.Reason() != streaming.Running })
	sources, listeners := slices.Clone(w.sources), slices.Clone(w.listeners)
	w.mu.Unlock()
	switch n := w.rnd.IntN(24); {
	case n < 6:
		path := w.path()
		w.join(path)
		return "join " + path
	case n < 11:
		path, contentType, frames := w.path(), mpegType, 5*w.rnd.IntN(4)
		if w.rnd.IntN(4) == 0 {
			contentType = w.other
		}
		w.connect(path, contentType, false, frames)
		return fmt.Sprintf("connect %s %s %d", path, contentType, frames)
	case n < 14 && len(sources) > 0:
		s := sources[w.rnd.IntN(len(sources))]
		s.send(5)
		return "send " + s.name
	case n < 17 && len(sources) > 0:
		s := sources[w.rnd.IntN(len(sources))]
		if w.rnd.IntN(3) == 0 {
			s.Stop(streaming.Removed)
		} else {
			_ = s.pipe.Close()
		}
		return "end " + s.name
	case n < 20 && len(listeners) > 0:
		l := listeners[w.rnd.IntN(len(listeners))]
		l.Remove(streaming.Removed)
		return "leave " + l.Mount().Path
	case n == 20 && len(listeners) > 0:
		l, to := listeners[w.rnd.IntN(len(listeners))], w.path()
		return fmt.Sprintf("move one of %s to %s: %v", l.Mount().Path, to, w.st.MoveListener(l, to))
	case n == 21:
		from, to := w.path(), w.path()
		moved, err := w.st.Move(from, to, w.rnd.IntN(2) == 0)
		return fmt.Sprintf("move %s to %s: %+v, %v", from, to, moved, err)
	case n == 22 && w.rnd.IntN(2) == 0:
		w.apply()
		return "apply"
	case n == 22:
		w.demand.mu.Lock()
		w.demand.failing = !w.demand.failing
		w.demand.mu.Unlock()
		w.st.Reconsider()
		return "other mounts are available on demand"
	default:
		d := time.Duration(1 + w.rnd.Int64N(int64(7*time.Second)))
		eventually.Advance(d)
		return "sleep " + d.String()
	}
}

// seen is what a whole pass may not change.
func (w *randomStation) seen() (changes int, mounts, sources string) {
	var paths, running []string
	for _, m := range w.st.Mounts() {
		paths = append(paths, m.Path)
	}
	w.players.mu.Lock()
	running = slices.Sorted(maps.Keys(w.players.playing))
	w.players.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sources {
		if s.Reason() == streaming.Running {
			running = append(running, s.name)
		}
	}
	return len(w.news), strings.Join(paths, " "), strings.Join(running, " ")
}

func (w *randomStation) checkWholePass(step int, after string) {
	w.t.Helper()
	changes, mounts, sources := w.seen()
	w.st.Reconsider()
	synctest.Wait()
	changesNow, mountsNow, sourcesNow := w.seen()
	if changes != changesNow || mounts != mountsNow || sources != sourcesNow {
		w.t.Errorf("step %d, after %q: a whole pass makes a difference: %q;\nmounts %s\nnow    %s\nsources %s\nnow     %s",
			step, after, w.news[changes:], mounts, mountsNow, sources, sourcesNow)
	}
}

// close closes all. Whole passes let that end even if the test has failed.
func (w *randomStation) close() {
	closed := make(chan struct{})
	w.running.Go(func() {
		for {
			select {
			case <-time.After(time.Second):
				w.st.Reconsider()
			case <-closed:
				return
			}
		}
	})
	if err := w.st.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := w.players.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	close(closed)
	close(w.demand.start)
	w.running.Wait()
}

// discard is a connection whose peer takes everything.
type discard struct{}

func (discard) Write(p []byte) (int, error)      { return len(p), nil }
func (discard) Flush() error                     { return nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }
func (discard) Abort()                           {}
func (discard) Close() error                     { return nil }
