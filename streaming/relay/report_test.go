package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheBoundsOfAReport(t *testing.T) {
	long := strings.Repeat("x", maxID)
	for _, tt := range []struct {
		name   string
		change func(*Report)
		err    string // empty: none
	}{
		{"as it is", func(*Report) {}, ""},
		{"the longest id", func(r *Report) { r.ID = long }, ""},
		{"a longer id", func(r *Report) { r.ID = long + "x" }, "id: invalid"},
		{"all URLs", func(r *Report) { r.Public = slices.Repeat([]string{"http://h"}, maxPublic) }, ""},
		{"too many URLs", func(r *Report) { r.Public = slices.Repeat([]string{"http://h"}, maxPublic+1) }, "public: 9 URLs; expected at most 8"},
		{"no URL", func(r *Report) { r.Public = []string{"h"} }, `public: "h": invalid URL; expected http or https and a host`},
		{"the largest number", func(r *Report) { r.Kbps = maxCount }, ""},
		{"a larger number", func(r *Report) { r.Kbps = maxCount + 1 }, "report: number 1073741825 out of range; expected 0 to 1073741824"},
		{"the longest interval", func(r *Report) { r.Interval = maxInterval }, ""},
		{"a longer interval", func(r *Report) { r.Interval = maxInterval + 1 }, "interval: 3601 out of range; expected 1 to 3600 seconds"},
		{"no mount", func(r *Report) { r.Mounts = map[string]int{"live": 1} }, `mounts: invalid entry "live": 1; expected the path of a mount and its number`},
		{"a mount that is gone", func(r *Report) { r.Gone = []string{"/live"} }, ""},
		{"no mount is gone", func(r *Report) { r.Gone = []string{"live"} }, `gone: invalid "live"; expected the path of a mount`},
		{"room", func(r *Report) { r.Room = map[string]int{"/live": 0} }, ""},
		{"no limit in a whole report", func(r *Report) { r.Room = map[string]int{"/live": NoLimit} }, `room: invalid entry "/live": -1`},
		{"no limit in a partial report", func(r *Report) { r.Partial, r.Seq, r.Room = true, 2, map[string]int{"/live": NoLimit} }, ""},
		{"a partial report without a number", func(r *Report) { r.Partial = true }, "seq: missing"},
		{"sums", func(r *Report) { r.Below = &Sums{Mounts: map[string]int{"/live": maxCount}, Nodes: []string{long}} }, ""},
		{"no sum", func(r *Report) { r.Below = &Sums{Mounts: map[string]int{"/live": -1}} }, `sums: invalid entry "/live": -1`},
		{"no node", func(r *Report) { r.Below = &Sums{Nodes: []string{"<b>"}} }, `sums: invalid "<b>"`},
		{"no master", func(r *Report) { r.CountedBy = "<b>" }, `counted_by: invalid "<b>"`},
		{"a region", func(r *Report) { r.Region = "eu-west.1" }, ""},
		{"a longer region", func(r *Report) { r.Region = long + "x" }, "region: invalid"},
		{"no region", func(r *Report) { r.Region = "a:b" }, `region: invalid "a:b"`},
		{"all edges", func(r *Report) { r.Edges = slices.Repeat([]Edge{{ID: "e"}}, maxEdges) }, ""},
		{"too many edges", func(r *Report) { r.Edges = slices.Repeat([]Edge{{ID: "e"}}, maxEdges+1) }, "edges: 257 nodes; expected at most 256"},
		{"no id of an edge", func(r *Report) { r.Edges = []Edge{{}} }, `edges: invalid ""`},
		{"no URL of an edge", func(r *Report) { r.Edges = []Edge{{ID: "e", Public: []string{"h"}}} }, `edges: public: "h": invalid URL`},
		{"no places of an edge", func(r *Report) { r.Edges = []Edge{{ID: "e", Free: -1}} }, "edges: number -1 out of range"},
		{"no mount of an edge", func(r *Report) { r.Edges = []Edge{{ID: "e", Mounts: []string{"live"}}} }, `edges: invalid "live"`},
		{"no room of an edge", func(r *Report) { r.Edges = []Edge{{ID: "e", Room: map[string]int{"/live": -1}}} }, `edges: invalid entry "/live": -1`},
		{"listeners refused", func(r *Report) { r.Refused = -1 }, "report: number -1 out of range"},
	} {
		r := Report{ID: "a", Interval: 10}
		tt.change(&r)
		if err := r.check(); tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.err)) {
			t.Errorf("%s: the error is %v; want %q", tt.name, err, tt.err)
		}
	}
}

