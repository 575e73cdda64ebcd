package hooks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/internal/eventually"
)

// inOrder checks that of each mount the events came once and in order.
func inOrder(t *testing.T, got []string, mounts, each int) {
	t.Helper()
	next := make(map[string]int)
	for _, line := range got {
		mount, id, _ := strings.Cut(line, " ")
		if id != fmt.Sprint(next[mount]) {
			t.Fatalf("%s: event %s came where %d was due", mount, id, next[mount])
		}
		next[mount]++
	}
	for i := range mounts {
		if mount := fmt.Sprintf("/%d", i); next[mount] != each {
			t.Errorf("%s: %d events came, want %d", mount, next[mount], each)
		}
	}
}

func TestEventsOfAMountComeOnceAndInOrderWhateverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mounts, each = 20, 50
		log, _ := logged()
		var calls atomic.Int64
		r := &runs{do: func(_ context.Context, _ *Event) error {
			if time.Sleep(10 * time.Millisecond); calls.Add(1)%3 == 0 {
				return errDown
			}
			return nil
		}}
		d := NewDispatcher(log, nil)
		d.Apply(planOf(&Hook{Name: "h", Runner: r, Policy: Policy{Workers: 4, Retry: 24 * time.Hour}}))
		for n := range each {
			for m := range mounts {
				d.Dispatch(numberedEvent(fmt.Sprintf("/%d", m), n))
			}
			if n%10 == 0 { // a reload, in the middle of retries
				d.Apply(planOf(&Hook{Name: "h", Runner: r, Policy: Policy{Workers: 4, Retry: 24 * time.Hour}}))
				eventually.Advance(time.Second)
			}
		}
		eventually.Advance(time.Hour)
		inOrder(t, r.list(), mounts, each)
		d.Close(t.Context())
	})
}

func TestNoMoreRunAtATimeThanMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		var now, most atomic.Int64
		r := &runs{do: func(context.Context, *Event) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}}
		d := NewDispatcher(log, nil)
		d.Apply(planOf(&Hook{Name: "h", Runner: r, Policy: Policy{Workers: 3}}))
		for n := range 30 {
			d.Dispatch(numberedEvent(fmt.Sprint("/", n), 0))
		}
		eventually.Advance(9500 * time.Millisecond)
		if got := len(r.list()); got != 27 {
			t.Errorf("after nine seconds %d of 30 have run", got)
		}
		d.Close(t.Context())
		if got := len(r.list()); got != 30 || most.Load() != 3 {
			t.Errorf("%d have run, %d at a time", got, most.Load())
		}
	})
}

func TestWhatFailsIsTriedUntilItsTimeIsOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		retry time.Duration
		err   error
		fails time.Duration // how long
		tries func(int) bool
		done  int
		says  string
	}{
		{"once", 0, errDown, time.Minute, func(n int) bool { return n == 1 }, 0, "hook failed"},
		{"until it works", time.Hour, errDown, time.Minute, func(n int) bool { return n >= 8 && n <= 20 }, 1, "hook recovered"},
		{"until it is too late", time.Hour, errDown, 2 * time.Hour, func(n int) bool { return n > 60 && n < 130 }, 0, "hook events expired"},
		{"not if that is for nothing", time.Hour, Permanent(errDown), time.Minute, func(n int) bool { return n == 1 }, 0, "hook failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, lines := logged()
				began := time.Now()
				r := &runs{do: func(context.Context, *Event) error {
					if time.Since(began) < c.fails {
						return c.err
					}
					return nil
				}}
				d := NewDispatcher(log, nil)
				d.Apply(planOf(&Hook{Name: "h", Runner: r, Policy: Policy{Retry: c.retry}}))
				d.Dispatch(numberedEvent("/m", 0))
				eventually.Advance(3 * time.Hour)
				if n := r.tries(); !c.tries(n) || len(r.list()) != c.done {
					t.Errorf("%d tries, %d done", n, len(r.list()))
				}
				said := lines.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zap.InfoLevel }).All()
				if last := said[len(said)-1].Message; last != c.says || len(said) > 2 {
					t.Errorf("of %d lines the last says %q, want %q", len(said), last, c.says)
				}
				d.Close(t.Context())
			})
		})
	}
}

func TestAFullQueueDropsEventsAndLogsItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := logged()
		block := make(chan struct{})
		r := &runs{do: func(context.Context, *Event) error { <-block; return nil }}
		d := NewDispatcher(log, nil)
		d.Apply(planOf(&Hook{Name: "h", Label: "it", Runner: r, Policy: Policy{Length: 5}}))
		for n := range 12 {
			d.Dispatch(numberedEvent("/0", n))
		}
		eventually.Advance(time.Minute)
		close(block)
		eventually.Advance(time.Minute)
		inOrder(t, r.list(), 1, 5)
		dropped := lines.FilterMessageSnippet("dropped").All()
		if len(dropped) != 1 || dropped[0].ContextMap()["events"] != uint64(7) {
			t.Errorf("logged was %v", dropped)
		}
		d.Dispatch(numberedEvent("/0", 5)) // there is room again
		eventually.Advance(time.Minute)
		inOrder(t, r.list(), 1, 6)
		d.Close(t.Context())
	})
}

func TestLongTextsFillAQueueToo(t *testing.T) {
	q := newQueue(&Hook{})
	e := NewEvent(MetadataUpdated, "/m", Text("title", strings.Repeat("x", 5000)))
	n := 0
	for q.put(e) {
		n++
	}
	if n < 10_000 && q.bytes > maxBytes || n > DefaultLength || q.bytes > maxBytes {
		t.Errorf("it took %d events of %d bytes", n, q.bytes)
	}
}

// TestAReloadNeitherDropsNorRepeats changes hooks while events are queued.
func TestAReloadNeitherDropsNorRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		old, next := &runs{do: func(context.Context, *Event) error { time.Sleep(time.Second); return nil }}, &runs{}
		hook := func(name string, r Runner) *Hook {
			return &Hook{Name: name, Runner: r, Policy: Policy{Retry: time.Hour}}
		}
		d := NewDispatcher(log, nil)
		d.Apply(planOf(hook("same", old), hook("gone", old)))
		for n := range 5 {
			d.Dispatch(numberedEvent("/0", n))
		}
		eventually.Advance(1500 * time.Millisecond)
		d.Apply(planOf(hook("same", next)))
		eventually.Advance(time.Minute)
		if o, n := old.list(), next.list(); len(o) != 2+5 || len(n) != 3 {
			t.Errorf("%d ran as before and %d as now", len(o), len(n))
		}
		d.Dispatch(numberedEvent("/0", 5))
		eventually.Advance(time.Minute)
		if o, n := old.list(), next.list(); len(o) != 2+5 || !slices.Equal(n, []string{"/0 2", "/0 3", "/0 4", "/0 5"}) {
			t.Errorf("%d ran as before, and now %v", len(o), n)
		}
		d.Close(t.Context())
	})
}

func TestTheEndWaitsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := logged()
		r := &runs{do: func(ctx context.Context, _ *Event) error {
			select {
			case <-time.After(400 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		d := NewDispatcher(log, nil)
		d.Apply(planOf(&Hook{Name: "h", Runner: r}))
		for n := range 5 {
			d.Dispatch(numberedEvent("/0", n))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		d.Close(ctx)
		if took := time.Since(began); took != time.Second || len(r.list()) != 2 {
			t.Errorf("it took %v and did %d", took, len(r.list()))
		}
		if lost := lines.FilterMessageSnippet("dropped").All(); len(lost) != 1 || lost[0].ContextMap()["events"] != uint64(2) {
			t.Errorf("logged was %v", lines.All())
		}
		d.Dispatch(numberedEvent("/0", 9)) // too late
		d.Close(ctx)
	})
}

// At the end, what can't be stored is started, however few workers there were before, and
// left running.
func TestAtTheEndAllIsStartedThatCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		hang := func(ctx context.Context, _ *Event) error { <-ctx.Done(); return ctx.Err() }
		program, webhook := &runs{do: hang}, &runs{do: hang}
		d := NewDispatcher(log, new(memory))
		d.Apply(planOf(
			&Hook{Name: "program", Runner: program, Policy: Policy{Workers: 4}},
			&Hook{Name: "webhook", Runner: webhook, Policy: Policy{Workers: 4, Retry: time.Hour, Persist: true}}))
		const mounts = 100
		for n := range mounts {
			d.Dispatch(numberedEvent(fmt.Sprintf("/%d", n), 0))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		d.Close(ctx)
		if program.tries() != mounts || webhook.tries() != 4 {
			t.Errorf("for %d mounts a program was started %d times, a webhook %d", mounts, program.tries(), webhook.tries())
		}
	})
}

func TestThePauseGrowsToAMinuteAndIsNeverNone(t *testing.T) {
	before := time.Duration(0)
	for n := 1; n < 100; n++ {
		least, most := pause(n, 0), pause(n, 1)
		if least < firstPause/2 || most > longestPause || least < before || most < 2*least {
			t.Errorf("after %d failures: %v to %v", n, least, most)
		}
		before = least
	}
	if before != longestPause/2 {
		t.Errorf("in the end it is %v at least", before)
	}
}
