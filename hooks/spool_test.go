package hooks

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

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
