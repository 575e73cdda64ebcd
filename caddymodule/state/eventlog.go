package state

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/hooks"
)

const (
	// EventLogLength is the number of events that a station keeps.
	EventLogLength = 256

	// listenerEventsTime is how long events of listeners are kept after the last subscriber
	// has left, so that a subscriber whose connection a reload ended misses none.
	listenerEventsTime = time.Minute

	// MaxSubscribers is the largest number of subscribers of a station.
	MaxSubscribers = 64
)

// EventLog holds the last events of a station, for subscribers and for reports. Events of
// listeners, of which there may be many, are kept only while there are subscribers. The zero
// value is ready.
type EventLog struct {
	listenersKept atomic.Bool // there are subscribers, or were within listenerEventsTime

	mu          sync.Mutex
	ring        [EventLogLength]record
	count       uint64 // of all events; the next one is put at count modulo EventLogLength
	subscribers map[*Subscriber]struct{}
	rest        *time.Timer // calls forget
}

type record struct {
	event *hooks.Event
	added time.Time
}

// Subscriber reads the event logs of some stations, at its own pace. One goroutine uses it.
type Subscriber struct {
	wake          chan struct{} // receives when there are events to read; cap 1
	subscriptions []*subscription
}

// NewSubscriber returns a subscriber without subscriptions. It wakes at once, since an event
// log may have events already.
func NewSubscriber() *Subscriber {
	s := &Subscriber{wake: make(chan struct{}, 1)}
	s.wake <- struct{}{}
	return s
}

// Wake returns a channel that receives when there are events to read.
func (s *Subscriber) Wake() <-chan struct{} { return s.wake }

// Events are the events of one station since the last Read.
type Events struct {
	Station string
	Events  []*hooks.Event
	Missed  uint64 // events that were overwritten before they were read
}

// Read returns the events since the last Read, by station.
func (s *Subscriber) Read() (all []Events) {
	for _, r := range s.subscriptions {
		events, missed := r.read()
		all = append(all, Events{r.station, events, missed})
	}
	return all
}

// subscription is a position in an event log.
type subscription struct {
	log     *EventLog
	station string
	next    uint64 // number of the next event to read
}

// keeps reports whether events of that name are kept now.
func (l *EventLog) keeps(name hooks.Name) bool {
	return name != hooks.ListenerAdded && name != hooks.ListenerRemoved || l.listenersKept.Load()
}

// add adds an event. It never blocks, and may be called under any lock.
func (l *EventLog) add(e *hooks.Event) {
	if !l.keeps(e.Name) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.count%EventLogLength] = record{e, time.Now()}
	l.count++
	for s := range l.subscribers {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Subscribe adds a subscription, which begins with the next event or, if since is not zero,
// with the first event since then that is still there. It reports false if there are too many
// subscribers.
func (l *EventLog) Subscribe(s *Subscriber, station string, since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.subscribers) >= MaxSubscribers {
		return false
	}
	if l.subscribers == nil {
		l.subscribers = make(map[*Subscriber]struct{})
	}
	l.subscribers[s] = struct{}{}
	l.listenersKept.Store(true)
	if l.rest != nil {
		l.rest.Stop()
	}
	next := l.count
	if !since.IsZero() {
		for next > l.oldest() && !l.ring[(next-1)%EventLogLength].added.Before(since) {
			next--
		}
	}
	s.subscriptions = append(s.subscriptions, &subscription{l, station, next})
	return true
}

// oldest returns the number of the oldest event that is still there. mu is held.
func (l *EventLog) oldest() uint64 { return l.count - min(l.count, EventLogLength) }

// unsubscribe removes a subscriber.
func (l *EventLog) unsubscribe(s *Subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subscribers, s)
	if len(l.subscribers) > 0 {
		return
	}
	if l.rest == nil {
		l.rest = time.AfterFunc(listenerEventsTime, l.forget)
	} else {
		l.rest.Reset(listenerEventsTime)
	}
}

// forget ends the keeping of events of listeners, if there are no subscribers.
func (l *EventLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.subscribers) == 0 {
		l.listenersKept.Store(false)
	}
}

// Last returns the last events, the newest first, n at most.
func (l *EventLog) Last(n int) []*hooks.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []*hooks.Event
	for i := l.count; i > l.oldest() && len(events) < n; i-- {
		events = append(events, l.ring[(i-1)%EventLogLength].event)
	}
	return events
}

// close stops the timer.
func (l *EventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rest != nil {
		l.rest.Stop()
	}
}

// read returns the events since the last read, and how many were overwritten before.
func (r *subscription) read() (events []*hooks.Event, missed uint64) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldest := l.oldest(); r.next < oldest {
		missed, r.next = oldest-r.next, oldest
	}
	for ; r.next < l.count; r.next++ {
		events = append(events, l.ring[r.next%EventLogLength].event)
	}
	return events, missed
}

// Close ends all subscriptions.
func (s *Subscriber) Close() {
	for _, r := range s.subscriptions {
		r.log.unsubscribe(s)
	}
}
