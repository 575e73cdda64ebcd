package auth

import (
	"testing"
	"time"
)

func TestAUserMayListenSoOftenAndNoMore(t *testing.T) {
	var s Sessions
	var ends []func()
	for i := range 3 {
		end, ok := s.Begin("bob", 2)
		if ok != (i < 2) {
			t.Fatalf("session %d: %t", i, ok)
		}
		if ok {
			ends = append(ends, func() { end(0) })
		}
	}
	if _, ok := s.Begin("ann", 1); !ok {
		t.Error("one user keeps another out")
	}
	for _, end := range ends {
		end()
	}
	if len(s.count) != 1 {
		t.Errorf("an ended session is still counted: %v", s.count)
	}
}

// counts is a quota that counts.
type counts struct{ taken, limit map[string]int }

func (c *counts) Take(_, name string, limit int) bool {
	if limit > 0 && c.taken[name] >= limit {
		return false
	}
	c.taken[name]++
	return true
}

func (c *counts) Return(_, name string) { c.taken[name]-- }

func (c *counts) Add(_, name string, places, limit int) {
	c.taken[name] += places
	c.limit[name] = limit
}

func TestAUserHasOneLimitAtAllStations(t *testing.T) {
	shared := &counts{make(map[string]int), make(map[string]int)}
	var a, b Sessions
	early, _ := a.Begin("bob", 3)
	a.Share(shared)
	b.Share(shared)
	adopted := b.Adopt("bob", 3)
	last, ok := b.Begin("bob", 3)
	if !ok || shared.limit["bob"] != 3 {
		t.Errorf("the third session: %v, limit %d", ok, shared.limit["bob"])
	}
	if _, ok := a.Begin("bob", 3); ok {
		t.Error("a fourth session began")
	}
	early(0)
	again, ok := a.Begin("bob", 3)
	if !ok {
		t.Error("a place that was given back is not free")
	}
	for _, end := range []func(time.Duration){adopted, last, again} {
		end(0)
	}
	if shared.taken["bob"] != 0 {
		t.Errorf("%d places are taken in the end", shared.taken["bob"])
	}
}