func TestReadReport(t *testing.T) {
	good := `{"id":"a","public":["https://edge.example/"],"interval":10,"mounts":{"/live":3}}`
	r, err := ReadReport(strings.NewReader(good))
	if err != nil || r.Public[0] != "https://edge.example" || r.Mounts["/live"] != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	for name, text := range map[string]string{
		"nothing":            ``,
		"no id":              `{"interval":10}`,
		"an id of markup":    `{"id":"<b>","interval":10}`,
		"no interval":        `{"id":"a"}`,
		"another scheme":     `{"id":"a","interval":10,"public":["javascript:alert(1)"]}`,
		"a user":             `{"id":"a","interval":10,"public":["http://u@h"]}`,
		"a query":            `{"id":"a","interval":10,"public":["http://h/?"]}`,
		"a host of markup":   `{"id":"a","interval":10,"public":["http://a\"<script>:80"]}`,
		"an endless host":    `{"id":"a","interval":10,"public":["http://` + strings.Repeat("a", maxBase) + `"]}`,
		"markup below":       `{"id":"a","interval":10,"below":{"<b>":{}}}`,
		"no mount below":     `{"id":"a","interval":10,"below":{"b":{"live":1}}}`,
		"a line end":         `{"id":"a","interval":10,"public":["http://h\r\nX: y"]}`,
		"a negative number":  `{"id":"a","interval":10,"listeners":-1}`,
		"an absurd number":   `{"id":"a","interval":10,"capacity":1000000000000}`,
		"what is no mount":   `{"id":"a","interval":10,"mounts":{"live":1}}`,
		"negative listeners": `{"id":"a","interval":10,"mounts":{"/live":-1}}`,
		"too long a report":  `{"id":"a","interval":10,"mounts":{"/` + strings.Repeat("x", maxReport) + `":1}}`,
	} {
		if r, err := ReadReport(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A hub with 210 slaves of 49 mounts each was refused, by a bound of 10,000 names.
func TestTheReportsOfBusyHubsAreRead(t *testing.T) {
	for _, tt := range []struct{ slaves, mounts int }{{210, 49}, {6, 1500}, {200, 1500}} {
		s, _ := newTestSlaves(t)
		hub := Report{ID: "hub", Interval: 2, Seq: 1, Mounts: make(map[string]int)}
		for i := range tt.mounts {
			hub.Mounts[fmt.Sprintf("/a-mount-with-a-name-%d.mp3", i)] = 1
		}
		for i := range tt.slaves {
			s.register(new(Credential), Report{ID: fmt.Sprintf("edge%d", i), Interval: 2, Seq: 1, Mounts: hub.Mounts}, "192.0.2.1")
		}
		hub.Below = s.Below("master")
		text, err := json.Marshal(hub)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadReport(bytes.NewReader(text))
		if err != nil || r.Below.Mounts["/a-mount-with-a-name-1.mp3"] != tt.slaves || len(r.Below.Nodes) != tt.slaves {
			t.Errorf("%d slaves, %d mounts: %v", tt.slaves, tt.mounts, err)
		}
	}
}

func TestTheNodesOfAnEarlierReportAreSummedUp(t *testing.T) {
	r, err := ReadReport(strings.NewReader(`{"id":"a","interval":10,"mounts":{},"below":{"b":{"/live":2},"c":{"/live":3,"/new":1}}}`))
	if err != nil || r.Below == nil || r.Below.Mounts["/live"] != 5 || r.Below.Mounts["/new"] != 1 || len(r.Below.Nodes) != 2 {
		t.Errorf("%+v, %v", r.Below, err)
	}
}

func TestAPartialReportIsAppliedOntoTheLastOne(t *testing.T) {
	last := Report{
		ID: "a", Interval: 2, Seq: 7, Listeners: 4, Mounts: map[string]int{"/live": 3, "/old": 1}, Room: map[string]int{"/live": 2},
		Below: &Sums{Mounts: map[string]int{"/live": 9, "/old": 1}, Nodes: []string{"b"}}, Edges: []Edge{{ID: "b", Free: 5}},
	}
	whole := func(change func(*Report)) Report {
		r := last
		r.Seq = 8
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name    string
		partial Report
		want    Report
		err     error
	}{
		{"nothing but numbers", Report{Seq: 8, Listeners: 5}, whole(func(r *Report) { r.Listeners = 5 }), nil},
		{
			"a mount has changed",
			Report{Seq: 8, Listeners: 4, Mounts: map[string]int{"/live": 0}},
			whole(func(r *Report) { r.Mounts = map[string]int{"/live": 0, "/old": 1} }), nil,
		},
		{
			"a mount has come and one has gone",
			Report{Seq: 8, Listeners: 4, Mounts: map[string]int{"/new": 2}, Gone: []string{"/old", "/none"}},
			whole(func(r *Report) { r.Mounts = map[string]int{"/live": 3, "/new": 2} }), nil,
		},
		{
			"a limit was removed, another set",
			Report{Seq: 8, Listeners: 4, Room: map[string]int{"/live": NoLimit, "/old": 6}},
			whole(func(r *Report) { r.Room = map[string]int{"/old": 6} }), nil,
		},
		{
			"a sum has changed and one is 0",
			Report{Seq: 8, Listeners: 4, Below: &Sums{Mounts: map[string]int{"/live": 8, "/old": 0}}},
			whole(func(r *Report) { r.Below = &Sums{Mounts: map[string]int{"/live": 8}, Nodes: []string{"b"}} }), nil,
		},
		{
			"other nodes are counted",
			Report{Seq: 8, Listeners: 4, Below: &Sums{Nodes: []string{}}},
			whole(func(r *Report) { r.Below = &Sums{Mounts: last.Below.Mounts, Nodes: []string{}} }), nil,
		},
		{"an edge has changed", Report{Seq: 8, Listeners: 4, Edges: []Edge{{ID: "c"}}}, whole(func(r *Report) { r.Edges = []Edge{{ID: "c"}} }), nil},
		{"no edge is left", Report{Seq: 8, Listeners: 4, Edges: []Edge{}}, whole(func(r *Report) { r.Edges = []Edge{} }), nil},
		{"the same number twice", Report{Seq: 7}, Report{}, ErrSequence},
		{"one is missing", Report{Seq: 9}, Report{}, ErrSequence},
		{"no number", Report{}, Report{}, ErrSequence},
		{"another node", Report{ID: "b", Seq: 8}, Report{}, ErrSequence},
	} {
		before := fmt.Sprint(last)
		if tt.partial.ID == "" {
			tt.partial.ID = "a"
		}
		tt.partial.Interval, tt.partial.Partial = 2, true
		got, err := tt.partial.Apply(last)
		if !errors.Is(err, tt.err) || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, err, tt.want, tt.err)
		}
		if fmt.Sprint(last) != before {
			t.Errorf("%s: the last report was changed", tt.name)
		}
	}
	if _, err := (Report{ID: "a", Seq: 8, Partial: true}).Apply(Report{}); !errors.Is(err, ErrSequence) {
		t.Errorf("without a last report the error is %v", err)
	}
	if r, err := (Report{ID: "a", Mounts: map[string]int{}}).Apply(last); err != nil || len(r.Mounts) != 0 {
		t.Errorf("a whole report is not what counts then: %+v, %v", r, err)
	}
}

func TestReportsDoNotGrowWithoutBoundByPartialOnes(t *testing.T) {
	last := Report{ID: "a", Interval: 2, Seq: 1, Mounts: map[string]int{}}
	var err error
	for range 20 {
		more := Report{ID: "a", Interval: 2, Seq: last.Seq + 1, Partial: true, Mounts: make(map[string]int)}
		for i := range 1000 {
			more.Mounts[fmt.Sprintf("/%0200d", int(last.Seq)*1000+i)] = 0
		}
		if last, err = more.Apply(last); err != nil {
			return
		}
	}
	t.Errorf("a report of %d mounts is kept", len(last.Mounts))
}

func TestHowLongAReportCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    Report
		want time.Duration
	}{
		{"three missed", Report{Interval: 2, Seq: 1}, 7 * time.Second},
		{"numbered, with an absurd interval", Report{Interval: maxInterval, Seq: 1}, maxReportAge + reportGrace},
		{"of an earlier version", Report{Interval: 10}, 20 * time.Second},
		{"of an earlier version, with an absurd interval", Report{Interval: maxInterval}, maxReportAge + reportGrace},
	} {
		if got := tt.r.counts(); got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(`{"id":"a","public":["https://edge.example/"],"interval":10,"capacity":5,"mounts":{"/live":3}}`)
	f.Add(`{"id":"a","interval":2,"seq":2,"partial":true,"mounts":{"/live":3},"gone":["/old"],"room":{"/live":-1},"sums":{"mounts":{"/live":0},"nodes":["b"]},"edges":[{"id":"b","public":["http://b"],"free":1}]}`)
	f.Add(`{"id":"a","interval":10,"below":{"b":{"/live":2}}}`)
	last := Report{ID: "a", Interval: 2, Seq: 1, Mounts: map[string]int{"/live": 1}}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadReport(strings.NewReader(text))
		if err != nil {
			return
		}
		if whole, err := r.Apply(last); err == nil {
			if whole.Partial {
				t.Fatalf("%s is still partial", text)
			}
			if err := whole.check(); err != nil {
				t.Fatalf("%s is good, but not applied: %v", text, err)
			}
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReport(strings.NewReader(string(again))); err != nil {
			t.Fatalf("%s is good, but %s is not: %v", text, again, err)
		}
	})
}
