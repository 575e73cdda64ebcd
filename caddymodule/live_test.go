package caddymodule

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/streaming"
)

// scene runs steps such as "+A" (A starts) and "-A" (A stops) over one live
// station, with a reign for each letter.
func scene(t *testing.T, steps string) (*live, map[string]*reign) {
	t.Helper()
	key := t.Name()
	l, err := acquire(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := release(key); err != nil {
			t.Error(err)
		}
	})
	reigns := make(map[string]*reign)
	for step := range strings.FieldsSeq(steps) {
		name := step[1:]
		if reigns[name] == nil {
			settings := new(streaming.Settings)
			reigns[name] = newReign(defaultStation, settings, zap.NewNop().Named(name))
		}
		if step[0] == '+' {
			l.publish(reigns[name])
		} else {
			l.retire(reigns[name])
		}
	}
	return l, reigns
}

func TestReigns(t *testing.T) {
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
			l, reigns := scene(t, tt.steps)
			current := ""
			for name, r := range reigns {
				if l.current == r {
					current = name
				}
			}
			if current != tt.current {
				t.Errorf("in force is %q; want %q", current, tt.current)
			}
			if r := reigns[tt.settings]; r != nil && l.Settings() != r.settings {
				t.Errorf("the settings are not those of %q", tt.settings)
			}
			if got := l.logger().Name(); got != tt.settings {
				t.Errorf("the logger is that of %q; want that of %q", got, tt.settings)
			}
		})
	}
}

// TestNoReignKeepsThoseBeforeIt: each reload would keep the configurations of all
// reloads before it in memory.
func TestNoReignKeepsThoseBeforeIt(t *testing.T) {
	_, reigns := scene(t, "+A +B -B +C -A +D -C")
	for name, r := range reigns {
		if r.before != nil {
			t.Errorf("%s keeps the one before it", name)
		}
		if (r.live != nil) != (name == "D") {
			t.Errorf("%s: over a live station: %t", name, r.live != nil)
		}
	}
}

func TestTheLogTellsStationsWithANameApart(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	log := zap.New(core)
	newReign(defaultStation, nil, log).log.Info("one")
	newReign("night", nil, log).log.Info("two")
	if got := lines.All()[0].ContextMap(); len(got) != 0 {
		t.Errorf("the default station: %v", got)
	}
	if got := lines.All()[1].ContextMap()["station"]; got != "night" {
		t.Errorf("station %v; want night", got)
	}
}

func TestTheStationIsClosedWhenNobodyHasItAnyMore(t *testing.T) {
	a, b := new(Station), new(Station)
	provision(t, a)
	provision(t, b)
	a.live.publish(a.reign)
	if err := a.cleanup(); err != nil {
		t.Fatal(err)
	}
	s := new(streaming.Source)
	if err := a.live.NewSource("/live.mp3", s, streaming.Info{}, func() {}); err != nil {
		t.Fatalf("another configuration still has it: %v", err)
	}
	s.End()
	if err := b.cleanup(); err != nil {
		t.Fatal(err)
	}
	if err := a.live.NewSource("/live.mp3", new(streaming.Source), streaming.Info{}, func() {}); !errors.Is(err, streaming.ErrClosed) {
		t.Errorf("after the last is gone: %v; want %v", err, streaming.ErrClosed)
	}
}
