package auth

import "testing"

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
