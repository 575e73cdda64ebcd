package streaming

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// paths are the two ways to a listener.
var paths = []struct {
	name  string
	plain bool
}{{"plain", true}, {"goroutine", false}}

func TestListenersGetEveryFrameFromTheirStartOn(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			src := connect(t, st, "/m", numbered.ContentType)
			src.send(50)
			var streams []<-chan []byte
			for range 20 {
				p := join(t, st, "/m", way.plain, Client{})
				p.readHead()
				streams = append(streams, p.readAside())
				src.send(50)
			}
			if r := src.end(); r != Finished {
				t.Errorf("the source ended as %v", r)
			}
			for i, stream := range streams {
				c := check(t, <-stream)
				if c.Last != src.next-1 || c.Rest() != 0 {
					t.Errorf("listener %d: last frame %d, want %d; %d bytes too many", i, c.Last, src.next-1, c.Rest())
				}
				if most := uint64(i * 50); c.First > most {
					t.Errorf("listener %d begins with frame %d, after its time %d", i, c.First, most)
				}
			}
			for range streams {
				if l := nextEnded(t, ended); l.Reason() != SourceEnded {
					t.Errorf("a listener ended as %v", l.Reason())
				}
			}
		})
	}
}

func TestAListenerThatStopsReadingIsDroppedAndNobodyElse(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, mountSettings(MountSettings{Queue: 256 << 10}))
			src := connect(t, st, "/m", numbered.ContentType)
			src.send(2)
			stuck := join(t, st, "/m", way.plain, Client{})
			_ = stuck.Conn // never read
			well := join(t, st, "/m", way.plain, Client{})
			well.readHead()
			var c numbered.Checker
			for st.Listeners() > 1 {
				src.send(20)
				got := well.read(20 * (numbered.MaxFrame - 2))
				if _, err := c.Write(got); err != nil {
					t.Fatal(err)
				}
				if src.next > 1e5 {
					t.Fatal("40 MB later it is still there")
				}
			}
			if l := nextEnded(t, ended); l != stuck.Listener || l.Reason() != Slow {
				t.Errorf("listener %d ended as %v", l.ID, l.Reason())
			}
			if got := st.Mount("/m").Stats().Slow; got != 1 {
				t.Errorf("%d slow listeners are counted, want 1", got)
			}
		})
	}
}

func TestAListenerThatLeavesIsCountedOut(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			src := connect(t, st, "/m", numbered.ContentType)
			src.send(2)
			p := join(t, st, "/m", way.plain, Client{Agent: "x"})
			p.readHead()
			_ = p.Close()
			eventually(t, "the listener is counted out", func() bool {
				src.send(1)
				return st.Listeners() == 0
			})
			if l := nextEnded(t, ended); l.Reason() != Departed || l.Client.Agent != "x" {
				t.Errorf("ended as %v", l.Reason())
			}
			if s := st.Mount("/m").Stats(); s.Peak != 1 || s.Connections != 1 || s.Listeners != 0 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	st, _ := newTestStation(t, Settings{
		MaxListeners: 3, MaxSources: 2,
		Mount: func(path string) MountSettings {
			return MountSettings{MaxListeners: map[string]int{"/two": 2}[path], NoDirect: path == "/none"}
		},
	})
	connect(t, st, "/two", numbered.ContentType).send(2)
	connect(t, st, "/none", numbered.ContentType).send(2)
	if err := st.NewSource("/third", new(Source), Info{}, func() {}); !errors.Is(err, ErrTooManySources) {
		t.Errorf("a third source: %v", err)
	}
	if err := st.NewSource("/two", new(Source), Info{}, func() {}); !errors.Is(err, ErrMountInUse) {
		t.Errorf("a second source of a mount: %v", err)
	}
	admit := func(path string) error {
		_, err := st.Await(context.Background(), path).Admit(Client{})
		return err
	}
	if err := admit("/none"); !errors.Is(err, ErrNoDirect) {
		t.Errorf("a mount that nobody may ask for: %v", err)
	}
	join(t, st, "/two", true, Client{})
	join(t, st, "/two", true, Client{})
	if err := admit("/two"); !errors.Is(err, ErrMountFull) {
		t.Errorf("a third listener: %v", err)
	}
	st.Apply(&Settings{MaxListeners: 3})
	join(t, st, "/two", true, Client{})
	if err := admit("/two"); !errors.Is(err, ErrStationFull) {
		t.Errorf("a fourth listener: %v", err)
	}
	if n := st.Listeners(); n != 3 {
		t.Errorf("%d listeners are counted, want 3", n)
	}
}

func TestASilentSourceIsGoneAndAShorterTimeoutHoldsForIt(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{SourceTimeout: time.Hour}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	p := join(t, st, "/m", true, Client{})
	short := mountSettings(MountSettings{SourceTimeout: 50 * time.Millisecond})
	st.Apply(&short)
	if r := src.reasonOf(); r != TimedOut {
		t.Errorf("ended as %v", r)
	}
	p.readHead()
	check(t, p.readAll())
	if l := nextEnded(t, ended); l.Reason() != SourceEnded {
		t.Errorf("the listener ended as %v", l.Reason())
	}
	if m := st.Mount("/m"); m != nil {
		t.Error("the mount is still there")
	}
}

