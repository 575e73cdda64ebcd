package hooks

import (
	"math/rand/v2"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// shutdownWorkers is how many events at a time a hook delivers at the end if its
// queue can't be stored. A runner may leave some of them running, as Program does.
const shutdownWorkers = 256

// startWorkers starts as many workers as a queue has use for. mu is held.
func (d *Dispatcher) startWorkers(q *queue) {
	most := max(1, q.hook.Policy.Workers)
	if d.closed && q.spool == nil {
		most = max(most, shutdownWorkers)
	}
	for n := len(q.ready); n > 0 && q.workers < most && q.state.mayRun() && d.ctx.Err() == nil; n-- {
		q.workers++
		d.running.Go(func() { d.work(q) })
	}
}

// run is one try to deliver an event.
type run struct {
	queue *queue
	keys  *keyQueue
	event *Event
	hook  *Hook
}

// work delivers one event after the other, until none may be tried.
func (d *Dispatcher) work(q *queue) {
	for {
		r, ok := d.nextRun(q)
		if !ok {
			return
		}
		var err error
		late := r.hook.Policy.expired(r.event, time.Now())
		if !late {
			err = r.hook.Runner.Run(d.ctx, r.event)
		}
		before, c, after := d.finishRun(r, late, err)
		d.logRun(r, before, c, after, err)
	}
}

// nextRun returns the run that is due. If there is none, the worker that asks ends.
func (d *Dispatcher) nextRun(q *queue) (run, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var k *keyQueue
	if q.state.mayRun() && d.ctx.Err() == nil {
		k = q.take()
	}
	if k == nil {
		q.workers--
		return run{}, false
	}
	return run{q, k, k.events[0].event, q.hook}, true
}

// finishRun brings the queue up to date with the result of a run.
func (d *Dispatcher) finishRun(r run, late bool, err error) (before state, c change, after state) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q, k := r.queue, r.keys
	c = delivered
	switch again := err != nil && q.hook.Policy.again(err, r.event, time.Now()); {
	case late:
		c = expired
	case again && d.ctx.Err() != nil:
		c = interrupted
	case again:
		c = failed
	case err != nil:
		c = refused
	}
	before = q.state
	q.state = before.next(c, k.failures > 0)
	switch c {
	case interrupted: // it stays where it is, to be stored
	case failed:
		k.failures++
		if !d.closed {
			k.timer = d.after(pause(k.failures, rand.Float64()), func() { d.retry(q, k) }) //nolint:gosec // jitter
		}
	default:
		q.pop(k)
	}
	if late || q.isDirty() {
		d.flushSoon()
	}
	return before, c, q.state
}

// logRun logs the result of a run.
func (d *Dispatcher) logRun(r run, before state, c change, after state, err error) {
	level, message := outcome(before, c, after)
	if c == refused && d.ctx.Err() != nil {
		level, message = zap.InfoLevel, "hook left running at shutdown"
	}
	if message == "" {
		return
	}
	mount, _, _ := strings.Cut(r.event.Mount, "?") // a query may hold a secret
	d.log().Log(level, message, zap.String("hook", r.hook.Label), zap.String("event", string(r.event.Name)),
		zap.String("mount", mount), zap.String("id", r.event.ID), zap.Error(err))
}

// outcome returns what is logged of a change of an event; no message: nothing. Of
// a hook that fails, the first failure is logged and that it has recovered.
func outcome(before state, c change, after state) (zapcore.Level, string) {
	switch {
	case (c == failed || c == refused) && before.failureLogged:
		return zap.DebugLevel, "hook failed again"
	case c == failed:
		return zap.WarnLevel, "hook failed, retrying"
	case c == refused:
		return zap.ErrorLevel, "hook failed"
	case before.failureLogged && !after.failureLogged:
		return zap.InfoLevel, "hook recovered"
	}
	return zap.DebugLevel, ""
}

// retry lets the first event of a part of a queue be tried again.
func (d *Dispatcher) retry(q *queue, k *keyQueue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k.timer == nil { // Close has stopped it
		return
	}
	k.timer = nil
	q.ready = append(q.ready, k)
	d.startWorkers(q)
}
