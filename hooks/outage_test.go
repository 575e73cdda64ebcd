package hooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
)

var zapHook = zap.String("hook", "it")

// moment is what is stored at a moment at which the process may be killed.
type moment struct {
	what      string
	store     *memory
	stored    map[string]bool // IDs of all events that were stored until then
	done      map[string]bool // IDs of all events that were stored as done
	delivered []string
}

// recorder is a store that remembers each moment.
type recorder struct {
	memory
	delivered func() []string
	moments   []moment
	stored    map[string]bool
	done      map[string]bool
	saves     map[string]int      // by queue and key
	refuse    func(call int) bool // nil: the store works
	calls     int
}

func newRecorder(delivered func() []string, refuse func(int) bool) *recorder {
	return &recorder{delivered: delivered, stored: make(map[string]bool), done: make(map[string]bool), saves: make(map[string]int), refuse: refuse}
}

func (r *recorder) record(what string, store *memory) {
	r.moments = append(r.moments, moment{fmt.Sprint(len(r.moments), ": ", what), store, maps.Clone(r.stored), maps.Clone(r.done), r.delivered()})
}

func (r *recorder) isRefused() bool {
	r.calls++
	return r.refuse != nil && r.refuse(r.calls)
}

func (r *recorder) Save(ctx context.Context, queue, key string, value []byte) error {
	torn := r.copy()
	torn.set(queue, key, value[:len(value)/2])
	r.record("in the middle of saving "+key, torn)
	if r.saves[queue+key]++; r.saves[queue+key] > 1 && r.refuse == nil {
		return fmt.Errorf("%s is written twice", key)
	}
	refused := r.isRefused()
	if refused && r.calls%2 == 0 {
		return errors.New("no disk")
	}
	s, err := decodeSegment(value)
	if err != nil {
		return err
	}
	_ = r.memory.Save(ctx, queue, key, value)
	if refused {
		r.record("after saving without an answer "+key, r.copy())
		return errors.New("no answer")
	}
	for _, e := range s.Events {
		r.stored[e.ID] = true
	}
	for _, id := range s.Done {
		r.done[id] = true
	}
	r.record("after saving "+key, r.copy())
	return nil
}

func (r *recorder) Delete(ctx context.Context, queue, key string) error {
	if r.isRefused() {
		return errors.New("no disk")
	}
	_ = r.memory.Delete(ctx, queue, key)
	r.record("after deleting "+key, r.copy())
	return nil
}

// outage runs a hook that is down at first, and then so slow that its queue comes
// and goes, and whose first mount is never delivered before the end.
func outage(t *testing.T, refuse func(int) bool) *recorder {
	log, _ := logged()
	random, pauses := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
	var down, stuck atomic.Bool
	down.Store(true)
	stuck.Store(true)
	r := new(runs)
	r.do = func(_ context.Context, e *Event) error {
		if time.Sleep(time.Duration(pauses.IntN(20)) * time.Millisecond); down.Load() || e.Mount == "/0" && stuck.Load() {
			return errDown
		}
		return nil
	}
	store := newRecorder(r.list, refuse)
	d := NewDispatcher(log, store)
	plan := keeper(r)
	plan.Hooks[0].Policy.Workers = 1 // pauses is not for several
	d.Apply(plan)
	next := make([]int, 30)
	for minute := range 15 {
		down.Store(minute < 3)
		for range 50 + random.IntN(200)*(minute%3) {
			m := random.IntN(len(next))
			d.Dispatch(numberedEvent(fmt.Sprint("/", m), next[m]))
			next[m]++
		}
		eventually.Advance(time.Minute)
	}
	stuck.Store(false)
	eventually.Advance(time.Hour)
	d.Close(t.Context())
	if v := store.value("h"); v != "" {
		t.Errorf("in the end there is still stored %s", v)
	}
	for m, each := range next {
		checkOrder(t, "in the end", r.list(), fmt.Sprint("/", m), each)
	}
	return store
}

func checkOrder(t *testing.T, when string, delivered []string, mount string, each int) {
	t.Helper()
	n := 0
	for _, line := range delivered {
		if m, number, _ := strings.Cut(line, " "); m == mount {
			if number != fmt.Sprint(n) {
				t.Fatalf("%s: %s was delivered where %d was due", when, line, n)
			}
			n++
		}
	}
	if n != each {
		t.Errorf("%s: %d events of %s were delivered; want %d", when, n, mount, each)
	}
}

// A process that is killed, at any moment, loses nothing that was stored and delivers
// nothing again that was stored as done.
func TestAQueueSurvivesAKillAtAnyMoment(t *testing.T) {
	for name, refuse := range map[string]func(int) bool{
		"of a store that works":          nil,
		"of a store that often does not": func(call int) bool { return call%3 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := outage(t, refuse)
				t.Logf("%d moments", len(store.moments))
				for _, m := range store.moments {
					m.check(t)
				}
			})
		})
	}
}

func (m *moment) check(t *testing.T) {
	t.Helper()
	log, _ := logged()
	d := NewDispatcher(log, m.store)
	defer closeNow(d)
	left, err := d.read("h", zapHook)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	next := make(map[string]int64) // by mount
	for _, e := range left.events {
		if got[e.id] {
			t.Fatalf("%s: %s is queued twice", m.what, e.id)
		}
		got[e.id] = true
		n := e.event.Fields[0].Value.(int64)
		if n < next[e.event.Mount] {
			t.Fatalf("%s: %s is queued late", m.what, e.id)
		}
		next[e.event.Mount] = n + 1
	}
	for id := range m.done {
		if got[id] {
			t.Fatalf("%s: %s was done", m.what, id)
		}
	}
	want := maps.Clone(m.stored)
	for _, line := range m.delivered {
		delete(want, strings.Replace(line, " ", "#", 1))
	}
	for id := range want {
		if !got[id] {
			t.Fatalf("%s: %s is lost", m.what, id)
		}
	}
}

// BenchmarkStoringAnEvent shows how many bytes an outage costs for each event, when none
// is delivered. It must not grow with what is queued already.
func BenchmarkStoringAnEvent(b *testing.B) {
	for _, c := range []struct{ queued, each int }{{1000, 100}, {100_000, 100}, {1000, 1}, {100_000, 1}} {
		queued, each := c.queued, c.each // that many come between two flushes
		b.Run(fmt.Sprintf("queued=%d/new=%d", queued, each), func(b *testing.B) {
			store := new(memory)
			d := NewDispatcher(zap.NewNop, store)
			down := &runs{do: func(ctx context.Context, _ *Event) error { <-ctx.Done(); return ctx.Err() }}
			d.Apply(planOf(&Hook{Name: "h", Runner: down, Policy: Policy{Retry: time.Hour, Persist: true, Length: 1 << 20}}))
			event := func(i int) *Event {
				return NewEvent(ListenerRemoved, fmt.Sprintf("/%d", i%100), Count("client", i), Text("ip", "192.0.2.7"), Count("bytes", 57608000), Text("reason", "finished"))
			}
			for i := range queued {
				d.Dispatch(event(i))
			}
			d.flush()
			store.bytes = 0
			for b.Loop() {
				for i := range each {
					d.Dispatch(event(i))
				}
				d.flush()
			}
			b.ReportMetric(float64(store.bytes)/float64(each*b.N), "B/event")
			closeNow(d)
		})
	}
}
