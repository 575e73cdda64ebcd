package hls

import (
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Options are those of a Segmenter.
type Options struct {
	Segment time.Duration // the length of segments
	Part    time.Duration // the longest part of a segment, half a second at least; 0: there are none
	FMP4    bool          // AAC is in fMP4, too
	First   uint64        // the sequence number of the first segment
	Lead    uint64        // so many first segments are short, so that a list can begin soon
	Key     []byte        // of the names of segments
	NoTags  bool          // titles are not in the segments
	Grid    time.Time     // not zero: cuts and stamps are those of the clock since then

	// GoesOn is whether the segments follow those of another Segmenter, at a discontinuity, and Start
	// is where those end on the time line.
	GoesOn bool
	Start  time.Duration
}

// Segmenter cuts packets into segments. It cuts where the stream crosses a multiple of the
// segment's length, at the nearest packet, so that lengths differ by half a packet at most; and
// earlier, where a packed stream gets another title, if half a segment is there. The grid goes
// on from such a cut.
type Segmenter struct {
	options Options
	names   namer
	next    uint64 // sequence number

	codec  *format.Codec // nil: there was no packet yet
	latest *format.Codec // of the last packet, as it came
	ending string
	init   *Init
	muxer  muxer

	transport transport // of MPEG-TS: it counts over all segments

	at     uint64 // samples since the list began
	origin uint64 // of the grid
	steps  uint64 // of the grid up to the next cut

	leadEnd time.Duration // of the short segments, since Options.Grid

	// The open segment.
	open   bool
	start  uint64
	title  Title
	change bool // it follows a change of the codec
	from   time.Time
	told   time.Time // when it began, as its parts have told; zero: they have not
	size   int       // of the last segment
	marks  []mark    // titles that begin in it

	parts parts

	sounds Title      // of the last packet
	goesOn TitleRange // the last one of the segments that are closed

	expected time.Time // of the next segment; zero: there was none
}

// muxer puts the packets of a segment into a container.
type muxer interface {
	begin(at uint64, t Title, sizeHint int)
	add(data []byte, samples int)
	retitle(at uint64, t Title) // of what is added from now on
	finish() []byte
}

// NewSegmenter returns a segmenter without packets.
func NewSegmenter(o Options) *Segmenter {
	return &Segmenter{options: o, names: newNamer(o.Key), next: o.First}
}

// Fits reports whether packets of a codec may follow in the same list: players do not bear
// another container, nor another codec than they were told.
func (s *Segmenter) Fits(c *format.Codec) bool { return s.codec == nil || s.codec.Name == c.Name }

// Codec returns the codec of the last packet; nil before the first.
func (s *Segmenter) Codec() *format.Codec { return s.codec }

// SetTags sets whether titles are in the segments, from the next one on.
func (s *Segmenter) SetTags(on bool) { s.options.NoTags = !on }

// Next returns the sequence number of the next segment.
func (s *Segmenter) Next() uint64 { return s.next }

// Add adds a packet, which came at a time and sounds under a title. It returns the segment that
// ends before the packet, if one does. The codec must fit.
func (s *Segmenter) Add(p format.Packet, t Title, came time.Time) (done *Segment) {
	if p.Codec != s.latest {
		if s.latest = p.Codec; s.codec == nil || !s.codec.Equal(p.Codec) {
			done = s.setUp(p.Codec, came)
		}
	}
	if s.fragmented() && p.Codec.Name == format.AAC {
		if _, blocks := format.ADTSHeader(p.Data); blocks != 1 {
			return done // it can't be taken out of ADTS
		}
	}
	if s.open && s.isDue(uint64(p.Samples), t) {
		done = s.close()
	}
	switch {
	case !s.open:
		s.begin(t)
	case t != s.title && s.fragmented():
		s.title = t
		if t != (Title{}) && !s.options.NoTags {
			s.muxer.retitle(s.at, t)
		}
	}
	if t != s.sounds {
		s.sounds, s.marks = t, noteMark(s.marks, s.at, t)
	}
	s.addToPart(p, t)
	s.muxer.add(p.Data, p.Samples)
	s.from = came.Add(-s.lasts(s.at - s.start))
	s.at += uint64(p.Samples)
	return done
}

// Flush returns the open segment, nil if there is none that is worth it.
func (s *Segmenter) Flush() *Segment {
	if !s.open || s.lasts(s.at-s.start) < minSegment {
		return nil
	}
	return s.close()
}

const (
	minSegment = 500 * time.Millisecond // the shortest last segment
	minTitled  = time.Second            // the shortest that ends with its title
)

// fragmented reports whether the container is fMP4.
func (s *Segmenter) fragmented() bool { return s.init != nil }

// setUp begins with another codec. The time goes on.
func (s *Segmenter) setUp(c *format.Codec, came time.Time) (done *Segment) {
	if s.open {
		done = s.close()
	}
	before := s.codec
	s.codec = c
	switch {
	case before != nil:
		s.change = true
		s.at = uint64(float64(s.at) / float64(before.Rate) * float64(c.Rate))
	case s.options.GoesOn:
		s.change = true
		s.at = uint64(s.options.Start.Seconds() * float64(c.Rate))
	case s.options.isOnGrid():
		s.beginGrid(came)
	}
	s.regrid()
	if s.ending = s.options.ending(c); s.ending == endingFMP4 {
		s.init = newInit(c)
	}
	s.muxer, s.parts.muxer = s.newMuxer(), nil
	if s.options.HasParts(c) {
		s.parts.muxer = s.newMuxer()
	}
	return done
}

func (s *Segmenter) newMuxer() muxer {
	switch s.ending {
	case endingFMP4:
		return &fragment{codec: s.codec, sequence: uint32(s.next)}
	case endingTS:
		return s.transport.with(s.codec.Setup)
	}
	return &packed{rate: s.codec.Rate}
}

// ending returns the ending of the names of a codec's segments, which stands for their container.
func (o *Options) ending(c *format.Codec) string {
	switch {
	case c.Name == format.MP3:
		return ".mp3"
	case c.Name == format.AAC && !o.FMP4:
		return ".aac"
	case c.Name == format.MPEGTS:
		return endingTS
	}
	return endingFMP4
}

const (
	endingFMP4 = ".m4s"
	endingTS   = ".ts"
)

// isPacked reports whether the container is packed: titles are at the front of segments.
func (s *Segmenter) isPacked() bool { return s.ending != endingFMP4 && s.ending != endingTS }

// regrid makes the grid begin here.
func (s *Segmenter) regrid() { s.origin, s.steps = s.at, 1 }

// isLead reports whether the open segment is one of the short ones.
func (s *Segmenter) isLead() bool { return s.next < s.options.First+s.options.Lead }

// The length of short segments is half of that of the others, within these bounds.
const (
	minLead = time.Second
	maxLead = 3 * time.Second
)

// cut returns where the grid cuts next.
func (s *Segmenter) cut() uint64 {
	if s.options.isOnGrid() {
		return s.gridCut()
	}
	if s.isLead() {
		length := min(max(s.options.Segment/2, minLead), maxLead)
		return s.start + uint64(length.Seconds()*float64(s.codec.Rate))
	}
	return s.origin + uint64(float64(s.steps)*s.options.Segment.Seconds()*float64(s.codec.Rate))
}

// isDue reports whether the open segment ends before a packet.
func (s *Segmenter) isDue(samples uint64, t Title) bool {
	if s.at+samples/2 >= s.cut() {
		if s.steps++; s.isLead() {
			s.regrid()
		}
		return true
	}
	if t != s.title && s.isPacked() && !s.options.NoTags && !s.options.isOnGrid() && s.lasts(s.at-s.start) >= max(s.options.Segment/2, minTitled) {
		s.regrid()
		return true
	}
	return false
}

func (s *Segmenter) begin(t Title) {
	s.open, s.start, s.title = true, s.at, t
	if s.options.NoTags {
		t = Title{}
	}
	s.muxer.begin(s.at, t, s.size+s.size/8)
	s.beginParts(t)
}

// maxDrift is how far the time of a segment may be from the end of the last one, before it is
// taken that the source has paused.
const maxDrift = 500 * time.Millisecond

// time returns when the open segment began.
func (s *Segmenter) time() time.Time {
	switch drift := s.from.Sub(s.expected); {
	case !s.told.IsZero():
		return s.told
	case !s.expected.IsZero() && drift.Abs() <= maxDrift:
		return s.expected
	}
	return s.from
}

func (s *Segmenter) close() *Segment {
	if s.parts.muxer != nil {
		s.closePart()
	}
	data := s.muxer.finish()
	began := s.time()
	done := &Segment{
		Sequence: s.next, Name: s.names.name(s.next, s.ending), Data: data, Size: len(data),
		Samples: s.at - s.start, Parts: s.parts.done, Rate: s.codec.Rate, Time: began, Init: s.init, Codec: codecName(s.codec),
		Discontinuity: s.change, Titles: s.titles(began),
	}
	s.skipPause(began)
	s.expected = done.Time.Add(s.lasts(done.Samples))
	s.keepTitle(done.Titles)
	s.open, s.change, s.size, s.told, s.parts.done = false, false, len(done.Data), time.Time{}, nil
	s.next++
	return done
}

// lasts returns how long samples sound.
func (s *Segmenter) lasts(samples uint64) time.Duration {
	rate := uint64(s.codec.Rate)
	return time.Duration(samples/rate)*time.Second + time.Duration(samples%rate*uint64(time.Second)/rate)
}
