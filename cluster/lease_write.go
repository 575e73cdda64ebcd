package cluster

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// renewInterval is how often all leases are looked through.
	renewInterval = leaseAge / 3

	// trimInterval is how often places of large limits are given back.
	trimInterval = time.Second

	// probeInterval is how often an engine is tried that does not answer, probeTime how long.
	probeInterval = 250 * time.Millisecond
	probeTime     = time.Second

	// rewriteAge is how old a key may be before it is written again, so that it stays.
	rewriteAge = KeyAge / 3

	// maxRound is how many leases are written in a row, by writers at a time; roundGap is the
	// time between two rows.
	maxRound = 512
	writers  = 16
	roundGap = 100 * time.Millisecond

	// maxBackoff is how long a node waits at most after several others were faster.
	maxBackoff = 4 * time.Millisecond
)

// keyOfProbes is the key that is read to find out whether the engine answers.
const keyOfProbes = "probe"

// chunk returns how many places a node holds beyond those that it needs, of those that are left.
func (e *lease) chunk(left int) int {
	if e.limit <= exactLimit {
		return 0
	}
	return max(0, left) / chunkPart
}

// ask takes places for all that wait for one, until a time. mu is held, but not meanwhile.
func (l *Leases) ask(e *lease, until time.Time) {
	began := time.Now()
	err := l.write(e, until, func(others int) (held int, ok bool) {
		left := e.limit - others
		if left <= e.used {
			return 0, false
		}
		need := min(e.used+e.waiting, left)
		return need + e.chunk(left-need), true
	})
	switch {
	case errors.Is(err, errFull), errors.Is(err, ErrConflict): // others were faster all the time
		e.full = began
	case err != nil:
		l.trip(err)
	}
}

// errFull is returned by write if no place is left.
var errFull = errors.New("cluster: no place is left")

// write writes how many places this node holds, until a time. target returns how many, given those of
// the others, or false if it can be none, which is believed once the key was read. mu is held, but not
// while the engine is called; only one goroutine at a time writes a lease.
func (l *Leases) write(e *lease, until time.Time, target func(others int) (held int, ok bool)) error {
	e.busy = make(chan struct{})
	defer func() {
		close(e.busy)
		e.busy = nil
	}()
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	key, isRead := e.key(), false
	isKnown := e.epoch == l.epoch || e.revision == 0 // else the number may be that of another value
	for attempt := 0; ; attempt++ {
		now := time.Now()
		held, ok := target(l.others(e, now))
		switch {
		case !ok && isRead:
			return errFull
		case ok && (isKnown || isRead):
			epoch, next, revision := l.epoch, l.with(e, held, now), e.revision
			l.mu.Unlock()
			revision, err := l.engine.CompareAndSet(ctx, key, next.encode(), revision)
			l.mu.Lock()
			if err == nil {
				e.held, e.epoch, e.written, e.revision, e.places = held, epoch, now, revision, next
				return nil
			}
			if !errors.Is(err, ErrConflict) {
				return err
			}
			if attempt > 0 && !l.backOff(attempt, until) {
				return err
			}
		}
		l.mu.Unlock()
		text, revision, err := l.engine.Get(ctx, key)
		l.mu.Lock()
		if err != nil {
			return err
		}
		e.revision, e.places, isRead = revision, decodePlaces(text), true
	}
}

// backOff waits a little, so that one of several nodes gets on; false: there is no time. mu is held,
// but not meanwhile.
func (l *Leases) backOff(attempt int, until time.Time) bool {
	wait := rand.N(min(maxBackoff, time.Duration(attempt)*time.Millisecond)) //nolint:gosec // so that they are not all at once
	if !time.Now().Add(wait).Before(until) {
		return false
	}
	l.mu.Unlock()
	time.Sleep(wait)
	l.mu.Lock()
	return true
}

// run writes leases that are due, until they are closed.
func (l *Leases) run() {
	var renewed time.Time
	for {
		now := time.Now()
		pause := trimInterval
		switch {
		case !l.closeBreaker():
			pause = probeInterval
		default:
			if now.Sub(renewed) >= renewInterval {
				renewed = now
				l.renew(now)
			}
			if l.writeDue() {
				pause = roundGap
			}
		}
		if !l.sleep(pause, pause == roundGap) {
			return
		}
	}
}

// sleep waits for a time, or for something to do unless it is deep. It returns false if the leases are
// closed.
func (l *Leases) sleep(d time.Duration, deep bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	wake := l.wake
	if deep {
		wake = nil
	}
	select {
	case <-timer.C:
	case <-wake:
	case <-l.done:
		return false
	}
	return true
}

// reconnected begins anew when the connection has come or gone: what was written may be lost, and no
// signs could arrive.
func (l *Leases) reconnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.epoch++
	l.signs.since, l.signs.own = now, now
	l.trip(ErrDisconnected)
	l.notify()
}

// closeBreaker reports whether the engine answers, which it tries if it did not.
func (l *Leases) closeBreaker() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isOpen {
		return true
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	_, _, err := l.engine.Get(ctx, keyOfProbes)
	cancel()
	l.mu.Lock()
	now := time.Now()
	if err == nil {
		l.isOpen = false
		l.epoch++
		for _, e := range l.things {
			if e.isDue(l.epoch, now) {
				l.due[e] = true
			}
		}
	} else {
		l.cause = err
	}
	l.tell(now)
	return err == nil
}

// isDue reports whether a lease is to be written. mu is held.
func (e *lease) isDue(epoch uint64, now time.Time) bool {
	if e.limit <= 0 {
		return e.held > 0
	}
	return e.held != e.used || e.epoch != epoch && e.used > 0 || e.used > 0 && now.Sub(e.written) >= rewriteAge
}

// renew notes the leases that are due without a change.
func (l *Leases) renew(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fence(now)
	l.forgetNodes(now)
	for _, e := range l.things {
		if e.isDue(l.epoch, now) {
			l.due[e] = true
		}
	}
}

// writeDue writes leases that are due, those with the most places first. It reports whether there are more.
func (l *Leases) writeDue() (more bool) {
	l.mu.Lock()
	all := make([]*lease, 0, len(l.due))
	for e := range l.due {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *lease) int { return cmp.Compare(b.used, a.used) })
	more = len(all) > maxRound
	all = all[:min(len(all), maxRound)]
	for _, e := range all {
		delete(l.due, e)
	}
	l.mu.Unlock()
	next := make(chan *lease)
	var ended sync.WaitGroup
	for range min(writers, len(all)) {
		ended.Go(func() {
			for e := range next {
				l.settle(e)
			}
		})
	}
	for _, e := range all {
		next <- e
	}
	close(next)
	ended.Wait()
	return more
}

// settle writes what this node uses of a thing, and gives back what it does not.
func (l *Leases) settle(e *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isAlone() || !e.isDue(l.epoch, time.Now()) {
		return // all is written when the engine is back
	}
	if e.busy != nil {
		l.due[e] = true
		return
	}
	err := l.write(e, time.Now().Add(probeTime), func(others int) (held int, ok bool) {
		spare := 0
		if e.epoch == l.epoch {
			spare = max(0, min(e.held-e.used, e.chunk(e.limit-others-e.used)))
		}
		if e.limit > 0 {
			held = e.used + spare
		}
		e.held = min(e.held, held) // no more are used from now on
		return held, true
	})
	switch {
	case errors.Is(err, ErrConflict):
		l.due[e] = true
	case err != nil:
		l.trip(err)
	case e.used > e.held && e.limit > 0:
		l.due[e] = true
	}
	l.forget(e)
}
