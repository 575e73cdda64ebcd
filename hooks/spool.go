package hooks

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

const (
	// minSegment is how many records a segment has at least before another is
	// begun. It bounds the number of segments, and how often an event that waits
	// is written while few others come.
	minSegment = 64
	// maxSegment and maxSegmentBytes bound a segment.
	maxSegment      = 1024
	maxSegmentBytes = 1 << 20
	// maxGarbage is how many records may be stored that are of no use any more,
	// besides one for each event that is queued.
	maxGarbage = 1024
)

// spool is what this process has read and written of a stored queue: a list of
// segments, what the next ones will hold, and which can be deleted. It does no I/O
// itself. The dispatcher's mu guards all of it.
//
// What is stored costs each event a constant number of bytes, however many wait:
// an event is written once when it is queued and its ID once when it is done. A
// small last segment is replaced by one that has its content too, and the oldest
// segments are carried over into new ones when more than half of what is stored is
// of no use. A segment is deleted when nothing in it is queued and all older ones
// are gone, so that a record of what is done outlives the event.
type spool struct {
	segments []*segment     // that are stored, the oldest first
	replaced []*segment     // those of them whose whole content a later one has, or will have
	pending  []*queuedEvent // to be stored, in order; some may be done by now
	done     []*queuedEvent // stored in a segment and done since
	number   uint64         // of the event that was last numbered
	key      uint64         // number of the key that was last used
	writer   string         // part of all new keys
	beat     bool           // a segment is due although it may be empty
}

// segment is what is known of a stored segment.
type segment struct {
	key    string
	events []*queuedEvent
	done   []string // IDs
	bytes  int
	live   int // events that are queued and that no later segment has
}

// draft is a segment that is not stored yet.
type draft struct {
	segment
	replaces *segment // the last one stored, if this one has its content; nil: it does not
	finished int      // events of the spool's done that it calls done
	full     bool     // there is more to store
}

// queuedEvent is an event in a queue.
type queuedEvent struct {
	event   *Event // nil once it is done
	id      string
	number  uint64   // 0: none yet
	segment *segment // the last one that has it; nil: it is not stored
	pending bool     // it is among what is to be stored
	done    bool
	after   *queuedEvent // a will that must be stored first; nil: none
}

// lacksWill reports whether the event has a will that is not stored yet.
func (e *queuedEvent) lacksWill() bool {
	return e.after != nil && !e.after.done && e.after.segment == nil
}

func newSpool() *spool { return &spool{writer: strings.ToLower(rand.Text()[:6])} }

// add takes an event that was queued last.
func (s *spool) add(e *queuedEvent) {
	e.pending = true
	s.pending = append(s.pending, e)
}

// finish takes note that an event is done.
func (s *spool) finish(e *queuedEvent) {
	e.done, e.event = true, nil
	if e.segment != nil {
		e.segment.live--
		s.done = append(s.done, e)
	}
}

// isDirty reports whether the store lacks something, or has too much. A nil spool is not.
func (s *spool) isDirty() bool {
	if s == nil {
		return false
	}
	s.prune()
	return len(s.pending) > 0 || len(s.done) > 0 || s.obsolete() != nil || s.beat
}

// isEmpty reports whether nothing is stored, or is to be. A nil spool is empty.
func (s *spool) isEmpty() bool { return s == nil || len(s.segments) == 0 && !s.isDirty() }

// continues makes the spool go on from where another one, which was read, has ended.
func (s *spool) continues(read *spool) {
	pending := s.pending
	*s = *read
	s.pending = append(s.pending, pending...)
}

// prune forgets what need not be stored any more.
func (s *spool) prune() {
	for len(s.pending) > 0 && s.pending[0].done {
		s.pending[0] = nil
		s.pending = s.pending[1:]
	}
}

// obsolete returns a segment that can be deleted; nil if there is none.
func (s *spool) obsolete() *segment {
	if len(s.segments) > 0 && s.segments[0].live == 0 {
		return s.segments[0]
	}
	for _, seg := range s.replaced {
		if seg.live == 0 {
			return seg
		}
	}
	return nil
}

// deleted takes note that a segment is not stored any more.
func (s *spool) deleted(old *segment) {
	isOld := func(seg *segment) bool { return seg == old }
	s.segments = slices.DeleteFunc(s.segments, isOld)
	s.replaced = slices.DeleteFunc(s.replaced, isOld)
	s.done = slices.DeleteFunc(s.done, func(e *queuedEvent) bool { return e.segment == old })
}

// compact queues for storing again what is live in the oldest segments, if too
// much of what is stored is garbage. They can be deleted then.
func (s *spool) compact() {
	garbage, live := 0, 0
	for _, seg := range s.segments {
		garbage += seg.garbage()
		live += seg.live
	}
	var carried []*queuedEvent
	for _, seg := range s.segments {
		if garbage <= live+maxGarbage {
			break
		}
		garbage -= seg.garbage()
		carried = append(carried, seg.carry()...)
	}
	s.prepend(carried)
}

// prepend puts events before all others that are to be stored.
func (s *spool) prepend(events []*queuedEvent) {
	if len(events) > 0 {
		s.pending = slices.Concat(events, s.pending)
	}
}

