package relay

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
)

// randomReport returns a report with some of a few mounts, nodes and edges.
func randomReport(random *rand.Rand, seq uint64) Report {
	counts := func() map[string]int {
		all := make(map[string]int)
		for i := range 6 {
			if random.IntN(2) == 0 {
				all["/"+strconv.Itoa(i)] = 1 + random.IntN(2)
			}
		}
		return all
	}
	r := Report{ID: "a", Interval: 2, Seq: seq, Mounts: counts(), Room: counts(), Edges: []Edge{}}
	r.Below = &Sums{Mounts: counts(), Nodes: []string{}}
	for i := range random.IntN(3) {
		r.Below.Nodes = append(r.Below.Nodes, strconv.Itoa(i))
		r.Edges = append(r.Edges, Edge{ID: strconv.Itoa(i), Free: random.IntN(2)})
	}
	return r
}

func TestPartialReportsLeadFromOneWholeReportToTheNext(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	last := randomReport(random, 1)
	atMaster := last
	for seq := uint64(2); seq < 500; seq++ {
		next := randomReport(random, seq)
		text, err := json.Marshal(next.Since(last))
		if err != nil {
			t.Fatal(err)
		}
		var partial Report
		if err := json.Unmarshal(text, &partial); err != nil {
			t.Fatal(err)
		}
		if err := partial.check(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if atMaster, err = partial.Apply(atMaster); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(atMaster, next) {
			t.Fatalf("the master has %+v after %s; want %+v", atMaster, text, next)
		}
		last = next
	}
	same := last
	same.Seq++
	if p := same.Since(last); len(p.Mounts)+len(p.Gone)+len(p.Room) > 0 || p.Below != nil || p.Edges != nil {
		t.Errorf("a partial report without a change is %+v", p)
	}
}
