package cluster

import (
	"encoding/json"
	"errors"
	"maps"
	"time"
)

// signs are the signs of life of the nodes.
type signs struct {
	seen  map[string]sign // of the other nodes, by id
	own   time.Time       // when this node heard of itself last, so that the others could as well
	since time.Time       // when signs could not arrive before
}

type sign struct {
	at   time.Time
	left bool // it has ended
}

// isAlive reports whether the places of another node count.
func (s *signs) isAlive(id string, now time.Time) bool {
	last := s.seen[id]
	at := last.at
	if s.since.After(at) {
		at = s.since
	}
	return !last.left && now.Sub(at) < leaseAge
}

// Seen notes a sign of life of a node, perhaps its last one.
func (l *Leases) Seen(id string, left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if id == l.self {
		l.signs.own = now
	} else if _, known := l.signs.seen[id]; known || len(l.signs.seen) < maxGone {
		l.signs.seen[id] = sign{now, left}
	}
}

// forgetNodes forgets nodes that are gone. mu is held.
func (l *Leases) forgetNodes(now time.Time) {
	maps.DeleteFunc(l.signs.seen, func(_ string, s sign) bool { return now.Sub(s.at) > 2*leaseAge })
}

// fence makes this node write its places anew if it has not heard of itself: others may have taken
// them. mu is held.
func (l *Leases) fence(now time.Time) {
	if now.Sub(l.signs.own) > leaseAge/3 {
		l.signs.own = now
		l.epoch++
	}
}

// places are how many places nodes hold, by their ids: the value of a key.
type places map[string]int

// maxPlacesText bounds the value of a key.
const maxPlacesText = 64 << 10

func (p places) encode() []byte {
	text, _ := json.Marshal(p) // it never fails
	return text
}

// decodePlaces returns the places of a value. One that is none counts as nothing.
func decodePlaces(text []byte) places {
	var p places
	if len(text) > maxPlacesText || json.Unmarshal(text, &p) != nil || len(p) > maxNodes {
		return nil
	}
	maps.DeleteFunc(p, func(id string, n int) bool { return len(id) != 2*idSize || n <= 0 || n > 1<<31 })
	return p
}

// others returns how many places of a thing other nodes hold, as was read last. mu is held.
func (l *Leases) others(e *lease, now time.Time) (sum int) {
	for id, n := range e.places {
		if l.isOther(id, now) {
			sum += n
		}
	}
	return sum
}

// isOther reports whether the places of a node are another one's, and count. mu is held.
func (l *Leases) isOther(id string, now time.Time) bool {
	return id != l.self && id != l.heir && l.signs.isAlive(id, now)
}

// with returns the places of a thing, with those that this node is to hold, and without those of nodes
// that are gone. mu is held.
func (l *Leases) with(e *lease, held int, now time.Time) places {
	next := maps.Clone(e.places)
	if next == nil {
		next = make(places)
	}
	maps.DeleteFunc(next, func(id string, _ int) bool { return !l.isOther(id, now) })
	if held > 0 {
		next[l.self] = held
	}
	return next
}

// errSlow is why a node goes by its own count.
var errSlow = errors.New("cluster: the engine does not answer; expected an answer within " + askTime.String())

// tellAfter is how long limits are local before that is told.
const tellAfter = 2 * time.Second

// breaker keeps listeners from waiting for an engine that does not answer.
type breaker struct {
	isOpen bool // nobody asks
	opened time.Time
	cause  error
	told   bool
	trips  int // how often it was opened since the start
}

// isAlone reports whether this node goes by its own count. mu is held.
func (l *Leases) isAlone() bool { return l.isOpen || !l.engine.IsConnected() }

// trip opens the breaker, after an error. mu is held.
func (l *Leases) trip(err error) {
	l.cause = err
	if !l.isOpen {
		l.isOpen, l.opened = true, time.Now()
		l.trips++
		l.notify()
	}
}

// tell tells that limits are local, or no longer. mu is held.
func (l *Leases) tell(now time.Time) {
	switch {
	case l.isOpen && !l.told && now.Sub(l.opened) >= tellAfter:
		l.told = true
		l.limits(false, l.cause)
	case !l.isOpen && l.told:
		l.told = false
		l.limits(true, nil)
	}
}
