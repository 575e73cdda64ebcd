package streaming

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// notices are what a station tells, as lines.
type notices struct {
	mu    sync.Mutex
	lines []string
}

func (n *notices) add(notice Notice) {
	names := []string{
		SourceConnected: "connected", SourceDisconnected: "disconnected", ListenerAdded: "added", MetadataUpdated: "title",
		FallbackEngaged: "engaged", FallbackReleased: "released", MountFull: "full", SourceTooFast: "too fast",
	}
	line := names[notice.Kind] + " " + notice.Mount.Path
	switch notice.Kind {
	case FallbackEngaged, FallbackReleased:
		line += fmt.Sprintf(" %s>%s", notice.From, notice.To)
	case MetadataUpdated:
		line += " " + notice.Metadata.Song()
	case SourceDisconnected:
		line += fmt.Sprintf(" %s %d", notice.Source.Reason(), notice.Bytes)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notices) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// noticing returns a station, and what it tells.
func recordNotices(t *testing.T, settings Settings) (*Station, *notices) {
	n := new(notices)
	st := NewStation(func(*Listener) {}, func(FeedChange) {})
	st.Notify(n.add)
	st.Apply(&settings)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Errorf("closing the station: %v", err)
		}
	})
	return st, n
}

func (n *notices) want(t *testing.T, want ...string) {
	t.Helper()
	eventually.True(t, patience, "the notices are: "+strings.Join(want, ", "), func() bool { return len(n.all()) >= len(want) })
	if got := n.all(); !slices.Equal(got, want) {
		t.Errorf("told was\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// someFrames are enough to know what they are.
const someFrames = 8

// someBytes is how long they are.
func someBytes() int {
	var all []byte
	for n := range uint64(someFrames) {
		all = numbered.AppendFrame(all, n, time.Now())
	}
	return len(all)
}

// backup is a director that has every mount's listeners hear another one while
// their own has nothing.
type backup struct {
	noFallbacks
	path string
}

func (b backup) Choose(q Query) Decision {
	for _, path := range []string{q.Home, b.path} {
		if q.State(path).Usable(q.Type) {
			return Decision{Hear: path}
		}
	}
	return Decision{}
}

func (b backup) Fallbacks(string) []string { return []string{b.path} }
func (b backup) HasFallback(string) bool   { return true }

func TestWhatHappensToAMountIsToldInOrder(t *testing.T) {
	st, n := recordNotices(t, mountSettings(MountSettings{MaxListeners: 1}))
	src := connect(t, st, "/m", "audio/mpeg")
	src.send(someFrames)
	m := st.Await(t.Context(), "/m")
	for range 2 {
		m.SetMetadata("", "one", "")
		m.SetMetadata("", "one", "")
		l, err := m.Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := m.Admit(Client{}); err == nil {
				t.Fatal("a listener beyond the limit is admitted")
			}
		}
		l.Cancel() // who never had a connection is nobody
	}
	src.end()
	n.want(t, "connected /m", "title /m one", "full /m", "full /m", fmt.Sprintf("disconnected /m finished %d", someBytes()))
}

// A valid source may send thousands of titles a second, each of them a line of the log.
func TestOfManyTitlesWithinASecondTheLastOneIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, n := recordNotices(t, Settings{})
		src := &Source{}
		if err := st.NewSource("/m", src, Info{}, func() {}); err != nil {
			t.Fatal(err)
		}
		m := src.Mount()
		src.running = true
		m.publishSource(src)
		want := []string{"connected /m", "title /m first 0"}
		flood := func(name string) {
			for i := range 1000 {
				m.SetMetadata("", fmt.Sprintf("%s %d", name, i), "")
			}
		}
		flood("first")
		synctest.Wait()
		n.want(t, want...)
		eventually.Advance(titleSpacing)
		n.want(t, append(want, "title /m first 999")...)

		eventually.Advance(titleSpacing / 2)
		flood("second")
		eventually.Advance(titleSpacing/2 - 1)
		n.want(t, append(want, "title /m first 999")...)
		eventually.Advance(1)
		want = append(want, "title /m first 999", "title /m second 999")
		n.want(t, want...)

		flood("third") // what waits is told before the end
		src.Stop(Removed)
		src.End()
		synctest.Wait()
		n.want(t, append(want, "title /m third 999", "disconnected /m removed 0")...)
		eventually.Advance(time.Minute)
		n.want(t, append(want, "title /m third 999", "disconnected /m removed 0")...)
	})
}

