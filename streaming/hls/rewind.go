package hls

import (
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Kind is what all segments of a list have in common: players bear no other.
type Kind struct {
	Codec   string // as format.Codec has it
	Ending  string // of the names of segments
	Segment time.Duration
}

// NewKind returns the kind of the segments that a segmenter makes of a codec.
func NewKind(o *Options, c *format.Codec) Kind {
	return Kind{Codec: c.Name, Ending: o.ending(c), Segment: o.Segment}
}

// Rewind is a long list. It goes on where the list of a mount begins anew, until segments of
// another kind come. Its numbers are its own, since those of segments leave some out there.
type Rewind struct {
	Kind Kind
	*List
	length time.Duration
}

// leastListed are in a long list, even if they are old: players stall on shorter lists.
const leastListed = 3

// NewRewind returns a long list without segments, of what sounded within a length of time. The
// numbers are those of NewList.
func NewRewind(k Kind, length time.Duration, sequence, discontinuity uint64) *Rewind {
	l := NewList(k.Segment, leastListed, sequence, discontinuity)
	l.long = true
	return &Rewind{Kind: k, List: l, length: length}
}

// FirstDiscontinuity returns the number of the first discontinuity of a list that begins at a
// time: other than that of a list before, also over a restart, and small, since players walk an
// array of that length.
func FirstDiscontinuity(t time.Time) uint64 {
	return uint64(max(0, t.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))/time.Hour))
}

// After returns a long list of another kind that follows this one, which may be nil. Its first
// segment is s. Numbers go forward; that of the discontinuity is least or more.
func (r *Rewind) After(k Kind, length time.Duration, s *Segment, least uint64) *Rewind {
	sequence, discontinuity := s.Sequence, max(FirstDiscontinuity(s.Time), least)
	if r != nil { // a number is left out, so that players do not take it for the next one
		sequence, discontinuity = max(sequence, r.Next()+1), max(discontinuity, r.Last()+1)
	}
	return NewRewind(k, length, sequence, discontinuity)
}

// Keep changes the length.
func (r *Rewind) Keep(length time.Duration) { r.length = length }

// Add adds a segment, and takes from the list what is too old then.
func (r *Rewind) Add(s *Segment) {
	r.listed = len(r.segments) - r.first + 1 // none leaves yet
	r.List.Add(s)
	since := s.Time.Add(-r.length)
	n := len(r.segments) - r.first
	for n > leastListed && r.segments[len(r.segments)-n].Time.Before(since) {
		n--
	}
	r.Show(n)
}

// Bound drops the oldest segments until all have so many bytes at most, but for those that are
// needed to begin with.
func (r *Rewind) Bound(bytes int) {
	for _, s := range r.segments {
		bytes -= s.Size
	}
	for bytes < 0 && len(r.segments) > leastListed {
		bytes += r.segments[0].Size
		r.leave(1)
		r.drop(1)
	}
}
