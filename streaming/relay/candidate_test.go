package relay

import (
	"fmt"
	"strings"
	"testing"
)

func TestAFloodIsSpreadByCapacity(t *testing.T) {
	s, _ := newTestSlaves(t)
	for id, capacity := range map[string]int{"small": 1000, "middle": 2000, "large": 3000} {
		s.Register(edge(id, capacity, 0, "/live"), "192.0.2.1")
	}
	got := make(map[string]int)
	for range 1200 {
		base, ok := s.Pick("/live", "http")
		if !ok {
			t.Fatal("there is no room")
		}
		got[strings.TrimPrefix(base, "http://")]++
	}
	for id, want := range map[string]int{"small": 200, "middle": 400, "large": 600} {
		if n := got[id]; n < want*9/10 || n > want*11/10 {
			t.Errorf("%s has %d; want %d", id, n, want)
		}
	}
	if list := s.List(); len(list) != 3 || list[0].Sent != got["large"] {
		t.Errorf("the list is %+v", list)
	}
}

func TestWhereAListenerIsSent(t *testing.T) {
	plain := edge("plain", 100, 0, "/live")
	plain.Public = plain.Public[:1]
	narrow := edge("narrow", 100, 10, "/live")
	narrow.Kbps, narrow.MaxKbps = 1280, 1300 // one more has no place
	all := edge("all", 100, 0)
	all.Mounts = nil
	hidden := edge("hidden", 100, 0, "/live")
	hidden.Public = nil
	for _, tt := range []struct {
		name   string
		slaves []Report
		scheme string
		want   string
	}{
		{"no slave", nil, "http", ""},
		{"the emptier one", []Report{edge("a", 100, 90, "/live"), edge("b", 100, 10, "/live")}, "http", "http://b"},
		{"the one with the larger share free", []Report{edge("a", 1000, 900, "/live"), edge("b", 100, 10, "/live")}, "http", "http://b"},
		{"by the same scheme", []Report{plain}, "https", ""},
		{"the one with the mount", []Report{edge("a", 100, 0, "/other"), edge("b", 100, 50, "/live")}, "http", "http://b"},
		{"one without a list has all mounts", []Report{all}, "https", "https://all"},
		{"no room", []Report{edge("a", 100, 100, "/live")}, "http", ""},
		{"no bandwidth is left", []Report{narrow}, "http", ""},
		{"it has no URL", []Report{hidden}, "http", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			for _, r := range tt.slaves {
				s.Register(r, "192.0.2.1")
			}
			if got, ok := s.Pick("/live", tt.scheme); got != tt.want || ok != (tt.want != "") {
				t.Errorf("to %q", got)
			}
		})
	}
}

func TestTheListBeginsWithTheEmptiest(t *testing.T) {
	s, _ := newTestSlaves(t)
	s.Register(edge("a", 100, 90, "/live"), "")
	s.Register(edge("b", 100, 10, "/live"), "")
	s.Register(edge("c", 100, 100, "/live"), "")
	if got := fmt.Sprint(s.Ranked("/live", "https")); got != "[https://b https://a]" {
		t.Error(got)
	}
	if n := s.Listeners("/live"); n != 3 {
		t.Errorf("%d listeners", n)
	}
}
