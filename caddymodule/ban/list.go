package ban

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBans   = 10000 // in force
	maxAgents = 1000  // of these, since each pattern is compared
	maxKnown  = 2 * maxBans

	// forgetTime is how much longer a ban is kept than it is of interest, since other nodes have other clocks.
	forgetTime = 2 * clockSkew
)

// ErrUnknown is the error of Remove for a ban that is not in force.
var ErrUnknown = errors.New("unknown; expected one of the list of bans")

// List is the bans of a station. The zero value is empty. Any goroutine may use it.
type List struct {
	index atomic.Pointer[index] // of those in force; nil: none

	mu    sync.Mutex
	known map[string]*entry // also those taken back
	timer *time.Timer       // for the next one that ends; nil: none does
}

// Any reports whether a ban is in force.
func (l *List) Any() bool { return l.index.Load() != nil }

// Match returns a ban of a client, nil if there is none. An empty agent or user is not compared.
func (l *List) Match(ip netip.Addr, agent, user string) *Ban {
	x := l.index.Load()
	if x == nil {
		return nil
	}
	if b := x.find(ip, agent, user); b != nil && b.IsInForce(time.Now()) {
		return b
	}
	return nil
}

// Add puts a ban into force that Parse has returned, in the place of one for the same clients.
func (l *List) Add(b Ban) (Ban, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.inForce(time.Now()); l.known[b.ID] == nil || !l.known[b.ID].IsInForce(time.Now()) {
		if len(all) >= maxBans {
			return b, fmt.Errorf("%d bans in force; expected fewer, some of them as a network", len(all))
		}
		agents := 0
		for _, other := range all {
			if other.Kind == Agent {
				agents++
			}
		}
		if b.Kind == Agent && agents >= maxAgents {
			return b, fmt.Errorf("%d bans of agents in force; expected fewer, some of them as one pattern", agents)
		}
	}
	return l.set(b)
}

// Remove takes a ban back.
func (l *List) Remove(id, by, from string) (Ban, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.known[id]
	if e == nil || !e.IsInForce(time.Now()) {
		return Ban{}, ErrUnknown
	}
	b := e.Ban
	b.By, b.From, b.Removed = by, from, true
	return l.set(b)
}

// set makes a ban the last one of its id. mu is held.
func (l *List) set(b Ban) (Ban, error) {
	now := time.Now()
	b.At = now.UTC().Truncate(time.Millisecond)
	if before := l.known[b.ID]; before != nil && !b.At.After(before.At) {
		b.At = before.At.Add(time.Millisecond)
	}
	if err := b.check(now); err != nil {
		return b, err
	}
	e, err := newEntry(b)
	if err != nil {
		return b, err
	}
	l.put(e)
	l.update(now)
	return b, nil
}

func (l *List) put(e *entry) {
	if l.known == nil {
		l.known = make(map[string]*entry)
	}
	l.known[e.ID] = e
}

// Merge takes bans of another list, and returns those that it has not had. The error is that of the last
// one that no list has.
func (l *List) Merge(all []Ban) (fresh []Ban, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range all {
		if invalid := b.check(now); invalid != nil {
			err = invalid
			continue
		}
		e, invalid := newEntry(b)
		if invalid != nil {
			err = invalid
			continue
		}
		before := l.known[b.ID]
		if before == nil && (len(l.known) >= maxKnown || !b.isKnown(now)) || before != nil && !e.replaces(before) {
			continue
		}
		l.put(e)
		fresh = append(fresh, b)
	}
	if len(fresh) > 0 {
		l.update(now)
	}
	return fresh, err
}

// update makes the index, and sets the timer for the next ban that ends. mu is held.
func (l *List) update(now time.Time) {
	maps.DeleteFunc(l.known, func(_ string, e *entry) bool { return !e.isKnown(now.Add(-forgetTime)) })
	all := l.inForce(now)
	l.index.Store(newIndex(all))
	var next time.Time
	for _, b := range all {
		if !b.Until.IsZero() && (next.IsZero() || b.Until.Before(next)) {
			next = b.Until
		}
	}
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if !next.IsZero() {
		l.timer = time.AfterFunc(next.Sub(now), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.timer != nil {
				l.update(time.Now())
			}
		})
	}
}

// Close stops the timer of the list.
func (l *List) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

// inForce returns the bans in force, the oldest first. mu is held.
func (l *List) inForce(now time.Time) (all []*Ban) {
	for _, e := range l.known {
		if e.IsInForce(now) {
			all = append(all, &e.Ban)
		}
	}
	slices.SortFunc(all, func(a, b *Ban) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all
}

// InForce returns the bans in force, the oldest first.
func (l *List) InForce() []Ban {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := []Ban{}
	for _, b := range l.inForce(time.Now()) {
		all = append(all, *b)
	}
	return all
}

// Known returns all bans that another list need know, in force and taken back, sorted by id.
func (l *List) Known() (all []Ban) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.known)) {
		if e := l.known[id]; e.isKnown(now) {
			all = append(all, e.Ban)
		}
	}
	return all
}

// Digest returns the same number for two lists with the same bans. What is not of interest any more
// at a time, which both lists must be asked for, does not count.
func (l *List) Digest(at time.Time) (sum uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.known {
		if e.isKnown(at) {
			sum ^= e.sum
		}
	}
	return sum
}
