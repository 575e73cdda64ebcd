package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Store keeps what is queued, by the name of the hook. A name that has nothing is
// loaded as nil, or as an error that is fs.ErrNotExist.
type Store interface {
	Load(ctx context.Context, name string) ([]byte, error)
	Save(ctx context.Context, name string, value []byte) error // nil: nothing more

	// Tidy lets go of what is kept for other names than those, and has been for
	// long: of hooks that were taken away while the server was down.
	Tidy(ctx context.Context, names []string) error
}

const (
	// tickStep is how long what is queued may be known to this process only.
	tickStep = time.Second
	// storeTime bounds one call of the store.
	storeTime = 5 * time.Second
)

// load reads what was queued when the process before this one ended. A store that can't
// be reached is asked again, while the hook begins with what there is.
func (d *Dispatcher) load(q *queue, what, name string, failures int) {
	ctx, cancel := context.WithTimeout(d.ctx, storeTime)
	defer cancel()
	value, err := d.store.Load(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	unread := err != nil
	var events []*Event
	if err == nil && value != nil {
		err = json.Unmarshal(value, &events)
	}
	switch log := d.log().With(zap.String("hook", what)); {
	case err != nil && failures == 0:
		log.Error("what was kept of a hook's queue can't be read", zap.Error(err))
	case err == nil && failures > 0:
		log.Info("a hook's queue of before has been read at last", zap.Int("events", len(events)))
	}
	if err != nil {
		events = nil
	}
	events = slices.DeleteFunc(events, func(e *Event) bool { return e == nil || e.ID == "" })
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(events) > 0 {
		q.restore(events)
	}
	q.unread, q.kept = unread, value != nil
	q.loading = false
	if unread {
		time.AfterFunc(pause(failures+1, rand.Float64()), func() { d.loadAgain(q, name, failures+1) }) //nolint:gosec // jitter
	} else if q.dirty {
		d.tickSoon(tickStep)
	}
	d.employ(q)
}

// loadAgain is for when the store was away.
func (d *Dispatcher) loadAgain(q *queue, name string, failures int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		what := q.hook.Label
		d.running.Go(func() { d.load(q, what, name, failures) })
	}
}

// tidy lets the store forget what belongs to no hook.
func (d *Dispatcher) tidy(names []string) {
	ctx, cancel := context.WithTimeout(d.ctx, storeTime)
	defer cancel()
	if err := d.store.Tidy(ctx, names); err != nil && d.ctx.Err() == nil {
		d.log().Debug("leftovers of hooks can't be looked for", zap.Error(err))
	}
}

// tickSoon makes tick run. mu is held.
func (d *Dispatcher) tickSoon(after time.Duration) {
	if d.ticker == nil {
		d.ticker = time.AfterFunc(after, d.tick)
	}
}

// tick says what was lost, keeps what is queued, and forgets the queues of hooks
// that are no more.
func (d *Dispatcher) tick() {
	d.saving.Lock()
	defer d.saving.Unlock()
	began := time.Now()
	for _, q := range d.review() {
		if q.lost > 0 {
			why := "events were dropped, since their hook's queue is full"
			if d.ctx.Err() != nil {
				why = "events were dropped, since the station ends and they can't be kept"
			}
			d.log().Error(why, zap.String("hook", q.hook.Label), zap.Uint64("events", q.lost))
		}
		if q.late > 0 {
			d.log().Error("events were given up, since their hook has failed for too long", zap.String("hook", q.hook.Label), zap.Uint64("events", q.late))
		}
		if q.save {
			d.save(q)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ticker = nil
	for _, q := range d.queues {
		if q.dirty && !q.unread && !d.closed {
			d.tickSoon(max(tickStep, 10*time.Since(began))) // a slow store is not asked all the time
		}
	}
}

// reviewed is what tick has to do about a queue.
type reviewed struct {
	queue  *queue
	hook   *Hook
	lost   uint64
	late   uint64
	save   bool
	events []*Event
}

// review takes note of what there is to do.
func (d *Dispatcher) review() (all []reviewed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	used := make(map[string]bool)
	for _, h := range d.plan.Hooks {
		used[h.Name] = true
	}
	for name, q := range d.queues {
		r := reviewed{queue: q, hook: q.hook, lost: q.lost, late: q.late}
		d.remember(q)
		q.lost, q.late, q.refused = 0, 0, 0
		if q.dirty && !q.loading && !q.unread && d.store != nil && (q.length > 0 || q.kept) {
			r.save, r.events = true, q.events()
		}
		q.dirty = q.dirty && (q.loading || q.unread)
		if !used[name] && !r.save {
			d.forget(name, q)
		}
		if r.lost > 0 || r.late > 0 || r.save {
			all = append(all, r)
		}
	}
	return all
}

// save keeps what is queued for a hook.
func (d *Dispatcher) save(r reviewed) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	var value []byte
	var err error
	if len(r.events) > 0 {
		value, err = json.Marshal(r.events)
	}
	if err == nil {
		err = d.store.Save(ctx, r.hook.Name, value)
	}
	d.mu.Lock()
	said := r.queue.unsaved
	r.queue.unsaved = err != nil
	if err != nil {
		r.queue.dirty = true
	} else {
		r.queue.kept = value != nil
	}
	d.mu.Unlock()
	if err != nil && !said {
		d.log().Error("a hook's queue can't be kept", zap.String("hook", r.hook.Label), zap.Error(err))
	}
}
