package streaming

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
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
			eventually.True(t, patience, "the listener is counted out", func() bool {
				src.send(1)
				return st.Listeners() == 0
			})
			if l := nextEnded(t, ended); l.Reason() != Disconnected || l.Client.Agent != "x" {
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

func TestWhoLeavesASilentMountIsCountedOut(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{SourceTimeout: time.Hour}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	_ = p.Close()
	if l := nextEnded(t, ended); l.Reason() != Disconnected {
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
		t.Errorf("a late listener: %v, and %d listeners are counted", err, st.Listeners())
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
	block := st.Mount("/m").log.Tail() // which the shard has just written
	gone := make(chan struct{})
	runtime.AddCleanup(block, func(c chan struct{}) { close(c) }, gone) // its last use
	p.Remove(Removed)
	nextEnded(t, ended)
	p.Listener = nil
	src.send(1000) // the log itself goes on
	eventually.True(t, patience, "the blocks of before are freed", func() bool {
		runtime.GC()
		select {
		case <-gone:
			return true
		default:
			return false
		}
	})
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
