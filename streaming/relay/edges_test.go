package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// below returns an edge of a hub's report.
func below(id string, free int, mounts ...string) Edge {
	return Edge{ID: id, Public: []string{"http://" + id, "https://" + id}, Free: free, Capacity: 100, Mounts: mounts}
}

func hub(id string, edges ...Edge) Report {
	r := edge(id, 100, 90, "/live", "/other")
	r.Edges = edges
	return r
}

// fill sends listeners until there is no room, and returns their numbers by base URL.
func fill(t *testing.T, s *Slaves, q PickQuery) string {
	t.Helper()
	got := make(map[string]int)
	for n := range 1000 {
		base, ok := s.Pick(q)
		if !ok {
			break
		}
		if got[strings.TrimPrefix(base, "http://")]++; n > 900 {
			t.Fatal("there is no end of room")
		}
	}
	return strings.TrimPrefix(fmt.Sprint(got), "map")
}

func TestListenersAreSentToTheEdgesOfHubs(t *testing.T) {
	hidden := hub("hidden", below("e", 20))
	hidden.Public = nil
	shared := hub("hub", below("e", 21))
	shared.Share = &Share{Of: 2, Index: 1}
	limited := hub("hub", below("e", 20))
	limited.Edges[0].Room = map[string]int{"/live": 3}
	asking := hub("hub", below("e", 20), below("f", 20))
	asking.AsksMaster, asking.Edges[0].AsksMaster = true, true
	deaf := hub("hub", below("e", 20))
	deaf.Edges[0].AsksMaster = true
	old := hub("hub", below("e", 20))
	old.Edges[0].Age = int(maxReportAge/time.Millisecond) + 1
	near := hub("hub", below("e", 20), below("f", 20))
	near.Edges[1].Region = "eu-west"
	for _, tt := range []struct {
		name   string
		slaves []Report
		query  PickQuery
		want   string
	}{
		{"a hub and its edges", []Report{hub("hub", below("e", 20), below("f", 30))}, live, "[e:20 f:30 hub:10]"},
		{"a hub without URLs", []Report{hidden}, live, "[e:20]"},
		{"an edge with another mount", []Report{hub("hub", below("e", 20, "/other"), below("f", 5, "/live"))}, live, "[f:5 hub:10]"},
		{"a mount that the hub does not have", []Report{hub("hub", below("e", 20, "/third"))}, PickQuery{Mount: "/third", Scheme: "http"}, "[]"},
		{"a mount with a limit", []Report{limited}, live, "[e:3 hub:10]"},
		{"a share of the hub", []Report{shared}, live, "[e:10 hub:5]"},
		{"a protected mount", []Report{asking}, PickQuery{Mount: "/live", Scheme: "http", Protected: true}, "[e:20 hub:10]"},
		{"a protected mount, and a hub that does not ask", []Report{deaf}, PickQuery{Mount: "/live", Scheme: "http", Protected: true}, "[]"},
		{"an edge that reports here", []Report{hub("hub", below("e", 20)), edge("e", 100, 93, "/live")}, live, "[e:7 hub:10]"},
		{"an edge that is below two hubs", []Report{hub("hub", below("e", 20)), hub("next", below("e", 5))}, live, "[e:25 hub:10 next:10]"},
		{"this node", []Report{hub("hub", below("self", 20))}, live, "[hub:10]"},
		{"an old report", []Report{old}, live, "[hub:10]"},
		{"all but one", []Report{hub("hub", below("e", 20))}, PickQuery{Mount: "/live", Scheme: "http", Except: []string{"http://e"}}, "[hub:10]"},
		{"a region", []Report{near}, PickQuery{Mount: "/live", Scheme: "http", Region: "eu-west", Except: []string{"http://e", "http://hub"}}, "[f:20]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			for i := range tt.slaves {
				mustRegister(t, s, new(Credential), tt.slaves[i])
			}
			if got := fill(t, s, tt.query); got != tt.want {
				t.Errorf("sent to %s; want %s", got, tt.want)
			}
		})
	}
}

