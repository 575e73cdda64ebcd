package hooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
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
	runs    *runs
	moments []moment
	stored  map[string]bool
	done    map[string]bool
	saves   map[string]int // by key
	refuse  func(call int) bool
	calls   int
}

func (r *recorder) record(what string, store *memory) {
	r.moments = append(r.moments, moment{fmt.Sprint(len(r.moments), ": ", what), store, maps.Clone(r.stored), maps.Clone(r.done), r.runs.list()})
}

func (r *recorder) isRefused() bool {
	r.calls++
	return r.refuse != nil && r.refuse(r.calls)
}

func (r *recorder) Save(ctx context.Context, queue, key string, value []byte) error {
	torn := r.copy()
	torn.set(queue, key, value[:len(value)/2])
	r.record("in the middle of saving "+key, torn)
	if r.saves[key]++; r.saves[key] > 1 && r.refuse == nil {
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
	store := &recorder{runs: r, stored: make(map[string]bool), done: make(map[string]bool), saves: make(map[string]int), refuse: refuse}
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
		time.Sleep(time.Minute)
	}
	stuck.Store(false)
	time.Sleep(time.Hour)
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
	_, events, err := d.read("h", zapHook)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	next := make(map[string]int64) // by mount
	for _, e := range events {
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

// disk is what is stored of a spool, and what must be.
type disk struct {
	t      *testing.T
	random *rand.Rand
	spool  *spool
	values map[string]storedSegment
	queued []*queuedEvent
	order  int // of the event that was added last
	saved  int // records
	broken bool
	quiet  bool            // nothing happens during a flush
	stored map[string]bool // IDs that the store has said it has, and that are not finished
	done   map[string]bool // IDs that the store has said it has as done
}

func (d *disk) add(n int) {
	for range n {
		d.order++
		e := &Event{ID: fmt.Sprint(d.order)}
		q := &queuedEvent{event: e, id: e.ID}
		d.queued = append(d.queued, q)
		d.spool.add(q)
	}
}

// finish finishes some of the first events.
func (d *disk) finish(n int) {
	n = min(n, len(d.queued))
	for range n {
		i := d.random.IntN(min(len(d.queued), 2*n))
		d.spool.finish(d.queued[i])
		delete(d.stored, d.queued[i].id)
		d.queued = slices.Delete(d.queued, i, i+1)
	}
}

func (d *disk) fails() bool { return d.broken && d.random.IntN(2) == 0 }

// flush does what a dispatcher does, while events come and go.
func (d *disk) flush() {
	d.delete()
	d.spool.compact()
	for draft := d.spool.draft(); draft != nil; draft = d.spool.draft() {
		form := draft.form()
		if !d.quiet {
			d.add(d.random.IntN(3))
			d.finish(d.random.IntN(3))
		}
		if d.fails() {
			return
		}
		d.values[draft.key] = form
		d.check()
		if d.fails() { // its answer is lost
			return
		}
		d.saved += draft.records()
		d.spool.stored(draft, 100*draft.records())
		for _, e := range draft.events {
			if !e.done {
				d.stored[e.id] = true
			}
		}
		for _, id := range draft.done {
			d.done[id] = true
		}
		d.check()
		if !draft.full {
			break
		}
	}
	d.delete()
}

func (d *disk) delete() {
	for old := d.spool.obsolete(); old != nil && !d.fails(); old = d.spool.obsolete() {
		delete(d.values, old.key)
		d.check()
		d.spool.deleted(old)
	}
}

// check reads what is stored, as the next process would, and returns how many events
// are queued in it.
func (d *disk) check() int {
	d.t.Helper()
	s, known := newSpool(), make(map[string]*queuedEvent)
	for _, key := range slices.Sorted(maps.Keys(d.values)) {
		s.restore(key, d.values[key], 0, known)
	}
	events := s.restored(known)
	got := make(map[string]bool)
	var last uint64
	for _, e := range events {
		if got[e.id] || d.done[e.id] || e.number <= last {
			d.t.Fatalf("event %s is read twice, late, or was done", e.id)
		}
		got[e.id], last = true, e.number
	}
	for id := range d.stored {
		if !got[id] {
			d.t.Fatalf("event %s is lost", id)
		}
	}
	return len(events)
}

// What is stored is complete at any moment, whatever fails, and does not grow with what
// was delivered.
func TestWhatIsStoredIsCompleteAndBoundedByWhatIsQueued(t *testing.T) {
	for seed := range uint64(2) {
		d := &disk{
			t: t, random: rand.New(rand.NewPCG(1, seed)), spool: newSpool(),
			values: make(map[string]storedSegment), stored: make(map[string]bool), done: make(map[string]bool),
		}
		for round := range 200 {
			d.broken = round%100 < 50
			d.add(d.random.IntN(1 + 10<<(round%8)))
			d.finish(d.random.IntN(1 + 10<<(round*5%8)))
			if round%100 == 99 {
				d.finish(len(d.queued))
			}
			d.flush()
			records := 0
			for _, seg := range d.spool.segments {
				records += seg.records()
			}
			if most := 2*len(d.queued) + 4*maxGarbage; !d.broken && records > most {
				t.Fatalf("round %d: %d records for %d events", round, records, len(d.queued))
			}
			if d.quiet = !d.broken && round%10 == 0; d.quiet {
				d.flush()
				if n := d.check(); n != len(d.queued) {
					t.Fatalf("round %d: %d events are read, %d are queued", round, n, len(d.queued))
				}
				d.quiet = false
			}
		}
		if perEvent := float64(d.saved) / float64(d.order); perEvent > 5 {
			t.Errorf("%.1f records were written for each event", perEvent)
		}
		drain(t, d.spool, d.queued)
	}
}

// A small segment is not deleted before all of it is stored again, however much else is.
func TestAReplacedSegmentStaysUntilAllOfItIsStoredAgain(t *testing.T) {
	d := &disk{
		t: t, random: rand.New(rand.NewPCG(1, 1)), spool: newSpool(), quiet: true,
		values: make(map[string]storedSegment), stored: make(map[string]bool), done: make(map[string]bool),
	}
	for range 8 {
		d.add(maxSegment)
		d.flush()
	}
	d.add(minSegment / 2)
	d.flush()
	d.add(1)
	d.spool.draft() // it fails, when the last segment was to be replaced already
	for _, e := range d.queued[3*maxSegment : 8*maxSegment] {
		d.spool.finish(e)
		delete(d.stored, e.id)
	}
	d.spool.compact() // stores the first segments again, before the last
	draft := d.spool.draft()
	d.values[draft.key] = draft.form()
	d.spool.stored(draft, 1<<20)
	d.delete() // and the next draft fails
	d.check()
}

// BenchmarkStoringAnEvent shows how many bytes an outage costs for each event: 100 come
// between two flushes, and none is delivered.
func BenchmarkStoringAnEvent(b *testing.B) {
	const each = 100
	for _, queued := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("queued=", queued), func(b *testing.B) {
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
