package hls

import (
	"math"
	"slices"
	"time"
)

// List is the window of segments that players see, and those that have just left it.
type List struct {
	target        int    // seconds; the longest segment, rounded
	listed        int    // most segments that are shown
	long          bool   // players begin at its end
	sequence      uint64 // of the oldest segment
	discontinuity uint64 // of the first segment that is shown
	ended         bool
	part          time.Duration // the longest part; 0: there are none

	segments []*Segment // the oldest first
	growing  *Segment   // with the parts that come after the last segment; nil: there are none
	hint     string     // name of the next part
	first    int        // index of the first that is shown
	clock    float64    // seconds that all segments sound
	dropAt   []float64  // when each that has left is dropped, by that clock
}

// NewList returns an empty list of segments of a length, of which so many are shown. sequence is
// the number of its first segment; discontinuity is that of its first discontinuity: small, and
// other than that of a list before it.
func NewList(segment time.Duration, listed int, sequence, discontinuity uint64) *List {
	return &List{target: targetOf(segment), listed: listed, sequence: sequence, discontinuity: discontinuity}
}

func targetOf(segment time.Duration) int { return int(math.Ceil(segment.Seconds())) }

// Last returns the number of the last discontinuity.
func (l *List) Last() uint64 {
	n := l.discontinuity
	for _, s := range l.segments[l.first:] {
		if s.Discontinuity {
			n++
		}
	}
	return n
}

// Next returns the number of the next segment.
func (l *List) Next() uint64 { return l.sequence + uint64(len(l.segments)) }

// Oldest returns the sequence number of the oldest segment, 0 if there is none.
func (l *List) Oldest() uint64 {
	if l.IsEmpty() {
		return 0
	}
	return l.segments[0].Sequence
}

// IsEmpty reports whether the list has no segments.
func (l *List) IsEmpty() bool { return len(l.segments) == 0 }

// Show changes how many segments are shown. Those that have left do not come back: numbers never
// fall.
func (l *List) Show(listed int) {
	l.leave(len(l.segments) - listed)
	l.listed = listed
}

// End marks the list as complete: nothing follows.
func (l *List) End() { l.ended, l.growing = true, nil }

// Add adds a segment. Those that leave the list can be loaded for their own length and that of
// the list (RFC 8216, 6.2.2), and are dropped then.
func (l *List) Add(s *Segment) {
	l.segments, l.growing = append(l.segments, s), nil
	l.dropParts()
	l.clock += s.Seconds()
	l.leave(len(l.segments) - l.listed)
	over := 0
	for over < len(l.dropAt) && l.clock >= l.dropAt[over] {
		over++
	}
	l.drop(over)
}

// drop drops the oldest segments. They have left the list.
func (l *List) drop(n int) {
	l.segments, l.dropAt = slices.Delete(l.segments, 0, n), slices.Delete(l.dropAt, 0, n)
	l.first -= n
	l.sequence += uint64(n)
}

// leave takes the segments before an index from the list.
func (l *List) leave(before int) {
	for ; l.first < before; l.first++ {
		s := l.segments[l.first]
		if s.Discontinuity {
			l.discontinuity++
		}
		l.dropAt = append(l.dropAt, l.clock+float64(l.listed*l.target)+s.Seconds())
	}
}