func TestTheListHasEachEdgeOnce(t *testing.T) {
	s, _ := newTestSlaves(t)
	mustRegister(t, s, new(Credential), hub("hub", below("e", 90)))
	mustRegister(t, s, new(Credential), hub("next", below("e", 80), below("f", 50)))
	if got := fmt.Sprint(s.Ranked(live)); got != "[http://e http://f http://hub http://next]" {
		t.Errorf("the list is %s", got)
	}
	var all []string
	for _, one := range s.List() {
		all = append(all, one.ID+" of "+one.Hub)
	}
	if got := strings.Join(all, ", "); got != "hub of , e of hub, next of , e of next, f of next" {
		t.Errorf("the slaves are %s", got)
	}
	if n := s.Listeners("/live"); n != 2 {
		t.Errorf("%d listeners; want those of the hubs only", n)
	}
}

func TestAnEdgeThatLeavesIsNoCandidate(t *testing.T) {
	for name, leave := range map[string]func(s *Slaves){
		"with its hub":        func(s *Slaves) { mustRegister(t, s, new(Credential), Report{ID: "hub", Interval: 2, Leaving: true}) },
		"by the hub's report": func(s *Slaves) { mustRegister(t, s, new(Credential), hub("hub", below("f", 1))) },
		"drained":             func(s *Slaves) { s.Drain("http://e", true) },
		"removed":             func(s *Slaves) { s.Remove("e"); mustRegister(t, s, new(Credential), hub("hub", below("e", 1))) },
		"by the credentials":  func(s *Slaves) { s.Apply([]Credential{{Hosts: []string{"hub"}}}) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			s.now = func() time.Time { return time.Unix(1000, 0) } // no other snapshot is made
			mustRegister(t, s, new(Credential), hub("hub", below("e", 20)))
			q := PickQuery{Mount: "/live", Scheme: "http", Except: []string{"http://hub"}}
			if _, ok := s.Pick(q); !ok {
				t.Fatal("there is no room")
			}
			leave(s)
			if base, ok := s.Pick(q); ok {
				t.Errorf("sent to %s", base)
			}
		})
	}
	s, _ := newTestSlaves(t)
	mustRegister(t, s, new(Credential), hub("hub", below("e", 20)))
	mustRegister(t, s, new(Credential), hub("hub"))
	if s.admission.allEdges != 0 || len(s.admission.edges) != 0 {
		t.Errorf("%d edges are counted", s.admission.allEdges)
	}
}

// A forged hub gains no more than a forged slave: its edges must prove that they have its password.
func TestEdgesAreVerifiedLikeSlaves(t *testing.T) {
	listed := Credential{Name: "hub", Hosts: []string{"hub", "e"}}
	for _, tt := range []struct {
		name string
		by   *Credential
		want string
	}{
		{"a proof", new(Credential), "[e:20 hub:10]"},
		{"the hosts of the credential", &listed, "[e:20 hub:10]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, e := newTestSlaves(t)
			s.Verify(func(_ context.Context, p Probe) error {
				if p.IsListed || p.ID == "hub" || p.ID == "e" {
					return nil
				}
				return errors.New("no proof")
			})
			mustRegister(t, s, tt.by, hub("hub", below("e", 20), below("forged", 30)))
			verified := "http://e https://e http://hub https://hub"
			eventually.True(t, soon, "the URLs are verified or not", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				var all []string
				isSettled := true
				for n := range s.nodes() {
					all = append(all, *n.public.Load()...)
					for _, u := range n.urls {
						isSettled = isSettled && u.State != URLPending
					}
				}
				slices.Sort(all)
				return isSettled && len(all) == 4 && strings.Contains(verified, all[0])
			})
			s.changed.Store(true)
			s.view.Store(nil)
			if got := fill(t, s, live); got != tt.want {
				t.Errorf("sent to %s; want %s; events %s", got, tt.want, e)
			}
		})
	}
}

