package caddymodule

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/hooks"
)

const (
	// journalLength is how many events a station keeps for those who follow.
	journalLength = 256

	// journalTime is for how long they are kept when nobody follows any more, so
	// that who was cut off by a reload misses none.
	journalTime = time.Minute

	// maxFollowers bounds how many follow a station.
	maxFollowers = 64
)

// journal is the last events of a station, for those who follow and for those who ask what
// was. Those about listeners are kept only while somebody follows: they may be many. The
// zero value is ready.
type journal struct {
	kept atomic.Bool // somebody follows, or did so a moment ago: what is about listeners is kept, too

	mu        sync.Mutex
	ring      [journalLength]entry
	count     uint64 // of all that were added; the next goes to count modulo the length
	followers map[*follower]struct{}
	rest      *time.Timer // ends the keeping
}

type entry struct {
	event *hooks.Event
	added time.Time
}

// follower is somebody who reads journals, at its own pace.
type follower struct {
	wake    chan struct{} // there is more; cap 1
	reading []*reading
}

// reading is a place in a journal.
type reading struct {
	journal *journal
	station string
	next    uint64
}

// wants tells whether such an event is worth making for the journal.
func (j *journal) wants(name hooks.Name) bool {
	return name != hooks.ListenerAdded && name != hooks.ListenerRemoved || j.kept.Load()
}

// add keeps an event. It never blocks, and may be called under any lock.
func (j *journal) add(e *hooks.Event) {
	if !j.wants(e.Name) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring[j.count%journalLength] = entry{e, time.Now()}
	j.count++
	for f := range j.followers {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// open lets somebody follow, from what comes next or from what is still there since a
// time, and reports false if too many do so already.
func (j *journal) open(f *follower, station string, since time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.followers) >= maxFollowers {
		return false
	}
	if j.followers == nil {
		j.followers = make(map[*follower]struct{})
	}
	j.followers[f] = struct{}{}
	j.kept.Store(true)
	if j.rest != nil {
		j.rest.Stop()
	}
	next := j.count
	if !since.IsZero() {
		for next > j.oldest() && !j.ring[(next-1)%journalLength].added.Before(since) {
			next--
		}
	}
	f.reading = append(f.reading, &reading{j, station, next})
	return true
}

// oldest returns the number of the oldest event that is kept. mu is held.
func (j *journal) oldest() uint64 { return j.count - min(j.count, journalLength) }

// leave ends the following.
func (j *journal) leave(f *follower) {
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
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.followers) == 0 {
		j.kept.Store(false)
	}
}

// last returns the events that are kept, the newest first, n at most.
func (j *journal) last(n int) []*hooks.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var events []*hooks.Event
	for i := j.count; i > j.oldest() && len(events) < n; i-- {
		events = append(events, j.ring[(i-1)%journalLength].event)
	}
	return events
}

// close keeps nothing any more.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.rest != nil {
		j.rest.Stop()
	}
}

// read returns what has been added since it was last asked, and how many events it
// came too late for.
func (r *reading) read() (events []*hooks.Event, missed uint64) {
	j := r.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if oldest := j.oldest(); r.next < oldest {
		missed, r.next = oldest-r.next, oldest
	}
	for ; r.next < j.count; r.next++ {
		events = append(events, j.ring[r.next%journalLength].event)
	}
	return events, missed
}

// close ends the following of all journals.
func (f *follower) close() {
	for _, r := range f.reading {
		r.journal.leave(f)
	}
}