func (seg *segment) records() int { return len(seg.events) + len(seg.done) }
func (seg *segment) garbage() int { return seg.records() - seg.live }

// carry returns the events of a segment that are to be stored again.
func (seg *segment) carry() (events []*queuedEvent) {
	for _, e := range seg.events {
		if e.segment == seg && !e.done && !e.pending {
			e.pending = true
			events = append(events, e)
		}
	}
	return events
}

// draftNew returns the segment with new events to be stored next; nil if there are none.
func (s *spool) draftNew() *draft {
	done := s.done
	s.done = nil
	defer func() { s.done = done }()
	if s.prune(); len(s.pending) == 0 {
		return nil
	}
	return s.draft()
}

// draft returns the segment to be stored next; nil if there is nothing to store.
// It changes nothing that counts until stored is called with it.
func (s *spool) draft() *draft {
	s.prune()
	if len(s.pending) == 0 && len(s.done) == 0 && !s.beat {
		return nil
	}
	d := &draft{segment: segment{key: segmentKey(s.key+1, s.writer)}}
	if n := len(s.segments); n > 0 && s.segments[n-1].isSmall() {
		last := s.segments[n-1]
		d.replaces = last
		s.prepend(last.carry())
		if n > 1 { // what the oldest segment calls done is not stored any more
			d.done = slices.Clone(last.done)
		}
	}
	d.finished = min(len(s.done), maxSegment)
	d.full = d.finished < len(s.done)
	for _, e := range s.done[:d.finished] {
		d.done = append(d.done, e.id)
	}
	bytes := 0
	for _, e := range s.pending {
		if e.done {
			continue
		}
		if e.lacksWill() {
			break
		}
		bytes += e.event.size()
		if n := len(d.events); n == maxSegment || n > 0 && bytes > maxSegmentBytes {
			d.full = true
			break
		}
		if e.number == 0 {
			s.number++
			e.number = s.number
		}
		d.events = append(d.events, e)
	}
	if len(d.events) == 0 && len(d.done) == 0 && !s.beat {
		return nil
	}
	return d
}

// isSmall reports whether a segment is replaced when there is more to store.
func (seg *segment) isSmall() bool {
	return seg.records() < minSegment && seg.bytes < maxSegmentBytes/minSegment && seg.key != DocumentKey
}

// form returns what is to be stored of a draft. Encoding it needs no lock.
func (d *draft) form() storedSegment {
	form := storedSegment{Version: segmentVersion, Time: time.Now().UTC(), Done: d.done}
	for _, e := range d.events {
		form.Events = append(form.Events, storedEvent{e.number, e.event})
	}
	return form
}

// stored takes note that a draft is stored, in so many bytes.
func (s *spool) stored(d *draft, bytes int) {
	seg := &d.segment
	seg.bytes = bytes
	s.key++
	s.beat = false
	s.segments = append(s.segments, seg)
	s.done = s.done[d.finished:]
	if d.replaces != nil {
		s.replaced = append(s.replaced, d.replaces)
	}
	for _, e := range seg.events {
		old := e.segment
		e.segment, e.pending = seg, false
		switch {
		case !e.done:
			seg.live++
			if old != nil {
				old.live--
			}
		case old == nil: // it was done while it was being stored
			s.done = append(s.done, e)
		}
	}
	s.pending = slices.DeleteFunc(s.pending, func(e *queuedEvent) bool { return !e.pending || e.done })
}

// restore adds what is stored under a key. Keys come in order: the DocumentKey
// first. When all are added, restored returns what is queued.
func (s *spool) restore(key string, value storedSegment, bytes int, known map[string]*queuedEvent) {
	seg := &segment{key: key, done: value.Done, bytes: bytes}
	s.segments = append(s.segments, seg)
	for _, stored := range value.Events {
		e := known[stored.ID]
		switch {
		case e == nil:
			e = &queuedEvent{event: stored.Event, id: stored.ID}
			known[e.id] = e
		case e.segment == seg: // twice the same
			continue
		default:
			e.segment.live--
		}
		e.number, e.segment, e.pending = stored.Number, seg, key == DocumentKey
		seg.events = append(seg.events, e)
		seg.live++
		s.number = max(s.number, e.number)
	}
	if n, err := segmentNumber(key); err == nil {
		s.key = max(s.key, n)
	}
}

// restored returns the events that are queued, in order, after all segments were
// restored.
func (s *spool) restored(known map[string]*queuedEvent) []*queuedEvent {
	for _, seg := range s.segments {
		for _, id := range seg.done {
			if e := known[id]; e != nil && !e.done {
				e.done, e.event, e.pending = true, nil, false
				e.segment.live--
			}
		}
	}
	var events []*queuedEvent
	for _, seg := range s.segments {
		for _, e := range seg.events {
			if e.segment == seg && !e.done {
				events = append(events, e)
			}
		}
	}
	slices.SortStableFunc(events, func(a, b *queuedEvent) int { return cmp.Compare(a.number, b.number) })
	for _, e := range events {
		if e.pending { // only an old document had it: it gets a number
			s.pending = append(s.pending, e)
		}
	}
	return events
}
