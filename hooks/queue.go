package hooks

import (
	"slices"
	"time"
)

// queue is what a hook has still to do. The dispatcher's mu guards all of it.
type queue struct {
	hook  *Hook // of the last plan that had it
	keys  map[string]*keyQueue
	ready []*keyQueue // in turn, those whose first event may be tried
	spool *spool      // nil: the queue is in memory only
	wills *spool      // of which only the next process delivers what is left; nil: there is no store
	state state

	spoolRead, willsRead bool // what an earlier process has stored is queued

	workers int
	length  int    // events
	bytes   int    // about what they take
	logged  counts // what of the state's counts was logged
}

// keyQueue is the part of a queue whose events are delivered in order.
type keyQueue struct {
	key      string
	events   []*queuedEvent
	tried    bool        // the first event is being tried, or has failed
	failures int         // of the first event
	timer    *time.Timer // runs until the first event is tried again; nil: it does not wait
}

func newQueue(h *Hook) *queue { return &queue{hook: h, keys: make(map[string]*keyQueue)} }

// put adds an event at the end. It reports whether there was room.
func (q *queue) put(event *Event) bool {
	limit := q.hook.Policy.Length
	if limit <= 0 {
		limit = DefaultLength
	}
	size := event.size()
	if q.length >= limit || q.bytes+size > maxBytes {
		q.state = q.state.next(dropped, false)
		return false
	}
	e := &queuedEvent{event: event, id: event.ID}
	k := q.keyQueue(event)
	k.events = append(k.events, e)
	q.length++
	q.bytes += size
	if q.spool != nil {
		q.spool.add(e)
	}
	return true
}

// restore adds what was stored, before all that came since except for events that
// have been tried already.
func (q *queue) restore(stored []*queuedEvent) {
	place := make(map[*keyQueue]int) // of the next event
	for _, e := range stored {
		k := q.keyQueue(e.event)
		at, ok := place[k]
		if !ok && k.tried {
			at = 1
		}
		k.events = slices.Insert(k.events, at, e)
		place[k] = at + 1
		q.length++
		q.bytes += e.event.size()
	}
}

// keyQueue returns the part of the queue that an event belongs to.
func (q *queue) keyQueue(e *Event) *keyQueue {
	key := q.hook.Policy.key(e)
	k := q.keys[key]
	if k == nil {
		k = &keyQueue{key: key}
		q.keys[key] = k
		q.ready = append(q.ready, k)
	}
	return k
}

// take returns the part of the queue whose turn it is, in order to try its first
// event; nil if there is none.
func (q *queue) take() *keyQueue {
	i := slices.IndexFunc(q.ready, func(k *keyQueue) bool { return !q.waits(k.events[0]) })
	if i < 0 {
		return nil
	}
	k := q.ready[i]
	q.ready = slices.Delete(q.ready, i, i+1)
	k.tried = true
	return k
}

// pop removes the first event of a part of the queue, which then gets in line
// again.
func (q *queue) pop(k *keyQueue) {
	e := k.events[0]
	q.length--
	q.bytes -= e.event.size()
	if q.spool != nil {
		q.spool.finish(e)
	}
	k.events[0] = nil
	k.events = k.events[1:]
	k.failures, k.tried = 0, false
	if len(k.events) == 0 {
		delete(q.keys, k.key)
		return
	}
	q.ready = append(q.ready, k)
}

// isDirty reports whether the queue has something to store now.
func (q *queue) isDirty() bool { return q.state.maySave() && (q.spool.isDirty() || q.wills.isDirty()) }

// isIdle reports whether nothing is lost when the queue is forgotten.
func (q *queue) isIdle() bool {
	return q.length == 0 && q.workers == 0 && q.logged == q.state.counts &&
		(q.wills == nil || q.state.maySave() && q.spool.isEmpty() && q.wills.isEmpty())
}

// isLost reports whether what is queued at the end of the process is lost.
func (q *queue) isLost() bool { return q.spool == nil || q.state.storage == unavailable }

// size is about how many bytes of memory the event takes.
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
