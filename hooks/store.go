package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"
)

// Store keeps queues beyond the end of the process: of each queue, which has the
// name of its hook, some values by key. A dispatcher calls it from one goroutine
// at a time for each queue. Keys are DocumentKey or consist of lower-case letters,
// digits and "-". A value of some MB may occur; most have some KB.
type Store interface {
	// List returns the keys that a queue has, in any order.
	List(ctx context.Context, queue string) ([]string, error)

	// Load returns the value of a key. The error is fs.ErrNotExist if there is none.
	Load(ctx context.Context, queue, key string) ([]byte, error)

	// Save stores the value of a key. If the process ends meanwhile, there is
	// either the whole value or none.
	Save(ctx context.Context, queue, key string, value []byte) error

	// Delete deletes a key. It is no error if there is none.
	Delete(ctx context.Context, queue, key string) error

	// DeleteStale deletes what has been stored for long for other queues than
	// those: of hooks that were removed while the server was down.
	DeleteStale(ctx context.Context, queues []string) error
}

const (
	// flushInterval is how long an event may wait before it is stored, and
	// maxFlushInterval if the store is slow.
	flushInterval    = time.Second
	maxFlushInterval = time.Minute
	// storeTimeout bounds one call of the store.
	storeTimeout = 5 * time.Second
)