func TestAFallbackIsToldOnceHoweverManyHearIt(t *testing.T) {
	settings := Settings{Director: backup{path: "/b"}}
	st, n := recordNotices(t, settings)
	other := connect(t, st, "/b", "audio/mpeg")
	other.send(someFrames)
	if st.Await(t.Context(), "/b") == nil {
		t.Fatal("the fallback is not heard")
	}
	n.want(t, "connected /b")
	m := st.Await(t.Context(), "/m")
	var there []*Listener
	for range 3 { // listeners while there is no source
		l, err := m.Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		there = append(there, l)
	}
	n.want(t, "connected /b", "engaged /m /m>/b")
	src := connect(t, st, "/m", "audio/mpeg")
	src.send(someFrames)
	n.want(t, "connected /b", "engaged /m /m>/b", "connected /m", "released /m /b>/m")
	src.end()
	for _, l := range there {
		l.Cancel()
	}
	n.want(t, "connected /b", "engaged /m /m>/b", "connected /m", "released /m /b>/m",
		fmt.Sprintf("disconnected /m finished %d", someBytes()), "engaged /m /m>/b", "released /m /b>")
}

func TestListenersThatAreMovedHearNoFallback(t *testing.T) {
	st, n := recordNotices(t, Settings{})
	for _, path := range []string{"/a", "/b"} {
		src := connect(t, st, path, "audio/mpeg")
		src.send(someFrames)
		if st.Await(t.Context(), path) == nil {
			t.Fatalf("%s is not heard", path)
		}
	}
	l, err := st.Mount("/a").Admit(Client{})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"/b", "/a"} {
		if moved, err := st.Move("/a", to, false); moved.Listeners != 1 || err != nil {
			t.Fatalf("%d listeners were moved to %s: %v", moved, to, err)
		}
	}
	l.Cancel()
	st.Mount("/a").SetMetadata("", "last", "")
	n.want(t, "connected /a", "connected /b", "title /a last")
}

func TestWhatFeedsOthersOnlyIsNobodysBusiness(t *testing.T) {
	st, n := recordNotices(t, Settings{})
	src := connect(t, st, "internal", "audio/mpeg")
	src.send(someFrames)
	eventually.True(t, patience, "it is there", func() bool { return st.Mount("internal") != nil })
	st.Mount("internal").SetMetadata("", "title", "")
	src.end()
	connect(t, st, "/m", "audio/mpeg")
	n.want(t, "connected /m")
}

func TestATitleThatComesBeforeItsSourceIsReadIsToldAfterIt(t *testing.T) {
	st, n := recordNotices(t, Settings{})
	for _, read := range []bool{true, false} {
		s := new(Source)
		if err := st.NewSource("/m", s, Info{}, func() {}); err != nil {
			t.Fatal(err)
		}
		st.Mount("/m").SetMetadata("", "early", "")
		st.Mount("/m").SetMetadata("", "next", "")
		if read {
			s.Run(strings.NewReader(""))
		}
		s.End()
	}
	n.want(t, "connected /m", "title /m next", "disconnected /m finished 0")
}

func TestASourceThatIsNeverReadIsNone(t *testing.T) {
	st, n := recordNotices(t, Settings{})
	s := new(Source)
	if err := st.NewSource("/m", s, Info{}, func() {}); err != nil {
		t.Fatal(err)
	}
	s.End()
	connect(t, st, "/n", "audio/mpeg")
	n.want(t, "connected /n")
}
