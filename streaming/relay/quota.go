package relay

import (
	"slices"
	"sync/atomic"
	"time"
)

// arrivalTime is how long a listener may take from a redirect to the slave, and be counted in no
// report.
const arrivalTime = time.Second

// quota is how many listeners, or how much of their bandwidth, a slave has room for. Its listeners
// take from it without a lock, so that a burst stays within what the slave has reported. The zero
// value has no room.
type quota struct {
	left atomic.Int64

	// mu of Slaves guards the rest.
	granted int64 // left, when it was set
	taken   []takenBefore
}

// takenBefore is what was taken before a time, and after the one before.
type takenBefore struct {
	time time.Time
	n    int64
}

// take subtracts n unless less is left.
func (q *quota) take(n int64) bool {
	for {
		left := q.left.Load()
		if left < n {
			return false
		}
		if q.left.CompareAndSwap(left, left-n) {
			return true
		}
	}
}

func (q *quota) giveBack(n int64) { q.left.Add(n) }

// set takes what is free by a report, as of a time. What was taken since then, and by listeners
// that were on their way, is no part of that; at least arrived of it is. mu is held.
func (q *quota) set(free, arrived int64, asOf, now time.Time) {
	q.taken = slices.DeleteFunc(q.taken, func(t takenBefore) bool { return t.time.Before(asOf.Add(-arrivalTime)) })
	var before int64
	for _, t := range q.taken {
		before += t.n
	}
	for {
		left := q.left.Load()
		recent := q.granted - left
		next := free - max(0, before+recent-arrived)
		if !q.left.CompareAndSwap(left, next) {
			continue
		}
		q.granted = next
		if recent > 0 {
			q.taken = append(q.taken, takenBefore{now, recent})
		}
		return
	}
}
