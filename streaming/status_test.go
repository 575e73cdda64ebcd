package streaming

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// named connects a source with a name.
func named(t testing.TB, st *Station, path, name string) *encoder {
	t.Helper()
	r, w := io.Pipe()
	e := &encoder{Source: new(Source), t: t, pipe: w, done: make(chan Reason, 1)}
	info := Info{ContentType: "audio/mpeg", Name: name}
	if err := st.NewSource(path, e.Source, info, func() { r.CloseWithError(io.ErrClosedPipe) }); err != nil {
		t.Fatalf("connecting a source to %s: %v", path, err)
	}
	go func() {
		reason := e.Run(r)
		e.End()
		e.done <- reason
	}()
	t.Cleanup(func() { _ = w.Close() })
	return e
}

func TestAStatusShowsWhatANewListenerHears(t *testing.T) {
	settings := mountSettings(MountSettings{MaxListeners: 7, Linger: time.Minute, StreamInfo: Info{Genre: "jazz"}})
	settings.Director = backup{path: "/b"}
	st, _ := newTestStation(t, settings)
	m := newMount(st, "/m")
	if s := m.Status(); s.OnAir || s.Playing != "" || s.Source != nil || s.Metadata == nil || !s.AdHoc || s.Settings.MaxListeners != 7 {
		t.Errorf("a mount without anything is %+v", s)
	}

	other := named(t, st, "/b", "backup")
	other.send(someFrames)
	st.Await(t.Context(), "/b").SetMetadata("", "backup's title", "")
	l, err := st.Await(t.Context(), "/m").Admit(Client{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Cancel()
	m = st.Mount("/m")
	s := m.Status()
	if !s.OnAir || s.Playing != "/b" || !s.IsFallback() || s.Stream.Info.Name != "backup" || s.Metadata.Title != "backup's title" ||
		s.Source != nil || s.Stats.Listeners != 1 {
		t.Errorf("a mount with a fallback is %+v", s)
	}

	src := named(t, st, "/m", "live")
	src.send(someFrames)
	eventually.True(t, patience, "the source is heard", func() bool { return m.Heard() == "/m" })
	m.SetMetadata("", "live title", "")
	s = m.Status()
	if !s.OnAir || s.Playing != "/m" || s.IsFallback() || s.Stream.Info.Name != "live" || s.Stream.Info.Genre != "jazz" ||
		s.Metadata.Title != "live title" || s.AdHoc || s.Source == nil || s.Source.Info.Name != "live" || s.Stats.Sources != 1 {
		t.Errorf("a mount with a source is %+v", s)
	}

	all := st.Statuses()
	if len(all) != 2 || all[0].Path != "/b" || all[1].Path != "/m" || all[1].Source == nil || all[0].Stats.Listeners != 0 {
		t.Errorf("the mounts are %+v", all)
	}
	for _, totals := range st.Totals() {
		if totals.Path != "" && (totals.Status == nil || totals.Status.Path != totals.Path) { // the listener came before its mount had a source
			t.Errorf("the totals of %s have the status %+v", totals.Path, totals.Status)
		}
	}
}

// A source that has yet to show what it sends is not described by what the one before it
// said of itself, and its title is not that one's.
func TestANewSourcesTitleIsNotShownWithTheLastOnesName(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{Linger: time.Minute}))
	first := named(t, st, "/m", "first")
	first.send(someFrames)
	m := st.Await(t.Context(), "/m")
	m.SetMetadata("", "first title", "")
	first.end()

	second := named(t, st, "/m", "second")
	m.Announce("", "second title", "")
	if s := m.Status(); s.Stream.Info.Name != "first" || s.Metadata.Title != "first title" {
		t.Errorf("before it sends, %q is shown with %q", s.Stream.Info.Name, s.Metadata.Title)
	}
	second.send(someFrames)
	eventually.True(t, patience, "the second source is heard", func() bool { return m.Heard() == "/m" })
	if s := m.Status(); s.Stream.Info.Name != "second" || s.Metadata.Title != "second title" {
		t.Errorf("once it has sent, %q is shown with %q", s.Stream.Info.Name, s.Metadata.Title)
	}
}

func TestAStatusIsOfOneStreamWhileSourcesComeAndGo(t *testing.T) {
	settings := mountSettings(MountSettings{Linger: time.Minute})
	settings.Director = backup{path: "/b"}
	st, _ := newTestStation(t, settings)
	over := make(chan struct{})
	var hammers sync.WaitGroup
	for range 3 {
		hammers.Go(func() {
			for {
				for _, s := range st.Statuses() {
					if title := s.Metadata.Title; title != "" && s.OnAir && !strings.HasPrefix(title, s.Stream.Info.Name+" ") {
						t.Errorf("%s is %q with the title %q", s.Path, s.Stream.Info.Name, title)
						return
					}
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	var frames []byte
	for n := range uint64(someFrames) {
		frames = numbered.AppendFrame(frames, n, time.Now())
	}
	for i := range 200 {
		path := []string{"/m", "/b", "/m"}[i%3]
		name := fmt.Sprintf("source%d", i)
		src := named(t, st, path, name)
		st.Mount(path).Announce("", name+" early", "")
		src.write(frames)
		if i%5 != 0 {
			st.Mount(path).Announce("", name+" later", "")
		}
		src.end()
	}
	close(over)
	hammers.Wait()
}
