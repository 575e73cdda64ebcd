package state

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/hooks"
)

const (
	// JournalLength is how many events a station keeps for those who follow.
	JournalLength = 256

	// journalTime is for how long they are kept when nobody follows any more, so
	// that who was cut off by a reload misses none.
	journalTime = time.Minute

	// MaxSubscribers bounds how many follow a station.
	MaxSubscribers = 64
)

// EventLog is the last events of a station, for those who follow and for those who ask what
// was. Those about listeners are kept only while somebody follows: they may be many. The
// zero value is ready.
type EventLog struct {
	kept atomic.Bool // somebody follows, or did so a moment ago: what is about listeners is kept, too

	mu        sync.Mutex
	ring      [JournalLength]record
	count     uint64 // of all that were added; the next goes to count modulo the length
	followers map[*Subscriber]struct{}
	rest      *time.Timer // ends the keeping
}

type record struct {
	event *hooks.Event
	added time.Time
}

// Subscriber is somebody who reads journals, at its own pace.
type Subscriber struct {
	wake    chan struct{} // there is more; cap 1
	reading []*subscription
}

// NewSubscriber returns a subscriber of no journal yet. It wakes at once, since there may be
// something already.
func NewSubscriber() *Subscriber {
	f := &Subscriber{wake: make(chan struct{}, 1)}
	f.wake <- struct{}{}
	return f
}

// Wake returns a channel that receives when there is more to read.
func (f *Subscriber) Wake() <-chan struct{} { return f.wake }

// Events are what was added to the event log of one station since the last Read.
type Events struct {
	Station string
	Events  []*hooks.Event
	Missed  uint64 // events that were lost in between
}

// Read returns what has been added since the last Read, by station.
func (f *Subscriber) Read() (all []Events) {
	for _, r := range f.reading {
		events, missed := r.read()
		all = append(all, Events{r.station, events, missed})
	}
	return all
}

// subscription is a place in a journal.
type subscription struct {
	journal *EventLog
	station string
	next    uint64
}

// wants tells whether such an event is worth making for the journal.
func (j *EventLog) wants(name hooks.Name) bool {
	return name != hooks.ListenerAdded && name != hooks.ListenerRemoved || j.kept.Load()
}

// add keeps an event. It never blocks, and may be called under any lock.
func (j *EventLog) add(e *hooks.Event) {
	if !j.wants(e.Name) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring[j.count%JournalLength] = record{e, time.Now()}
	j.count++
	for f := range j.followers {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// Subscribe lets somebody follow, from what comes next or from what is still there since a
// time, and reports false if too many do so already.
func (j *EventLog) Subscribe(f *Subscriber, station string, since time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.followers) >= MaxSubscribers {
		return false
	}
	if j.followers == nil {
		j.followers = make(map[*Subscriber]struct{})
	}
	j.followers[f] = struct{}{}
	j.kept.Store(true)
	if j.rest != nil {
		j.rest.Stop()
	}
	next := j.count
	if !since.IsZero() {
		for next > j.oldest() && !j.ring[(next-1)%JournalLength].added.Before(since) {
			next--
		}
	}
	f.reading = append(f.reading, &subscription{j, station, next})
	return true
}

// oldest returns the number of the oldest event that is kept. mu is held.
func (j *EventLog) oldest() uint64 { return j.count - min(j.count, JournalLength) }

// unsubscribe ends the following.
func (j *EventLog) unsubscribe(f *Subscriber) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.followers, f)
	if len(j.followers) > 0 {
		return
	}
	if j.rest == nil {
		j.rest = time.AfterFunc(journalTime, j.forget)
	} else {
		j.rest.Reset(journalTime)
	}
}

// forget ends the keeping of what is about listeners, if nobody follows.
func (j *EventLog) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.followers) == 0 {
		j.kept.Store(false)
	}
}

// Last returns the events that are kept, the newest first, n at most.
func (j *EventLog) Last(n int) []*hooks.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var events []*hooks.Event
	for i := j.count; i > j.oldest() && len(events) < n; i-- {
		events = append(events, j.ring[(i-1)%JournalLength].event)
	}
	return events
}

// close keeps nothing any more.
func (j *EventLog) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rest != nil {
		j.rest.Stop()
	}
}

// read returns what has been added since it was last asked, and how many events it
// came too late for.
func (r *subscription) read() (events []*hooks.Event, missed uint64) {
	j := r.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if oldest := j.oldest(); r.next < oldest {
		missed, r.next = oldest-r.next, oldest
	}
	for ; r.next < j.count; r.next++ {
		events = append(events, j.ring[r.next%JournalLength].event)
	}
	return events, missed
}

// Close ends the following of all journals.
func (f *Subscriber) Close() {
	for _, r := range f.reading {
		r.journal.unsubscribe(f)
	}
}