func TestASourceThatSendsNothingButGarbageIsSilent(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{SourceTimeout: 200 * time.Millisecond}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	for src.Reason() == Running {
		_, _ = src.pipe.Write(make([]byte, 100))
		time.Sleep(time.Millisecond)
	}
	if r := src.reasonOf(); r != TimedOut {
		t.Errorf("ended as %v", r)
	}
}

func TestWhoLeavesASilentMountIsCountedOut(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{SourceTimeout: time.Hour}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	_ = p.Close()
	if l := nextEnded(t, ended); l.Reason() != Departed {
		t.Errorf("ended as %v", l.Reason())
	}
}

func TestAClosedStationAdmitsNobody(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	connect(t, st, "/m", numbered.ContentType).send(2)
	join(t, st, "/m", true, Client{})
	m := st.Mount("/m")
	if err := st.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Admit(Client{}); !errors.Is(err, ErrClosed) || st.Listeners() != 0 {
		t.Errorf("who comes late: %v, and %d listeners are counted", err, st.Listeners())
	}
}

// blocks that a shard remembered after its last listener had left kept alive all
// that was appended after them.
func TestAShardWithoutListenersKeepsNothingInMemory(t *testing.T) {
	st, ended := newTestStation(t, Settings{})
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	src.send(10)
	p.read(5000)
	block := st.Mount("/m").log.tail.Load() // which the shard has just written
	gone := make(chan struct{})
	runtime.AddCleanup(block, func(c chan struct{}) { close(c) }, gone) // its last use
	p.Remove(Removed)
	nextEnded(t, ended)
	p.Listener = nil
	src.send(1000) // the log itself goes on
	eventually(t, "the blocks of before are freed", func() bool {
		runtime.GC()
		select {
		case <-gone:
			return true
		default:
			return false
		}
	})
}

func TestOggAndWebMHaveNoICYMetadata(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	for contentType, want := range map[string]int{"application/ogg": 0, "audio/webm; codecs=opus": 0, "text/plain": DefaultMetadataInterval} {
		src := connect(t, st, "/m", contentType)
		magic := map[string]string{"application/ogg": "OggS", "text/plain": "text"}[contentType]
		if magic == "" {
			magic = "\x1a\x45\xdf\xa3"
		}
		src.write([]byte(magic + " and so on"))
		m := st.Await(context.Background(), "/m")
		if got := m.Interval(Client{Metadata: true}); got != want {
			t.Errorf("%s: the interval is %d, want %d", contentType, got, want)
		}
		src.end()
		eventually(t, "the mount is gone", func() bool { return st.Mount("/m") == nil })
	}
}

func TestListenersWaitForASourceThatBlinks(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
			first := connect(t, st, "/m", numbered.ContentType)
			first.send(10)
			p := join(t, st, "/m", way.plain, Client{})
			p.readHead()
			first.write([]byte{0xff, 0xfb, 0x92, 0xc4, 1, 2, 3}) // it dies within a frame
			first.end()

			late := join(t, st, "/m", way.plain, Client{}) // comes while nobody sends
			second := connect(t, st, "/m", numbered.ContentType)
			second.next = first.next
			second.send(10)
			eventually(t, "all is delivered", func() bool { return late.Sent() > 10*(numbered.MaxFrame-1) })
			second.Stop(Removed)
			second.reasonOf()
			if c := check(t, p.readAll()); c.First != 0 || c.Last != second.next-1 {
				t.Errorf("who was there heard %d to %d", c.First, c.Last)
			}
			late.readHead()
			if c := check(t, late.readAll()); c.First != first.next || c.Last != second.next-1 {
				t.Errorf("who came in between heard %d to %d", c.First, c.Last)
			}
			nextEnded(t, ended)
			nextEnded(t, ended)
		})
	}
}

func TestNobodyIsFedATypeThatHeWasNotPromised(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
	first := connect(t, st, "/m", numbered.ContentType)
	first.send(10)
	p := join(t, st, "/m", true, Client{})
	first.end()
	second := connect(t, st, "/m", "text/plain")
	second.write([]byte("some text"))
	p.readHead()
	if c := check(t, p.readAll()); c.Last != 9 || c.Rest() != 0 {
		t.Errorf("heard to frame %d and %d bytes of something else", c.Last, c.Rest())
	}
	if l := nextEnded(t, ended); l.Reason() != TypeChanged {
		t.Errorf("ended as %v", l.Reason())
	}
	fresh := join(t, st, "/m", true, Client{})
	fresh.readHead()
	if got := fresh.read(9); string(got) != "some text" {
		t.Errorf("a new listener gets %q", got)
	}
	if s, _ := fresh.Mount().Stream(); s.Type != "text/plain" {
		t.Errorf("promised %q", s.Type)
	}
}

