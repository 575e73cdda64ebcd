package relay

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// events collects the observed events.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) observe(one Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
}

func (e *events) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, one := range e.all {
		fmt.Fprintf(&b, "%d %s;", one.Kind, one.Slave)
	}
	return b.String()
}

func newTestSlaves(t *testing.T) (*Slaves, *events) {
	e := new(events)
	s := NewSlaves("self", e.observe)
	t.Cleanup(s.Close)
	return s, e
}

func edge(id string, capacity, listeners int, mounts ...string) Report {
	r := Report{ID: id, Public: []string{"http://" + id, "https://" + id}, Capacity: capacity, Listeners: listeners, Interval: 10, Mounts: map[string]int{}}
	for _, m := range mounts {
		r.Mounts[m] = 1
	}
	return r
}

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

func TestSlavesWithoutReportsAreRemoved(t *testing.T) {
	s, e := newTestSlaves(t)
	now := time.Unix(1000, 0)
	s.now = func() time.Time { return now }
	s.Register(edge("a", 100, 0, "/live"), "192.0.2.1")
	s.Register(edge("b", 100, 0, "/live"), "192.0.2.2")
	now = now.Add(15 * time.Second)
	s.Register(edge("b", 100, 0, "/live"), "192.0.2.2")
	now = now.Add(6 * time.Second)
	s.expire()
	if got := e.String(); got != "3 http://a;3 http://b;4 http://a;" {
		t.Errorf("events: %s", got)
	}
	s.Disconnected("b", 1)
	if s.entries["b"].expires != now.Add(14*time.Second) {
		t.Error("the connection of an older report counts")
	}
	s.Disconnected("b", 2)
	now = now.Add(2 * time.Second)
	s.expire()
	if !s.Any() {
		t.Error("a slave is removed before reconnectTime")
	}
	now = now.Add(2 * time.Second)
	s.expire()
	if s.Any() {
		t.Error("a slave is still there after reconnectTime")
	}
}

// A report that came during a reload armed the timer again, and announced a slave of a
// station that was no more.
func TestNoReportIsTakenAfterClose(t *testing.T) {
	s, e := newTestSlaves(t)
	s.Close()
	if n := s.Register(edge("a", 100, 0, "/live"), "192.0.2.1"); n != 0 || s.Any() || e.String() != "" {
		t.Errorf("report %d is registered; events: %s", n, e)
	}
	if s.timer.Stop() {
		t.Error("the timer runs")
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
		"too many below":     `{"id":"a","interval":10,"below":{"<b>":{}}}`,
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

func FuzzReadReport(f *testing.F) {
	f.Add(`{"id":"a","public":["https://edge.example/"],"interval":10,"capacity":5,"mounts":{"/live":3}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadReport(strings.NewReader(text))
		if err != nil {
			return
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

func TestANodeThatReportsToSeveralIsCountedOnce(t *testing.T) {
	s, _ := newTestSlaves(t)
	shared := map[string]int{"/live": 5}
	for _, id := range []string{"a", "b"} {
		r := edge(id, 100, 0, "/live") // one listener each
		r.Downstream = map[string]map[string]int{"edge": shared, "self": {"/live": 100}}
		s.Register(r, "")
	}
	if n := s.Listeners("/live"); n != 7 {
		t.Errorf("%d listeners; want 7", n)
	}
	below := s.Downstream()
	if len(below) != 3 || below["edge"]["/live"] != 5 || below["a"]["/live"] != 1 {
		t.Errorf("below are %v", below)
	}
}

func TestARestartedSlaveReplacesItself(t *testing.T) {
	s, e := newTestSlaves(t)
	first, second := edge("first", 100, 0, "/live"), edge("second", 100, 0, "/live")
	second.Public = first.Public
	s.Register(first, "192.0.2.1")
	s.Register(second, "192.0.2.1")
	if got := s.Ranked("/live", "http"); len(got) != 1 {
		t.Errorf("the list is %v; %s", got, e)
	}
	if got := e.String(); got != "3 http://first;4 http://first;3 http://first;" { // joined, left, joined: one remains
		t.Errorf("events: %s", got)
	}
}
