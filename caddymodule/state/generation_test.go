package state

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/streaming"
)

// scene runs steps such as "+A" (A starts) and "-A" (A stops) over one station, with a
// generation for each letter.
func scene(t *testing.T, steps string) (*Station, map[string]*Generation) {
	t.Helper()
	st, err := acquire(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := release(t.Name()); err != nil {
			t.Error(err)
		}
	})
	generations := make(map[string]*Generation)
	for step := range strings.FieldsSeq(steps) {
		name := step[1:]
		if generations[name] == nil {
			generations[name] = acquireFor(t, zap.NewNop().Named(name))
		}
		if step[0] == '+' {
			generations[name].Publish()
		} else {
			generations[name].Retire()
		}
	}
	return st, generations
}

func TestGenerations(t *testing.T) {
	for _, tt := range []struct{ name, steps, current, settings string }{
		{"one is in force once it starts", "+A", "A", "A"},
		{"a reload: the old one stops after the new one has started", "+A +B -A", "B", "B"},
		{"three reloads", "+A +B -A +C -B +D -C", "D", "D"},
		{"a rejected one gives back what it took", "+A +B -B", "A", "A"},
		{"a rejected one stops and is cleaned up", "+A +B -B -B", "A", "A"},
		{"a rejected one, then a good one", "+A +B -B +C -A", "C", "C"},
		{"two rejected ones", "+A +B -B +C -C", "A", "A"},
		{"one that never started is cleaned up", "+A -B", "A", "A"},
		{"one that never started, before any has", "-A", "", ""},
		{"the old one stops twice", "+A +B -A -A", "B", "B"},
		{"all stop, the oldest first", "+A +B -A -B", "", "B"},
		{"all stop, the newest first", "+A +B -B -A", "", "A"},
		{"one in the middle stops", "+A +B +C -B", "C", "C"},
		{"one in the middle stops, then the newest", "+A +B +C -B -C", "A", "A"},
		{"the oldest stops, then the newest", "+A +B +C -A -C", "B", "B"},
		{"the two older ones stop, then the newest", "+A +B +C -B -A -C", "", "C"},
		{"a station that comes back", "+A -A +B", "B", "B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, generations := scene(t, tt.steps)
			current := ""
			for name, g := range generations {
				if g.IsInForce() {
					current = name
				}
			}
			if current != tt.current {
				t.Errorf("in force is %q; want %q", current, tt.current)
			}
			if g := generations[tt.settings]; g != nil && st.Settings() != g.settings {
				t.Errorf("the settings are not those of %q", tt.settings)
			}
			if got := st.Logger().Name(); got != tt.settings {
				t.Errorf("the logger is that of %q; want that of %q", got, tt.settings)
			}
		})
	}
}

// TestNoGenerationHoldsAnOlderOne: each reload would keep the configurations of all reloads
// before it in memory.
func TestNoGenerationHoldsAnOlderOne(t *testing.T) {
	_, generations := scene(t, "+A +B -B +C -A +D -C")
	for name, g := range generations {
		if g.previous != nil {
			t.Errorf("%s holds the previous one", name)
		}
		if g.published != (name == "D") {
			t.Errorf("%s: published: %t", name, g.published)
		}
	}
}

func TestTheLogTellsStationsWithANameApart(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	for _, name := range []string{DefaultName, "night"} {
		g, err := Acquire(name, zap.New(core), nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Log.Info("one")
		if err := g.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if got := lines.All()[0].ContextMap(); len(got) != 0 {
		t.Errorf("the default station: %v", got)
	}
	if got := lines.All()[1].ContextMap()["station"]; got != "night" {
		t.Errorf("station %v; want night", got)
	}
}

func TestTheStationEndsWithItsLastGeneration(t *testing.T) {
	a, b := acquireFor(t, zap.NewNop()), acquireFor(t, zap.NewNop())
	a.Publish()
	for range 2 { // twice is as once
		if err := a.Release(); err != nil {
			t.Fatal(err)
		}
	}
	s := new(streaming.Source)
	if err := a.NewSource("/live.mp3", s, streaming.Info{}, func() {}); err != nil {
		t.Fatalf("another configuration still has it: %v", err)
	}
	s.End()
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if err := a.NewSource("/live.mp3", new(streaming.Source), streaming.Info{}, func() {}); !errors.Is(err, streaming.ErrClosed) {
		t.Errorf("after the last is gone: %v; want %v", err, streaming.ErrClosed)
	}
}
