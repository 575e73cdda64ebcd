package relay

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

var live = PickQuery{Mount: "/live", Scheme: "http"}

func TestAFloodIsSpreadByFreePlaces(t *testing.T) {
	for name, slaves := range map[string][]Report{
		"empty": {edge("small", 1000, 0, "/live"), edge("middle", 2000, 0, "/live"), edge("large", 3000, 0, "/live")},
		"used":  {edge("small", 1000, 800, "/live"), edge("middle", 2000, 1600, "/live"), edge("large", 3000, 2400, "/live")},
		"used unequally": {
			edge("small", 1000, 800, "/live"), edge("middle", 500, 100, "/live"), edge("large", 9000, 8400, "/live"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			s.random = rand.New(rand.NewPCG(1, 2)).Int64N
			for _, r := range slaves {
				mustRegister(t, s, new(Credential), r)
			}
			got := make(map[string]int)
			for range 600 {
				base, ok := s.Pick(live)
				if !ok {
					t.Fatal("there is no room")
				}
				got[strings.TrimPrefix(base, "http://")]++
			}
			for id, want := range map[string]int{"small": 100, "middle": 200, "large": 300} {
				if n := got[id]; n < want*9/10 || n > want*11/10 {
					t.Errorf("%s has %d; want %d", id, n, want)
				}
			}
			if list := s.List(); len(list) != 3 || list[0].Sent != got["large"] || list[0].AllSent != uint64(got["large"]) {
				t.Errorf("the list is %+v", list)
			}
		})
	}
}

func mustRegister(t testing.TB, s *Slaves, by *Credential, r Report) {
	t.Helper()
	if _, err := s.Register(by, r, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
}

func TestWhereAListenerIsSent(t *testing.T) {
	plain := edge("plain", 100, 0, "/live")
	plain.Public = plain.Public[:1]
	narrow := edge("narrow", 100, 10, "/live")
	narrow.Kbps, narrow.MaxBandwidth = 1280, 1300 // one more has no place
	all := edge("all", 100, 0)
	all.Mounts = nil
	hidden := edge("hidden", 100, 0, "/live")
	hidden.Public = nil
	limited := edge("limited", 100, 0, "/live")
	limited.Room = map[string]int{"/live": 0}
	refusing := edge("refusing", 100, 98, "/live")
	refusing.Refused = 2
	for _, tt := range []struct {
		name   string
		slaves []Report
		query  PickQuery
		want   string
	}{
		{"no slave", nil, live, ""},
		{"the one with room", []Report{edge("a", 100, 100, "/live"), edge("b", 100, 10, "/live")}, live, "http://b"},
		{"by the same scheme", []Report{plain}, PickQuery{Mount: "/live", Scheme: "https"}, ""},
		{"the one with the mount", []Report{edge("a", 100, 0, "/other"), edge("b", 100, 50, "/live")}, live, "http://b"},
		{"one without a list has all mounts", []Report{all}, PickQuery{Mount: "/live", Scheme: "https"}, "https://all"},
		{"no room", []Report{edge("a", 100, 100, "/live")}, live, ""},
		{"no bandwidth is left", []Report{narrow}, live, ""},
		{"enough for a low bitrate", []Report{narrow}, PickQuery{Mount: "/live", Scheme: "http", Kbps: func() int { return 16 }}, "http://narrow"},
		{"it has no URL", []Report{hidden}, live, ""},
		{"the mount's own limit is reached", []Report{limited}, live, ""},
		{"it refuses listeners", []Report{refusing}, live, ""},
		{"all but one", []Report{edge("a", 100, 0, "/live"), edge("b", 100, 0, "/live")}, PickQuery{Mount: "/live", Scheme: "http", Except: []string{"http://a"}}, "http://b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			for _, r := range tt.slaves {
				mustRegister(t, s, new(Credential), r)
			}
			if got, ok := s.Pick(tt.query); got != tt.want || ok != (tt.want != "") {
				t.Errorf("to %q", got)
			}
		})
	}
}

// A flood between two reports filled a slave beyond what it had reported.
func TestABurstNeverOvershootsAReport(t *testing.T) {
	places, kbps, room := edge("places", 30, 0, "/live"), edge("kbps", 1000, 0, "/live"), edge("room", 1000, 0, "/live")
	kbps.MaxBandwidth = 20 * 128
	room.Room = map[string]int{"/live": 10}
	s, _ := newTestSlaves(t)
	for _, r := range []Report{places, kbps, room} {
		mustRegister(t, s, new(Credential), r)
	}
	var mu sync.Mutex
	got := make(map[string]int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if base, ok := s.Pick(live); ok {
					mu.Lock()
					got[base]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if fmt.Sprint(got) != "map[http://kbps:20 http://places:30 http://room:10]" {
		t.Errorf("sent to %v; want each full", got)
	}
	mustRegister(t, s, new(Credential), edge("places", 30, 29, "/live"))
	if base, ok := s.Pick(live); ok {
		t.Errorf("a listener is sent to %q, though another one may be on its way there", base)
	}
	s.now = func() time.Time { return time.Now().Add(2 * arrivalTime) }
	mustRegister(t, s, new(Credential), edge("places", 30, 29, "/live"))
	if base, ok := s.Pick(live); base != "http://places" || !ok {
		t.Errorf("after the next report a listener is sent to %q", base)
	}
}

// A slave that is gone gets no listeners, not even by a snapshot that still has it.
func TestASlaveThatIsGoneGetsNoListeners(t *testing.T) {
	s, _ := newTestSlaves(t)
	s.now = func() time.Time { return time.Unix(1000, 0) } // no other snapshot is made
	mustRegister(t, s, new(Credential), edge("a", 100, 0, "/live"))
	if _, ok := s.Pick(live); !ok {
		t.Fatal("there is no room")
	}
	mustRegister(t, s, new(Credential), Report{ID: "a", Interval: 2, Leaving: true})
	if base, ok := s.Pick(live); ok {
		t.Errorf("sent to %s, which is gone", base)
	}
}

func TestTheListBeginsWithTheEmptiest(t *testing.T) {
	s, _ := newTestSlaves(t)
	mustRegister(t, s, new(Credential), edge("a", 100, 90, "/live"))
	mustRegister(t, s, new(Credential), edge("b", 100, 10, "/live"))
	mustRegister(t, s, new(Credential), edge("c", 100, 100, "/live"))
	if got := fmt.Sprint(s.Ranked(PickQuery{Mount: "/live", Scheme: "https"})); got != "[https://b https://a]" {
		t.Error(got)
	}
	if n := s.Listeners("/live"); n != 3 {
		t.Errorf("%d listeners", n)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{10, 200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := NewSlaves("self", func(Event) {})
			defer s.Close()
			for i := range n {
				by := &Credential{Name: fmt.Sprint(i / maxOwnSlaves)}
				mustRegister(b, s, by, edge(fmt.Sprintf("edge%d", i), 1<<30, i, "/live"))
			}
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if i%1000 == 0 {
						s.changed.Store(true) // as reports do
					}
					if _, ok := s.Pick(live); !ok {
						b.Error("there is no room")
					}
				}
			})
		})
	}
}
