package hooks

import (
	"slices"
	"time"
)

// queue is what a hook has still to do. All of it is guarded by the dispatcher's
// mu.
type queue struct {
	hook  *Hook // as it was set last
	lanes map[string]*lane
	ready []*lane // lanes whose turn it is, but for those that are being worked on

	workers int
	length  int // events
	bytes   int // of their texts

	loading bool   // what was kept is still to come, before all else
	unread  bool   // what was kept could not be read, and is left as it is
	kept    bool   // the store has something of it
	dirty   bool   // the store has something else
	unsaved bool   // it was said that the store does not take it
	lost    uint64 // events that found no place, since that was last said
	late    uint64 // events that were given up, since that was last said
	refused uint64 // events that the hook will never take, since that was last counted
	failing int    // lanes with failures
	said    bool   // it was said that the hook fails
}

// lane is a part of a queue whose order is kept.
type lane struct {
	key      string
	events   []*Event // the first is being worked on, or is waited with
	failures int      // of the first
	timer    *time.Timer
}

func newQueue(h *Hook) *queue { return &queue{hook: h, lanes: make(map[string]*lane)} }

// put adds an event at the end of its lane, and reports false if there is no room.
func (q *queue) put(e *Event) bool {
	limit := q.hook.Policy.Length
	if limit <= 0 {
		limit = DefaultLength
	}
	size := e.size()
	if q.length >= limit || q.bytes+size > maxBytes {
		q.lost++
		return false
	}
	l := q.laneOf(e)
	l.events = append(l.events, e)
	q.length++
	q.bytes += size
	q.dirty = q.hook.Policy.Persist
	return true
}

// restore puts what was kept before all that has come since, but for what may be
// under way already, if it could not be read at first.
func (q *queue) restore(kept []*Event) {
	first := 1
	if q.loading {
		first = 0
	}
	after := make(map[*lane]int) // how many of a lane are in their place
	for _, e := range kept {
		l := q.laneOf(e)
		if n, ok := after[l]; !ok {
			after[l] = min(first, len(l.events))
		} else {
			after[l] = n + 1
		}
		l.events = slices.Insert(l.events, after[l], e)
		q.length++
		q.bytes += e.size()
	}
	q.dirty = q.hook.Policy.Persist
}

// laneOf returns the lane of an event, which may be a new one whose turn it is.
func (q *queue) laneOf(e *Event) *lane {
	key := q.hook.Policy.key(e)
	l := q.lanes[key]
	if l == nil {
		l = &lane{key: key}
		q.lanes[key] = l
		q.ready = append(q.ready, l)
	}
	return l
}

// next takes the lane whose turn it is.
func (q *queue) next() *lane {
	l := q.ready[0]
	q.ready = q.ready[1:]
	return l
}

// pop takes the first event off a lane, which then gets in line again.
func (q *queue) pop(l *lane) {
	q.length--
	q.bytes -= l.events[0].size()
	q.dirty = q.hook.Policy.Persist
	l.events[0] = nil
	l.events = l.events[1:]
	l.failures = 0
	if len(l.events) == 0 {
		delete(q.lanes, l.key)
		return
	}
	q.ready = append(q.ready, l)
}

// events returns all that is queued, lane by lane.
func (q *queue) events() []*Event {
	events := make([]*Event, 0, q.length)
	for _, l := range q.lanes {
		events = append(events, l.events...)
	}
	return events
}

// size is about how much memory the event takes.
func (e *Event) size() int {
	n := 256 + len(e.Mount)
	for _, f := range e.Fields {
		n += 64
		if s, ok := f.Value.(string); ok {
			n += len(s)
		}
	}
	return n
}
