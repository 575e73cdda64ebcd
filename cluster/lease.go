package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

const (
	// askTime is how long a listener waits for the engine at most.
	askTime = 50 * time.Millisecond

	// fullGap is after which time a thing that is full is looked at once more, before a listener is
	// refused: a listener that moves from one node to another has two places for a moment.
	fullGap = 20 * time.Millisecond

	// leaseAge is how long the places of a node are held that gives no sign of life.
	leaseAge = 15 * time.Second

	// exactLimit is up to which limit places are taken one by one. Of larger ones a node takes
	// more than it needs, a chunkPart of what is left, so that it asks rarely.
	exactLimit = 64
	chunkPart  = 16
)

// Leases are the shares that this node has of limits of the whole cluster. Each limited thing, such as
// a mount or a user, has a key of the engine, with the places that each node holds; a node writes how
// many it holds before it uses them, by compare-and-set. So the nodes together hold no more than the
// limit. The places of a node that leaves, or gives no sign of life for leaseAge, are free. Things
// are hashes in the engine.
//
// A node whose engine is away, or does not answer within askTime, goes by its own count alone, and
// waits no more until the engine answers again. Then it writes what it uses, also if that is more
// than the limit: nobody is disconnected, and no listener admitted until there are places.
//
// Any goroutine may call its methods.
type Leases struct {
	engine Engine
	self   string // id of this node
	heir   string // id of the node whose places this one takes over; empty: none
	limits func(shared bool, cause error)
	wake   chan struct{} // cap 1: places are to be given back, or the connection has changed
	done   chan struct{}
	ended  sync.WaitGroup
	cancel func()

	mu     sync.Mutex
	things map[thing]*lease
	due    map[*lease]bool // to be written
	epoch  uint64          // what was written in an older one may be lost
	signs  signs
	breaker
}

// thing is what a limit is for.
type thing struct{ kind, name string }

// key returns the key of a thing in the engine.
func (t thing) key() string {
	sum := sha256.Sum256([]byte(t.kind + "\x00" + t.name))
	return hex.EncodeToString(sum[:16])
}

// lease is the share of one limit. mu of the Leases guards it.
type lease struct {
	thing
	limit   int // 0: none
	used    int // places
	waiting int // calls of Take
	held    int // places that others do not take, in this epoch
	epoch   uint64
	written time.Time

	revision uint64 // of the key when it was read or written last
	places   places // as of then

	busy chan struct{} // closed when a call of the engine for this key ends; nil: there is none
	full time.Time     // when the last call began that has found no place
}

// StartLeases returns the leases of a node. They must be closed. heir is the id of the node whose
// places are this one's from now on; empty: there is none. limits is called, under a lock, if limits
// hold for this node alone, and if they no longer do.
func StartLeases(engine Engine, self, heir string, limits func(shared bool, cause error)) *Leases {
	now := time.Now()
	l := &Leases{
		engine: engine, self: self, heir: heir, limits: limits,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		things: make(map[thing]*lease), due: make(map[*lease]bool),
		signs:   signs{seen: make(map[string]sign), since: now, own: now},
		breaker: breaker{isOpen: true, opened: now},
	}
	l.cancel = engine.OnConnection(l.reconnected)
	l.ended.Go(l.run)
	return l
}

// Close ends the leases. What this node holds stays until the others know that the node has left.
func (l *Leases) Close() {
	l.cancel()
	close(l.done)
	l.ended.Wait()
}

// notify wakes run.
func (l *Leases) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Take takes a place of a thing, unless all nodes together have as many as limit; 0 is no limit. It
// returns false then. It may wait for the engine, up to askTime.
func (l *Leases) Take(kind, name string, limit int) bool {
	arrived := time.Now()
	deadline := arrived.Add(askTime)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.lease(thing{kind, name})
	e.limit = limit
	e.waiting++
	defer func() {
		e.waiting--
		l.forget(e)
	}()
	for now := arrived; ; now = time.Now() {
		l.fence(now)
		switch {
		case limit > 0 && e.used >= limit:
			return false
		case limit <= 0, l.isAlone(), e.epoch == l.epoch && e.used < e.held:
			e.used++
			return true
		case e.full.Sub(arrived) >= fullGap, !now.Before(deadline) && !e.full.Before(arrived):
			return false
		case !now.Before(deadline):
			l.trip(errSlow)
		case e.busy != nil:
			l.pause(e.busy, deadline)
		case now.Before(e.full.Add(fullGap)):
			l.pause(nil, e.full.Add(fullGap)) // not all of them ask
		default:
			l.ask(e, deadline)
		}
	}
}

// pause waits until something is over, or until a time. mu is held, but not meanwhile.
func (l *Leases) pause(over <-chan struct{}, until time.Time) {
	l.mu.Unlock()
	defer l.mu.Lock()
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	}
}

// Return gives places back.
func (l *Leases) Return(kind, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.lease(thing{kind, name})
	e.used = max(0, e.used-1)
	if e.held > e.used {
		l.due[e] = true
		if e.limit <= exactLimit { // another node may wait for it
			l.notify()
		}
	}
	l.forget(e)
}

// Add adds places that are used already, whatever the limit is; it may be 0 places, for another limit.
func (l *Leases) Add(kind, name string, places, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.lease(thing{kind, name})
	e.used += places
	e.limit = limit
	if e.isDue(l.epoch, time.Now()) {
		l.due[e] = true
	}
	l.forget(e)
}

// Left returns how many places of a limit are left, as far as this node knows.
func (l *Leases) Left(kind, name string, limit int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.things[thing{kind, name}]
	if e == nil {
		return limit
	}
	return max(0, limit-e.used-l.others(e, time.Now()))
}

// AreShared reports whether the limits hold for the whole cluster now.
func (l *Leases) AreShared() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.isAlone()
}

// Lapses returns how often limits have ceased to hold for the whole cluster.
func (l *Leases) Lapses() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trips
}

// lease returns the lease of a thing. mu is held.
func (l *Leases) lease(t thing) *lease {
	e := l.things[t]
	if e == nil {
		e = &lease{thing: t}
		l.things[t] = e
	}
	return e
}

// forget removes a lease without places. mu is held.
func (l *Leases) forget(e *lease) {
	if e.used == 0 && e.held == 0 && e.waiting == 0 && e.busy == nil {
		delete(l.things, e.thing)
		delete(l.due, e)
	}
}
