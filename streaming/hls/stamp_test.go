package hls

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// A segmenter goes on with the numbers and the time line of another one, at a discontinuity.
func TestASegmenterGoesOnWhereAnotherEnded(t *testing.T) {
	for _, c := range []*format.Codec{mp3, aac, opus, flac} {
		first, now := NewSegmenter(Options{Segment: 4 * time.Second, First: 10}), began
		cut := func(s *Segmenter, n int) (done *Segment) {
			for i := 0; n > 0; i++ {
				p := numberedPacket(c, i)
				now = now.Add(time.Duration(p.Samples) * time.Second / time.Duration(c.Rate))
				if next := s.Add(p, Title{}, now); next != nil {
					done, n = next, n-1
				}
			}
			return done
		}
		last := cut(first, 5)
		if d := last.End() - 20*time.Second; d.Abs() > 60*time.Millisecond {
			t.Fatalf("%s: five segments of four seconds end at %v", c.Name, last.End())
		}
		next := cut(NewSegmenter(last.GoOn(Options{Segment: 4 * time.Second, First: last.Sequence + 1})), 1)
		if gap := next.End() - last.End() - 4*time.Second; next.Sequence != last.Sequence+1 || !next.Discontinuity || gap.Abs() > 60*time.Millisecond {
			t.Errorf("%s: after %v comes segment %d, until %v, marked %v", c.Name, last.End(), next.Sequence, next.End(), next.Discontinuity)
		}
	}
	for _, s := range []*Segment{{Rate: 1}, {Rate: 1, Init: &Init{}}, {Rate: 1, Data: []byte(stampOwner)}, {Rate: 1, Init: &Init{Data: []byte("mdhd")}, Data: []byte("tfdt")}} {
		if s.End() != 0 {
			t.Errorf("%+v ends at %v", s, s.End())
		}
	}
}