func TestTakeoverIsForTheSameUserAlone(t *testing.T) {
	user := func(name string) func(*Source) { return func(s *Source) { s.User = name } }
	st, _ := newTestStation(t, mountSettings(MountSettings{Takeover: true})) // without linger, too
	old := connect(t, st, "/m", numbered.ContentType, user("dj"))
	old.send(10)
	p := join(t, st, "/m", true, Client{})
	if err := st.NewSource("/m", &Source{User: "other"}, Info{}, func() {}); !errors.Is(err, ErrMountInUse) {
		t.Errorf("another user: %v", err)
	}
	fresh := connect(t, st, "/m", numbered.ContentType, user("dj"))
	if r := old.reasonOf(); r != Replaced {
		t.Errorf("the old source ended as %v", r)
	}
	fresh.next = old.next
	fresh.send(10)
	p.readHead()
	if c := check(t, p.read(20*(numbered.MaxFrame-1))); c.First != 0 {
		t.Errorf("heard from %d", c.First)
	}
}

func TestListenersMayStayAsLongAsIsSet(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, mountSettings(MountSettings{MaxListenerDuration: time.Millisecond}))
			connect(t, st, "/m", numbered.ContentType).send(5)
			p := join(t, st, "/m", way.plain, Client{})
			if l := nextEnded(t, ended); l.Reason() != TimeLimit {
				t.Errorf("ended as %v", l.Reason())
			}
			p.readHead()
			check(t, p.readAll())
		})
	}
}

func TestRemovedListenersEndAndOthersStay(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			connect(t, st, "/m", numbered.ContentType).send(5)
			stays, goes := join(t, st, "/m", way.plain, Client{}), join(t, st, "/m", way.plain, Client{})
			goes.Remove(Removed)
			if l := nextEnded(t, ended); l != goes.Listener || l.Reason() != Removed {
				t.Errorf("listener %d ended as %v", l.ID, l.Reason())
			}
			if stays.Reason() != Running {
				t.Errorf("the other ended as %v", stays.Reason())
			}
		})
	}
}

func TestTitlesComeWithTheSoundTheyBelongTo(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, _ := newTestStation(t, mountSettings(MountSettings{MetadataInterval: 1000}))
			src := connect(t, st, "/m", numbered.ContentType)
			src.send(2)
			m := st.Mount("/m")
			if !m.SetMetadata("", "early", "") || m.SetMetadata("", "early", "") {
				t.Error("a title is news once")
			}
			src.send(10)
			p := join(t, st, "/m", way.plain, Client{Metadata: true}) // its burst has no title at first
			p.readHead()
			var titles []string
			var audio []byte
			for i := range 12 {
				audio = append(audio, p.read(1000)...)
				if size := 16 * int(p.read(1)[0]); size > 0 {
					titles = append(titles, string(bytes.TrimRight(p.read(size), "\x00")))
				}
				if i == 2 {
					m.SetMetadata("Late", "Riser", "")
				}
				src.send(3)
			}
			check(t, audio)
			want := []string{"StreamTitle='early';", "StreamTitle='Late - Riser';"}
			if fmt.Sprint(titles) != fmt.Sprint(want) {
				t.Errorf("told %q, want %q", titles, want)
			}
		})
	}
}

func TestSourcesMayBringTheirTitlesAlong(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	src := connect(t, st, "/m", numbered.ContentType, func(s *Source) { s.Interval = 1000 })
	var audio []byte
	for n := range uint64(20) {
		audio = numbered.AppendFrame(audio, n, time.Now())
	}
	block := newMetadata("", "in the stream", "", "").block
	for i := 0; i+1000 <= len(audio); i += 1000 {
		src.write(audio[i : i+1000])
		src.write(block)
		block = []byte{0}
	}
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	src.end()
	if c := check(t, p.readAll()); c.First != 0 || c.Frames < 18 {
		t.Errorf("heard %d frames from %d on", c.Frames, c.First)
	}
	if got := p.mount.Metadata().Song(); got != "in the stream" {
		t.Errorf("the title is %q", got)
	}
}

func TestClosingEndsEverythingInTime(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(100)
	var players []*player
	for i := range 20 {
		players = append(players, join(t, st, "/m", i%2 == 0, Client{}))
	}
	stuck := connect(t, st, "/stuck", numbered.ContentType)
	stuck.send(2)
	join(t, st, "/stuck", true, Client{})
	join(t, st, "/stuck", false, Client{})
	stuck.send(30000) // what no socket takes at once
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := st.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if r := src.reasonOf(); r != ShuttingDown {
		t.Errorf("the source ended as %v", r)
	}
	for range len(players) + 2 {
		nextEnded(t, ended)
	}
	for _, p := range players {
		p.readHead()
		if c := check(t, p.readAll()); c.Last != 99 || c.Rest() != 0 {
			t.Errorf("the last frame is %d with %d bytes behind it", c.Last, c.Rest())
		}
	}
	if err := st.NewSource("/late", new(Source), Info{}, func() {}); !errors.Is(err, ErrClosed) {
		t.Errorf("a source after that: %v", err)
	}
}