func TestWhatAHubPassesOn(t *testing.T) {
	now := time.Unix(1000, 0)
	room := edge("room", 100, 40, "/live")
	room.Room, room.Region, room.AsksMaster = map[string]int{"/live": 7, "/unknown": 5}, "eu-west", true
	narrow := edge("narrow", 100, 10, "/live", "/other")
	narrow.Kbps, narrow.MaxBandwidth = 1280, 1280+128*9
	far := hub("far", below("further", 21, "/live"))
	far.Edges[0].Age = 1500
	full := edge("full", 100, 100, "/live")
	hidden := edge("hidden", 100, 10, "/live")
	hidden.Public = nil
	for _, tt := range []struct {
		name                  string
		hasMasters, redirects bool
		want                  string
	}{
		{"no master", false, true, ""},
		{"all", true, false, "room 60 [/live] map[/live:7] 2000;further 21 [/live] map[] 3500;far 10 [] map[] 2000;narrow 9 [] map[] 2000;"},
		{"half", true, true, "room 30 [/live] map[/live:4] 2000;further 11 [/live] map[] 3500;far 5 [] map[] 2000;narrow 4 [] map[] 2000;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestSlaves(t)
			s.now = func() time.Time { return now }
			s.PassOn(tt.hasMasters, tt.redirects)
			for _, r := range []Report{room, narrow, far, full, hidden, edge("master", 100, 0), edge("other", 100, 0, "/third")} {
				mustRegister(t, s, new(Credential), r)
			}
			s.now = func() time.Time { return now.Add(2 * time.Second) }
			var b strings.Builder
			for _, e := range s.Edges("master", map[string]int{"/live": 1, "/other": 2}) {
				fmt.Fprintf(&b, "%s %d %v %v %d;", e.ID, e.Free, e.Mounts, e.Room, e.Age)
				if isRoom := e.ID == "room"; e.AsksMaster != isRoom || (e.Region == "eu-west") != isRoom || len(e.Public) != 2 {
					t.Errorf("%+v", e)
				}
			}
			if b.String() != tt.want {
				t.Errorf("edges: %s\nwant   %s", b.String(), tt.want)
			}
		})
	}
}

func TestTheEdgesOfAReportAreBounded(t *testing.T) {
	s, _ := newTestSlaves(t)
	s.PassOn(true, false)
	var edges []Edge
	for i := range maxEdges {
		edges = append(edges, below(fmt.Sprintf("edge%d", i), i+1))
	}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		for i := range edges {
			edges[i].ID = fmt.Sprintf("%s%d", id, i)
		}
		mustRegister(t, s, &Credential{Name: id}, hub(id, slices.Clone(edges)...))
	}
	all := s.Edges("", map[string]int{"/live": 0, "/other": 0})
	if len(all) != maxEdges || all[0].Free != maxEdges || s.admission.allEdges != maxAllEdges {
		t.Errorf("%d edges are passed on of %d, the first with %d places", len(all), s.admission.allEdges, all[0].Free)
	}
}

// Places at an edge are free by a report that has come a long way: listeners that were sent since
// are not in it.
func TestPlacesOfAnEdgeAreAsOldAsItsReport(t *testing.T) {
	s, _ := newTestSlaves(t)
	now := time.Unix(1000, 0)
	s.now = func() time.Time { return now }
	except := PickQuery{Mount: "/live", Scheme: "http", Except: []string{"http://hub"}}
	mustRegister(t, s, new(Credential), hub("hub", below("e", 20)))
	if got := fill(t, s, except); got != "[e:20]" {
		t.Fatalf("sent to %s", got)
	}
	for _, step := range []struct {
		age  int
		want string
	}{{1900, "[]"}, {3900, "[]"}, {0, "[e:20]"}} {
		now = now.Add(2 * time.Second)
		r := hub("hub", below("e", 20))
		r.Edges[0].Age = step.age
		mustRegister(t, s, new(Credential), r)
		if got := fill(t, s, except); got != step.want {
			t.Errorf("with an age of %d ms: sent to %s; want %s", step.age, got, step.want)
		}
	}
}
