package hls

import (
	"slices"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Part is a piece of a segment, which players of low latency load before the segment is whole
// (RFC 8216bis, 4.4.4.9). Each can be decoded without those before it. A segment is not its parts one
// after another: it has one tag or one moof, and they have one each.
type Part struct {
	Name    string // of the file, unique for ever
	Data    []byte
	Samples uint64
}

// HasParts reports whether segments of a codec have parts. Those of MP3 have none, since Chromium
// plays one part of each segment only; those of MPEG-TS neither.
func (o *Options) HasParts(c *format.Codec) bool {
	return o.Part > 0 && c.Name != format.MP3 && c.Name != format.MPEGTS
}

// parts cuts the open segment of a Segmenter into parts of equal length.
type parts struct {
	muxer muxer // nil: segments have no parts
	done  []*Part
	start uint64 // of the open part
	size  int    // of the last part
	title Title  // that the parts of the segment have told last
}

// beginParts begins the first part of a segment.
func (s *Segmenter) beginParts(t Title) {
	if s.parts.muxer != nil {
		s.parts.done, s.parts.title = nil, Title{}
		s.beginPart(t)
	}
}

// beginPart begins a part. It tells of a title that the parts before it have not told.
func (s *Segmenter) beginPart(t Title) {
	p := &s.parts
	tell := Title{}
	if t != p.title && !s.options.NoTags {
		tell, p.title = t, t
	}
	p.start = s.at
	p.muxer.begin(s.at, tell, p.size+p.size/8)
}

// addToPart adds a packet to the open part, or to the next one if its time has come.
func (s *Segmenter) addToPart(p format.Packet, t Title) {
	if s.parts.muxer == nil {
		return
	}
	if s.at > s.parts.start && s.isPartDue(uint64(p.Samples)) {
		s.closePart()
		s.beginPart(t)
	}
	if t != s.parts.title && s.fragmented() && !s.options.NoTags {
		s.parts.title = t
		s.parts.muxer.retitle(s.at, t)
	}
	s.parts.muxer.add(p.Data, p.Samples)
}

// isPartDue reports whether the open part ends before a packet. The parts of a segment have one
// length, so that no short one is left at its end, and none is longer than it may be.
func (s *Segmenter) isPartDue(samples uint64) bool {
	most := uint64(s.options.Part.Seconds() * float64(s.codec.Rate))
	if s.at+samples-s.parts.start > most {
		return true
	}
	length := s.cut() - s.start
	n := ceil(length, most-min(samples, most-1))
	return s.at+samples/2 >= s.start+length*uint64(len(s.parts.done)+1)/n
}

func ceil(a, b uint64) uint64 { return (a + b - 1) / b }

func (s *Segmenter) closePart() {
	p := &s.parts
	data := p.muxer.finish()
	p.size = len(data)
	p.done = append(p.done, &Part{Name: s.names.part(s.next, len(p.done), s.ending), Data: data, Samples: s.at - p.start})
	s.told = s.time()
}

// Growing returns the segment that is not whole yet, with the parts of it that are; nil if none is.
func (s *Segmenter) Growing() *Segment {
	if !s.open || len(s.parts.done) == 0 {
		return nil
	}
	return &Segment{
		Sequence: s.next, Parts: slices.Clone(s.parts.done), Rate: s.codec.Rate, Time: s.told, Init: s.init,
		Codec: codecName(s.codec), Discontinuity: s.change, Titles: s.titles(s.told),
	}
}

// Hint returns the name that the next part will have; empty if there will be none.
func (s *Segmenter) Hint() string {
	if s.parts.muxer == nil {
		return ""
	}
	return s.names.part(s.next, len(s.parts.done), s.ending)
}

// Whole returns the segment without its parts.
func (s *Segment) Whole() *Segment {
	if s.Parts == nil {
		return s
	}
	whole := *s
	whole.Parts = nil
	return &whole
}

// A list shows the parts of the last partTargets of its longest segments, and they can be loaded for
// as long again (RFC 8216bis, 6.2.2).
const partTargets = 3

// LowLatency makes the list one with parts, of which none is longer than a time.
func (l *List) LowLatency(part time.Duration) { l.part = part }

// Grow takes the name of the part that comes next. If that is another one, growing is called for the
// segment that is not whole, with its parts, or nil, and Grow reports true.
func (l *List) Grow(hint string, growing func() *Segment) bool {
	if l.hint == hint {
		return false
	}
	l.growing, l.hint = growing(), hint
	return true
}

// dropParts drops the parts of segments that are too old for them.
func (l *List) dropParts() {
	left := float64(2 * partTargets * l.target)
	for i, s := range slices.Backward(l.segments) {
		if left -= s.Seconds(); left < 0 && s.Parts == nil {
			return
		} else if left < 0 {
			l.segments[i] = s.Whole()
		}
	}
}

// Rendition is another list, between which and one players can change (RFC 8216bis, 4.4.5.4).
type Rendition struct {
	URI      string // relative to the list that tells of it
	Sequence uint64 // of its last segment, which may not be whole
	Part     int    // the last part of that; -1: it has none
}

// Rendition returns how far the list is, for lists at whose place it has a relative URI.
func (p *Page) Rendition(uri string) Rendition {
	if grown := p.grown(); grown > 0 {
		return Rendition{uri, p.Next, grown - 1}
	}
	return Rendition{uri, p.Next - 1, len(p.Segments[len(p.Segments)-1].Parts) - 1}
}

func (l *lines) rendition(r *Rendition) {
	last := strconv.FormatUint(r.Sequence, 10)
	if r.Part >= 0 {
		last += ",LAST-PART=" + strconv.Itoa(r.Part)
	}
	l.add(`#EXT-X-RENDITION-REPORT:URI="`, r.URI, `",LAST-MSN=`, last)
}

// inParts returns the index of the first segment of which parts are shown.
func (t *text) inParts() int {
	n := len(t.shown)
	if t.part == 0 {
		return n
	}
	for left := float64(partTargets * t.target); n > 0 && left > 0; n-- {
		left -= t.shown[n-1].Seconds()
	}
	return n
}

// Has reports whether the list has a segment, and a part of that unless it is -1. A part after the
// last one of a segment is the first of the next (RFC 8216bis, 6.2.5.2).
func (p *Page) Has(sequence uint64, part int) bool {
	if n := len(p.Segments); n > 0 && sequence == p.Next-1 && part >= len(p.Segments[n-1].Parts) {
		sequence, part = p.Next, 0
	}
	return sequence < p.Next || sequence == p.Next && part >= 0 && part < p.grown()
}

// grown returns how many parts there are of the segment that is not whole.
func (p *Page) grown() int {
	if p.growing == nil {
		return 0
	}
	return len(p.growing.Parts)
}

// MayAwait reports whether a player may wait for a segment, or for a part of it: it must come soon
// (RFC 8216bis, 6.2.5.2).
func (p *Page) MayAwait(sequence uint64, part int) bool {
	const segments, leastParts = 2, 3 // ahead of the last
	if sequence >= p.Next+segments {
		return false
	}
	ahead := leastParts
	if p.part > 0 && p.part < time.Second {
		ahead = int((leastParts*time.Second + p.part - 1) / p.part)
	}
	switch {
	case sequence == p.Next:
		return part < p.grown()+ahead
	case sequence > p.Next:
		return part < ahead
	}
	return true
}
