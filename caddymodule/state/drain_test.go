package state

import (
	"errors"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestADrainBeforeTheEndOfTheProcessIsNotTakenBack(t *testing.T) {
	g, _ := publishLogged(t)
	if err := g.Undrain(); !errors.Is(err, ErrNotDrained) {
		t.Errorf("undrained: %v", err)
	}
	if g.DrainToEnd(0); g.Draining() != nil {
		t.Error("drained without a window")
	}
	over := make(chan struct{})
	go func() {
		g.DrainToEnd(time.Hour) // it ends early, since there is nobody
		close(over)
	}()
	eventually.True(t, 10*time.Second, "the drain is over", func() bool {
		select {
		case <-over:
			return true
		default:
			return false
		}
	})
	if err := g.Undrain(); !errors.Is(err, ErrProcessEnds) {
		t.Errorf("undrained: %v", err)
	}
	if d := g.Draining(); d == nil || !d.IsOver() {
		t.Errorf("the drain is %+v", d)
	}
}

func TestParseWindow(t *testing.T) {
	for text, want := range map[string]time.Duration{"": DefaultDrain, "0s": 0, "90s": 90 * time.Second, "24h": MaxDrain} {
		if got, err := ParseWindow(text); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"ever", "-1s", "25h", "5"} {
		if got, err := ParseWindow(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
