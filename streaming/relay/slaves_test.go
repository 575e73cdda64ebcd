package relay

import (
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

func TestSlavesWithoutReportsAreRemoved(t *testing.T) {
	s, e := newTestSlaves(t)
	now := time.Unix(1000, 0)
	s.now = func() time.Time { return now }
	s.Register(new(Credential), edge("a", 100, 0, "/live"), "192.0.2.1")
	s.Register(new(Credential), edge("b", 100, 0, "/live"), "192.0.2.2")
	now = now.Add(15 * time.Second)
	s.Register(new(Credential), edge("b", 100, 0, "/live"), "192.0.2.2")
	now = now.Add(6 * time.Second)
	s.expire()
	if got := e.String(); got != "3 http://a;3 http://b;4 http://a;" {
		t.Errorf("events: %s", got)
	}
	s.Disconnected(Registration{slaveKey{id: "b"}, 1})
	if s.entries[slaveKey{id: "b"}].expires != now.Add(14*time.Second) {
		t.Error("the connection of an older report counts")
	}
	s.Disconnected(Registration{slaveKey{id: "b"}, 2})
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
	if n, _ := s.Register(new(Credential), edge("a", 100, 0, "/live"), "192.0.2.1"); n != (Registration{}) || s.Any() || e.String() != "" {
		t.Errorf("report %v is registered; events: %s", n, e)
	}
	if s.timer.Stop() {
		t.Error("the timer runs")
	}
}

func TestANodeThatReportsToSeveralIsCountedOnce(t *testing.T) {
	s, _ := newTestSlaves(t)
	shared := edge("edge", 100, 0)
	shared.Mounts["/live"] = 5
	for _, id := range []string{"a", "b"} {
		r := edge(id, 100, 0, "/live") // one listener each
		if id == "a" {
			r.Below = &Sums{Mounts: shared.Mounts, Nodes: []string{"edge"}}
		}
		s.register(new(Credential), r, "")
	}
	if n := s.Listeners("/live"); n != 7 {
		t.Errorf("%d listeners; want 7", n)
	}
	shared.CountedBy = "a"
	s.register(new(Credential), shared, "192.0.2.1") // to this master as well
	if n := s.Listeners("/live"); n != 7 {
		t.Errorf("%d listeners with the report of the edge itself; want 7", n)
	}
	if below := s.Below("b"); below.Mounts["/live"] != 6 || len(below.Nodes) != 2 {
		t.Errorf("below are %+v; want 6 listeners of a and edge", below)
	}
}

func TestARestartedSlaveReplacesItself(t *testing.T) {
	s, e := newTestSlaves(t)
	first, second := edge("first", 100, 0, "/live"), edge("second", 100, 0, "/live")
	second.Public = first.Public
	s.Register(new(Credential), first, "192.0.2.1")
	s.Register(new(Credential), second, "192.0.2.1")
	if got := s.Ranked(PickQuery{Mount: "/live", Scheme: "http"}); len(got) != 1 {
		t.Errorf("the list is %v; %s", got, e)
	}
	if got := e.String(); got != "3 http://first;4 http://first;3 http://first;" { // joined, left, joined: one remains
		t.Errorf("events: %s", got)
	}
}

func TestASlaveThatSignsOffIsRemoved(t *testing.T) {
	s, e := newTestSlaves(t)
	r := edge("a", 100, 0, "/live")
	s.register(new(Credential), r, "192.0.2.1")
	if _, err := s.Register(new(Credential), Report{ID: "a", Interval: 2, Leaving: true}, "192.0.2.1"); err != nil || s.Any() {
		t.Errorf("the slave is still there: %v", err)
	}
	if got := e.String(); got != "4 http://a;" {
		t.Errorf("events: %s", got)
	}
}
