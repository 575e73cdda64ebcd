package hooks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// deliveries is a Runner that records the events, and fails while it is down.
type deliveries struct {
	mu   sync.Mutex
	all  []*Event
	down bool
}

func (r *deliveries) Run(_ context.Context, e *Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return errDown
	}
	r.all = append(r.all, e)
	return nil
}

// texts returns the events as "name id reason duration".
func (r *deliveries) texts() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		text := string(e.Name) + " " + e.ID
		if reason := e.Get("reason"); reason != "" {
			text += fmt.Sprintf(" %s %s", reason, e.Get("duration"))
		}
		all = append(all, text)
	}
	return all
}

func (r *deliveries) want(t *testing.T, want ...string) {
	t.Helper()
	if got := r.texts(); !slices.Equal(got, want) {
		t.Errorf("delivered are %q; want %q", got, want)
	}
}

// stay is a listener: the events of its begin and its end.
func stay(mount string, n int) (begin, end *Event) {
	begin, end = NewEvent(ListenerAdded, mount, Count("client", n)), NewEvent(ListenerRemoved, mount, Count("client", n))
	begin.ID, end.ID = fmt.Sprint("B", n), fmt.Sprint("E", n)
	return begin, end
}

func endOf(mount string, n int) *Event {
	_, end := stay(mount, n)
	end.Fields = append(end.Fields, Text("reason", "departed"), Seconds("duration", time.Second))
	return end
}

// policies are those that a hook may have.
var willPolicies = map[string]Policy{
	"stored":    {Retry: 24 * time.Hour, Persist: true},
	"in memory": {},
}

func TestEndsAreDeliveredAfterACrash(t *testing.T) {
	for name, policy := range willPolicies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, _ := logged()
				store, before := new(memory), new(deliveries)
				plan := func(r Runner) *Plan { return planOf(&Hook{Name: "h", Label: "it", Runner: r, Policy: policy}) }
				d := NewDispatcher(log, store)
				d.Apply(plan(before))
				for n := range 4 {
					d.Begin(stay("/m", n))
				}
				eventually.Advance(2*time.Minute + 30*time.Second)
				d.Dispatch(endOf("/m", 1))
				d.Withdraw("E2")
				eventually.Advance(2 * time.Second)
				crashed := store.copy()
				d.Close(t.Context())
				before.want(t, "listener_added B0", "listener_added B1", "listener_added B2", "listener_added B3", "listener_removed E1 departed 1")

				after := new(deliveries)
				d = NewDispatcher(log, crashed)
				d.Apply(plan(after))
				d.Begin(stay("/m", 9))
				eventually.Advance(10 * time.Second)
				after.want(t, "listener_removed E0 crashed 151", "listener_removed E3 crashed 151", "listener_added B9")
				d.Close(t.Context())
				if v := crashed.value("h") + crashed.value(willsOf("h")); v != "" {
					t.Errorf("there is still stored %s", v)
				}
			})
		})
	}
}

func TestAnEndInOrderLeavesNoWill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store, r := new(memory), new(deliveries)
		d := NewDispatcher(log, store)
		d.Apply(keeper(r))
		d.Begin(stay("/m", 1))
		eventually.Advance(10 * time.Second)
		if store.value(willsOf("h")) == "" {
			t.Fatal("no will is stored")
		}
		closeNow(d)
		d.Dispatch(endOf("/m", 1)) // a stream may end after that
		eventually.Advance(time.Second)
		if v := store.value(willsOf("h")); v != "" {
			t.Errorf("there is stored %s", v)
		}
	})
}

// A crash must not separate a begin that was delivered from its end.
func TestABeginIsDeliveredAfterItsWillIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store, r := new(memory), new(deliveries)
		d := NewDispatcher(log, store)
		d.Apply(keeper(r))
		eventually.Advance(10 * time.Second)
		d.Begin(stay("/m", 1))
		d.Begin(stay("/other", 2))
		synctest.Wait()
		if r.want(t); store.value(willsOf("h")) != "" {
			t.Error("the will is stored at once")
		}
		eventually.Advance(flushInterval / willDelay)
		if r.mu.Lock(); len(r.all) != 2 {
			t.Errorf("%d events are delivered", len(r.all))
		}
		r.mu.Unlock()
		store.fail(errDown)
		d.Begin(stay("/m", 3))
		d.Dispatch(numberedEvent("/m", 4))
		eventually.Advance(10 * time.Second)
		store.fail(nil)
		eventually.Advance(2 * time.Minute)
		if got := r.texts(); !slices.Equal(got[2:], []string{"listener_added B3", "source_connected /m#4"}) {
			t.Errorf("a store that fails holds back: %q", got)
		}
		d.Close(t.Context())
	})
}

// The process is killed at every call of the store. The next one delivers the end of each delivered
// begin.
func TestEachBeginHasItsEndWheneverTheProcessIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		r := new(deliveries)
		store := newRecorder(r.texts, nil)
		d := NewDispatcher(log, store)
		d.Apply(keeper(r))
		for n := range 170 {
			if n < 150 {
				d.Begin(stay("/m", n))
			}
			if n >= 20 {
				d.Dispatch(endOf("/m", n-20))
			}
			eventually.Advance(70 * time.Millisecond)
		}
		eventually.Advance(time.Minute)
		d.Close(t.Context())
		if len(store.moments) < 50 {
			t.Fatalf("only %d moments", len(store.moments))
		}
		for _, m := range store.moments {
			m.checkEnds(t)
		}
	})
}

// checkEnds checks that each begin that is delivered, before the moment or after, has its end.
func (m *moment) checkEnds(t *testing.T) {
	t.Helper()
	log, _ := logged()
	r := new(deliveries)
	d := NewDispatcher(log, m.store)
	d.Apply(keeper(r))
	eventually.Advance(10 * time.Second)
	d.Close(t.Context())
	ends, all := make(map[string]int), append(slices.Clone(m.delivered), r.texts()...)
	for _, text := range all {
		var name, id string
		_, _ = fmt.Sscan(text, &name, &id)
		if name == string(ListenerRemoved) {
			ends[id]++
		}
	}
	for _, text := range all {
		var name, id string
		_, _ = fmt.Sscan(text, &name, &id)
		if name == string(ListenerAdded) && ends["E"+id[1:]] == 0 {
			t.Errorf("%s: %s is delivered, its end is not", m.what, id)
		}
	}
}
