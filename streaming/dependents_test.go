package streaming

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// What it costs that a source comes and goes on a station with many other mounts. It must
// not grow with them.
func BenchmarkSourceComesAndGoes(b *testing.B) {
	for _, mounts := range []int{1, 100, 1500} {
		b.Run(fmt.Sprintf("mounts=%d", mounts), func(b *testing.B) {
			st := NewStation(func(*Listener) {}, func(FeedChange) {})
			st.Apply(&Settings{MaxSources: 10_000, Director: backup{path: "/0"}})
			var listeners []*Listener
			join := func(path string) {
				l, err := st.Await(b.Context(), path).Admit(Client{})
				if err != nil {
					b.Fatal(err)
				}
				listeners = append(listeners, l)
			}
			for i := range mounts {
				path := fmt.Sprintf("/%d", i)
				newMount(st, path).goLive(numbered.ContentType)
				join(path)
			}
			join("/m") // it hears /0 as long as there is no source
			b.ReportAllocs()
			for b.Loop() {
				s := new(Source)
				if err := st.NewSource("/m", s, Info{}, func() {}); err != nil {
					b.Fatal(err)
				}
				st.announce(s, numbered.ContentType, promise{kind: "audio/mpeg"})
				s.End()
			}
			for _, l := range listeners {
				l.Cancel()
			}
			for _, m := range st.mounts {
				m.source = nil // there is none to wait for
			}
			_ = st.Close(b.Context())
		})
	}
}

// demanded is a director that has a better mount started for the listeners of its backup.
type demanded struct {
	backup
	started *[]string
}

func (d demanded) Choose(q Query) Decision {
	c := d.backup.Choose(q)
	c.StartOnDemand = []string{"/better"}
	return c
}

func (d demanded) StartOnDemand(path string) { *d.started = append(*d.started, path) }

// Before, it was started at the next change of any mount.
func TestAListenerOfAFallbackHasABetterMountStarted(t *testing.T) {
	var started []string
	st, _ := newTestStation(t, Settings{Director: demanded{backup{path: "/b"}, &started}})
	connect(t, st, "/b", numbered.ContentType).send(someFrames)
	if started != nil {
		t.Fatalf("%v is started without listeners", started)
	}
	l, err := st.Await(t.Context(), "/m").Admit(Client{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Cancel()
	if len(started) != 1 || started[0] != "/better" {
		t.Errorf("%v is started; want /better", started)
	}
}

// Before, it ended at once if they had heard it for more than ten seconds.
func TestASourceOnDemandPlaysTenSecondsAfterItsListenersHaveMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		st.Apply(&Settings{Director: backup{path: "/b"}})
		src := connect(t, st, "/b", numbered.ContentType, func(s *Source) { s.SetOnDemand(true) })
		src.send(someFrames)
		l, err := st.Await(t.Context(), "/m").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 { // it is not silent
			eventually.Advance(time.Second)
			src.send(1)
		}
		home := connect(t, st, "/m", numbered.ContentType)
		home.send(someFrames)
		moved := time.Now()
		for src.Reason() == Running {
			src.send(1)
			home.send(1)
			eventually.Advance(time.Second / 2)
		}
		if after := time.Since(moved); src.Reason() != NoDemand || after < unheardTime || after > unheardTime+time.Second {
			t.Errorf("it ends after %v, %v", after, src.Reason())
		}
		l.Cancel()
		if err := st.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A request that leaves no listener leaves no mount.
func TestAMountIsDroppedIfItsOnlyRequestIsRefused(t *testing.T) {
	st, _ := newTestStation(t, Settings{MaxBandwidth: 1, Director: backup{path: "/b"}})
	src := connect(t, st, "/b", numbered.ContentType)
	src.send(someFrames)
	src.rate.Store(math.Float64bits(16_000))
	if _, err := st.Await(t.Context(), "/m").Admit(Client{}); !errors.Is(err, ErrStationBandwidth) {
		t.Fatalf("it is admitted: %v", err)
	}
	if all := st.Mounts(); len(all) != 1 {
		t.Errorf("%d mounts are left", len(all))
	}
}

func TestTheLogOfADroppedMountIsReleased(t *testing.T) {
	st, _ := newTestStation(t, Settings{Director: backup{path: "/b"}})
	src := connect(t, st, "/b", numbered.ContentType)
	src.send(someFrames)
	b := st.Mount("/b")
	l, err := st.Await(t.Context(), "/m").Admit(Client{})
	if err != nil {
		t.Fatal(err)
	}
	connect(t, st, "/m", numbered.ContentType).send(someFrames)
	g := l.group
	if len(g.heardTo) != 1 || len(g.others) != 1 || len(b.hearers) != 1 || len(st.homes["/b"]) != 1 {
		t.Fatalf("%d logs, %d mounts, %d hearers, %d homes; want one of each", len(g.heardTo), len(g.others), len(b.hearers), len(st.homes["/b"]))
	}
	src.end()
	if len(g.heardTo) != 0 || len(g.others) != 0 || len(b.hearers) != 0 {
		t.Errorf("%d logs, %d mounts, %d hearers are left", len(g.heardTo), len(g.others), len(b.hearers))
	}
	l.Cancel()
	if len(st.homes) != 0 {
		t.Errorf("%v still have homes", st.homes)
	}
}
