package hooks

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// Backlogs count what queues have lost whether or not it was logged already, and whether or
// not the plan still has the hook.
func TestBacklogsAreByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		block := make(chan struct{})
		waits := &runs{do: func(context.Context, *Event) error { <-block; return nil }}
		fails := &runs{do: func(context.Context, *Event) error { return errors.New("no") }}
		d := NewDispatcher(log, nil)
		check := func(when string, want map[string]Backlog) {
			t.Helper()
			synctest.Wait()
			if got := d.Backlogs(); !maps.Equal(got, want) {
				t.Errorf("%s: %+v; want %+v", when, got, want)
			}
		}
		plan := planOf(
			&Hook{Name: "1", Label: "webhook a.example", Runner: waits, Policy: Policy{Length: 2}},
			&Hook{Name: "2", Label: "webhook b.example", Runner: waits, Policy: Policy{Length: 3}},
			&Hook{Name: "3", Label: "exec", Runner: fails, Policy: Policy{Retry: time.Minute}},
		)
		d.Apply(plan)
		check("before all", map[string]Backlog{"webhook": {}, "exec": {}})
		for n := range 4 {
			d.Dispatch(numberedEvent("/m", n))
		}
		full := Backlog{Events: 5, Lost: 3}
		check("full", map[string]Backlog{"webhook": full, "exec": {Events: 4, Failing: 1}})
		eventually.Advance(10 * time.Second)
		check("when it was logged", map[string]Backlog{"webhook": full, "exec": {Events: 4, Failing: 1}})
		d.Apply(nil)
		eventually.Advance(time.Hour)
		close(block)
		check("given up, and without hooks", map[string]Backlog{"webhook": {Lost: 3}, "exec": {Late: 4}})
		d.Close(t.Context())
	})
}
