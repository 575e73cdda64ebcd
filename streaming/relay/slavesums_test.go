package relay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveSums are the sums as a walk over all reports makes them.
func naiveSums(s *Slaves, master string) (all map[string]int, further Sums) {
	all, further = make(map[string]int), Sums{Mounts: make(map[string]int)}
	counted := make(map[string]bool)
	add := func(to, counts map[string]int) {
		for mount, n := range counts {
			if to[mount] += n; to[mount] == 0 {
				delete(to, mount)
			}
		}
	}
	var below []*slaveEntry
	for _, e := range s.entries {
		if b := e.report.Below; b != nil && !slices.Contains(b.Nodes, s.self) {
			below = append(below, e)
			for _, id := range b.Nodes {
				counted[id] = true
			}
		}
	}
	for _, e := range s.entries {
		isFurther := e.report.ID != master && (e.report.CountedBy == "" || e.report.CountedBy == s.self)
		if !counted[e.report.ID] {
			add(all, e.report.Mounts)
			if isFurther {
				add(further.Mounts, e.report.Mounts)
				further.Nodes = append(further.Nodes, e.report.ID)
			}
		}
		if slices.Contains(below, e) {
			add(all, e.report.Below.Mounts)
			if isFurther {
				add(further.Mounts, e.report.Below.Mounts)
				further.Nodes = append(further.Nodes, e.report.Below.Nodes...)
			}
		}
	}
	return all, further
}

// Sums change with each report by what the report changes. A walk over all reports gives the
// same, also while hubs count edges that report here, too, and while they do so no more.
func TestSumsAreThoseOfAllReports(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s, _ := newTestSlaves(t)
	mounts := []string{"/a", "/b", "/c", "/d"}
	counts := func() map[string]int {
		all := make(map[string]int)
		for _, m := range mounts[:random.IntN(len(mounts)+1)] {
			all[m] = random.IntN(3)
		}
		return all
	}
	by := []*Credential{{}, {Name: "own"}}
	for step := range 3000 {
		r := Report{ID: fmt.Sprintf("node%d", random.IntN(6)), Interval: 10, Mounts: counts(), Leaving: random.IntN(8) == 0}
		r.CountedBy = []string{"", "", "self", "other"}[random.IntN(4)]
		if random.IntN(2) == 0 {
			r.Below = &Sums{Mounts: counts()}
			for i := range random.IntN(3) {
				r.Below.Nodes = append(r.Below.Nodes, fmt.Sprintf("node%d", (i*2+random.IntN(8))%8))
			}
			if random.IntN(8) == 0 {
				r.Below.Nodes = append(r.Below.Nodes, "self")
			}
		}
		mustRegister(t, s, by[random.IntN(2)], r)
		all, further := naiveSums(s, "node1")
		if got := s.sums.all; !maps.Equal(got, all) {
			t.Fatalf("step %d: the sums are %v; want %v", step, got, all)
		}
		below := s.Below("node1")
		if below == nil {
			below = &Sums{}
		}
		slices.Sort(further.Nodes)
		further.Nodes = slices.Compact(further.Nodes)
		if !maps.Equal(below.Mounts, further.Mounts) || !slices.Equal(below.Nodes, further.Nodes) {
			t.Fatalf("step %d: further up are %v; want %v", step, *below, further)
		}
	}
}

// A master refuses a report with a number or a size out of bounds. Slaves that exaggerate must not
// cut their hub off.
func TestTheSumsOfAbsurdReportsStayWithinAReport(t *testing.T) {
	s, _ := newTestSlaves(t)
	hub := Report{ID: "self", Interval: 2, Seq: 1, Mounts: map[string]int{}}
	for i := range 3 {
		r := Report{ID: fmt.Sprintf("node%d", i), Interval: 10, Mounts: map[string]int{"/live": maxCount}, Below: &Sums{Mounts: map[string]int{"/live": maxCount}}}
		for j := range 3000 {
			r.Below.Mounts[fmt.Sprintf("/&%0200d", i*3000+j)] = 1
			r.Below.Nodes = append(r.Below.Nodes, fmt.Sprintf("%060d", i*3000+j))
		}
		mustRegister(t, s, new(Credential), r)
	}
	hub.Below = s.Below("master")
	text, err := json.Marshal(hub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(bytes.NewReader(text)); err != nil {
		t.Errorf("the report of %d bytes is refused: %v", len(text), err)
	}
	if n := hub.Below.Mounts["/live"]; n != maxCount {
		t.Errorf("/live has %d listeners; want the most", n)
	}
}

func BenchmarkListenersOfAllMounts(b *testing.B) {
	s := NewSlaves("self", func(Event) {})
	defer s.Close()
	mounts := make([]string, 1500)
	for i := range mounts {
		mounts[i] = fmt.Sprintf("/mount%d", i)
	}
	for i := range 200 {
		mustRegister(b, s, new(Credential), edge(fmt.Sprintf("edge%d", i), 100, 0, mounts...))
	}
	for b.Loop() {
		for _, m := range mounts {
			if s.Listeners(m) != 200 {
				b.Fatal("the sum is wrong")
			}
		}
	}
}
