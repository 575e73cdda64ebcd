package state

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/eventually"
)

// readAll returns the ids that a subscriber reads, and how many it missed.
func readAll(f *Subscriber) (ids []string, missed uint64) {
	events, missed := f.subscriptions[0].read()
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids, missed
}

func TestTheEventLogKeepsEventsForSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j EventLog
		n := 0
		add := func(events int) {
			for range events {
				j.add(&hooks.Event{Name: hooks.ListenerAdded, ID: fmt.Sprint(n)})
				n++
				eventually.Advance(time.Second)
			}
		}
		open := func(since time.Time) *Subscriber {
			f := &Subscriber{wake: make(chan struct{}, 1)}
			if !j.Subscribe(f, "s", since) {
				t.Fatal("there is no place")
			}
			return f
		}
		check := func(what string, f *Subscriber, missed uint64, want ...string) {
			t.Helper()
			if ids, gone := readAll(f); fmt.Sprint(ids) != fmt.Sprint(want) || gone != missed {
				t.Errorf("%s: %v, and %d missed; want %v and %d", what, ids, gone, want, missed)
			}
		}
		add(1)
		if j.keeps(hooks.ListenerAdded) || !j.keeps(hooks.SourceConnected) || len(j.Last(10)) != 0 {
			t.Error("events of listeners are kept for nobody")
		}
		first := open(time.Time{})
		add(2)
		check("from now on", first, 0, "1", "2")
		check("once", first, 0)
		second := open(time.Now().Add(-time.Second))
		check("from a second ago", second, 0, "2")
		check("from the beginning", open(time.Unix(1, 0)), 0, "1", "2")

		add(EventLogLength + 3)
		if ids, missed := readAll(first); len(ids) != EventLogLength || missed != 3 || ids[0] != "6" {
			t.Errorf("%d events from %s, and %d missed", len(ids), ids[0], missed)
		}
		if len(first.wake) != 1 {
			t.Error("it was not woken")
		}
		for f := range j.subscribers {
			f.Close()
		}
		eventually.Advance(listenerEventsTime - 2*time.Second)
		last := n
		add(1)
		again := open(time.Now().Add(-time.Second))
		check("after a pause", again, 0, fmt.Sprint(last))
		again.Close()
		eventually.Advance(listenerEventsTime + time.Second)
		add(1)
		j.add(&hooks.Event{Name: hooks.SourceConnected, ID: "source"})
		if all := j.Last(2); len(all) != 2 || all[0].ID != "source" || all[1].ID != fmt.Sprint(last) {
			t.Errorf("kept for nobody is %v", all)
		}
		late := open(time.Now().Add(time.Millisecond))
		check("after a longer pause", late, 0)
		add(1)
		check("anew", late, 0, fmt.Sprint(n-1))
		for range MaxSubscribers - 1 {
			open(time.Time{})
		}
		if j.Subscribe(new(Subscriber), "s", time.Time{}) {
			t.Error("one follows too many")
		}
		for f := range j.subscribers {
			f.Close()
		}
		j.close()
	})
}