// load reads what an earlier process has stored of a queue. A store that can't be
// read is tried again, while the hook begins with what is queued now.
func (d *Dispatcher) load(q *queue, failures int) {
	d.mu.Lock()
	name, log := q.hook.Name, zap.String("hook", q.hook.Label)
	spoolDue, willsDue := q.spool != nil && !q.spoolRead, !q.willsRead
	d.mu.Unlock()
	var events, wills stored
	var err error
	if spoolDue {
		events, err = d.read(name, log)
	}
	if willsDue && err == nil {
		wills, err = d.read(willsOf(name), log)
	}
	switch {
	case d.ctx.Err() != nil: // it stays stored
	case err != nil && failures == 0:
		d.log().Error("stored hook queue not readable, retrying", log, zap.Error(err))
	case err == nil && failures > 0:
		d.log().Info("stored hook queue read after retrying", log, zap.Int("events", len(events.events)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		q.state = q.state.next(loadFailed, false)
		d.after(pause(failures+1, rand.Float64()), func() { d.load(q, failures+1) }) //nolint:gosec // jitter
		d.startWorkers(q)
		return
	}
	if spoolDue {
		q.spoolRead = true
		q.spool.continues(events.spool)
	}
	if willsDue {
		q.willsRead = true
		events.events = append(events.events, q.inherit(wills, events.events)...)
	}
	q.restore(events.events)
	if q.spool != nil && !q.spoolRead { // a reload made it one that is stored
		d.running.Go(func() { d.load(q, 0) })
		return
	}
	q.state = q.state.next(loaded, false)
	if q.isDirty() {
		d.flushSoon()
	}
	d.startWorkers(q)
}

// stored is what was read of a queue.
type stored struct {
	spool  *spool
	events []*queuedEvent // that are queued
	time   time.Time      // when it was written last; zero: unknown
}

// read returns what is stored of a queue. A value that can't be decoded is logged and
// treated as empty, so that it is deleted.
func (d *Dispatcher) read(name string, log zap.Field) (stored, error) {
	var keys []string
	err := d.call(d.ctx, func(ctx context.Context) (err error) {
		keys, err = d.store.List(ctx, name)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return stored{}, fmt.Errorf("list: %w", err)
	}
	slices.Sort(keys) // DocumentKey is the first
	s, known := stored{spool: newSpool()}, make(map[string]*queuedEvent)
	for _, key := range keys {
		var value []byte
		err := d.call(d.ctx, func(ctx context.Context) (err error) {
			value, err = d.store.Load(ctx, name, key)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return stored{}, fmt.Errorf("load %q: %w", key, err)
		}
		segment, err := decode(key, value)
		if err != nil {
			d.log().Error("stored hook events not decodable, discarded", log, zap.String("key", key), zap.Error(err))
		}
		s.spool.restore(key, segment, len(value), known)
		if segment.Time.After(s.time) {
			s.time = segment.Time
		}
	}
	s.events = s.spool.restored(known)
	return s, nil
}

func (d *Dispatcher) call(parent context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, storeTimeout)
	defer cancel()
	return f(ctx)
}

// deleteStale lets the store delete what belongs to no hook.
func (d *Dispatcher) deleteStale(names []string) {
	err := d.call(d.ctx, func(ctx context.Context) error { return d.store.DeleteStale(ctx, names) })
	if err != nil && d.ctx.Err() == nil {
		d.log().Debug("stored events of removed hooks not deleted", zap.Error(err))
	}
}

// flushSoon lets flush run. mu is held.
func (d *Dispatcher) flushSoon() { d.flushWithin(d.interval) }

// flushWithin lets flush run within a time. mu is held.
func (d *Dispatcher) flushWithin(within time.Duration) {
	due := time.Now().Add(within)
	switch {
	case d.closed, d.ticker != nil && !due.Before(d.flushDue):
		return
	case d.ticker == nil || !d.ticker.Stop(): // flush may run already, and then comes once more
		d.ticker = d.after(within, d.flush)
	default:
		d.ticker.Reset(within)
	}
	d.flushDue = due
}

// flush logs which events were lost, stores what is queued, and forgets the queues
// of removed hooks that are empty.
func (d *Dispatcher) flush() {
	d.flushing.Lock()
	defer d.flushing.Unlock()
	d.mu.Lock()
	d.ticker = nil
	d.mu.Unlock()
	began := time.Now()
	for _, q := range d.review() {
		d.save(q)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.interval = min(max(flushInterval, 10*time.Since(began)), maxFlushInterval) // a slow store is not written all the time
	for name, q := range d.queues {
		if !d.plan.has(name) {
			d.forget(name, q)
		}
		if q.isDirty() {
			d.flushSoon()
		}
	}
}

// review logs the events that were lost since the last time, and returns the
// queues that have something to store.
func (d *Dispatcher) review() (dirty []*queue) {
	type loss struct {
		hook string
		counts
	}
	var losses []loss
	d.mu.Lock()
	for _, q := range d.queues {
		now, was := q.state.counts, q.logged
		if now.lost > was.lost || now.late > was.late {
			losses = append(losses, loss{q.hook.Label, counts{lost: now.lost - was.lost, late: now.late - was.late}})
		}
		q.logged = now
		if q.isDirty() {
			dirty = append(dirty, q)
		}
	}
	d.mu.Unlock()
	for _, l := range losses {
		log := d.log().With(zap.String("hook", l.hook))
		switch {
		case l.lost > 0 && d.ctx.Err() != nil:
			log.Error("hook events dropped at shutdown", zap.Uint64("events", l.lost))
		case l.lost > 0:
			log.Error("hook queue full, events dropped", zap.Uint64("events", l.lost))
		}
		if l.late > 0 {
			log.Error("hook events expired", zap.Uint64("events", l.late))
		}
	}
	return dirty
}

// save brings the store up to date with a queue: its new wills, then its events, of which none is
// stored before its will, and then what else has become of the wills, of which none is withdrawn
// before the event of the end is stored.
func (d *Dispatcher) save(q *queue) {
	d.mu.Lock()
	name, events, wills := q.hook.Name, q.spool, q.wills
	d.mu.Unlock()
	err := d.saveDrafts(willsOf(name), wills, (*spool).draftNew)
	if err == nil {
		err = d.saveSpool(name, events)
	}
	if err == nil {
		err = d.saveSpool(willsOf(name), wills)
	}
	c := saved
	if err != nil {
		c = saveFailed
	}
	d.mu.Lock()
	before, label := q.state, q.hook.Label
	q.state = before.next(c, false)
	if !d.closed {
		d.startWorkers(q) // some events wait until a will is stored
	}
	d.mu.Unlock()
	if err != nil && before.storage != writeFailing {
		d.log().Error("hook queue not stored, retrying", zap.String("hook", label), zap.Error(err))
	}
}

// saveSpool brings the store up to date with a spool, which may be nil.
func (d *Dispatcher) saveSpool(name string, s *spool) error {
	if s == nil {
		return nil
	}
	return cmp.Or(
		d.deleteObsolete(name, s), // first, since what is gone need not be called done
		d.saveDrafts(name, s, (*spool).draft),
		d.deleteObsolete(name, s),
	)
}

// saveDrafts stores what is pending now. What comes meanwhile may wait.
func (d *Dispatcher) saveDrafts(name string, s *spool, next func(*spool) *draft) error {
	d.mu.Lock()
	s.compact()
	d.mu.Unlock()
	for full := true; full; {
		d.mu.Lock()
		draft := next(s)
		if draft == nil {
			d.mu.Unlock()
			return nil
		}
		full = draft.full
		form := draft.form()
		d.mu.Unlock()
		value, err := json.Marshal(form)
		if err != nil {
			return fmt.Errorf("encode %q: %w", draft.key, err)
		}
		err = d.call(context.Background(), func(ctx context.Context) error { return d.store.Save(ctx, name, draft.key, value) })
		if err != nil {
			return fmt.Errorf("save %q: %w", draft.key, err)
		}
		d.mu.Lock()
		s.stored(draft, len(value))
		d.mu.Unlock()
	}
	return nil
}

// deleteObsolete deletes the segments that are of no use any more.
func (d *Dispatcher) deleteObsolete(name string, s *spool) error {
	for {
		d.mu.Lock()
		seg := s.obsolete()
		d.mu.Unlock()
		if seg == nil {
			return nil
		}
		err := d.call(context.Background(), func(ctx context.Context) error { return d.store.Delete(ctx, name, seg.key) })
		if err != nil {
			return fmt.Errorf("delete %q: %w", seg.key, err)
		}
		d.mu.Lock()
		s.deleted(seg)
		d.mu.Unlock()
	}
}
