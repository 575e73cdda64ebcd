package format

import (
	"math"
	"time"
)

// oggStream is one logical stream of a link.
type oggStream struct {
	serial      uint32
	codec       *oggCodec
	clock       oggClock
	headers     int  // remaining header packets
	packetOpen  bool // the last packet continues on the next page
	undecodable bool // headers were lost
	ended       bool

	granule int64 // the last granule position, 0 at first
}

// newOggStream reads the first page of a stream.
func newOggStream(p OggPage) oggStream {
	s := oggStream{serial: p.Serial(), codec: &unknownCodec}
	first := true
	for part := range p.packets {
		if first {
			s.identifyCodec(part)
		} else { // not allowed, but tolerated
			s.countHeader(part)
		}
		first = false
	}
	s.packetOpen, s.ended = p.leavesOpen(), p.has(oggEOS)
	return s
}

func (s *oggStream) identifyCodec(first oggPart) {
	s.codec = codecOf(first.data)
	if !s.isKnown() {
		return
	}
	s.headers = s.codec.headers(first.data)
	if s.codec.newClock != nil {
		s.clock = s.codec.newClock(first.data)
	}
}

// isKnown reports whether the codec is known.
func (s *oggStream) isKnown() bool { return s.codec.magic != "" }

// headersMissing reports whether headers that data depends on are still missing.
func (s *oggStream) headersMissing() bool { return s.headers > 0 && s.headers < math.MaxInt }

// takeHeaders counts the header packets on a page, not the first of the stream, and
// reports whether there are any. A page with headers and data counts as a header page:
// new listeners get the data again, which is better than no headers.
func (s *oggStream) takeHeaders(p OggPage) bool {
	if !s.isKnown() {
		return p.granule() == 0 // true for all header pages; nothing more is known
	}
	found := false
	for part := range p.packets {
		if s.headers <= 0 || part.begins && s.codec.isHeader != nil && !s.codec.isHeader(part.data) {
			s.undecodable = s.undecodable || s.headersMissing() && !found
			break
		}
		found = true
		s.countHeader(part)
	}
	return found
}

// countHeader counts a header packet.
func (s *oggStream) countHeader(header oggPart) {
	if !header.ends || s.headers <= 0 {
		return
	}
	s.headers--
	if s.codec.lastHeader != nil && s.codec.lastHeader(header.data) {
		s.headers = 0
	}
}

// keyframe reports whether a Theora key frame begins on the page (Theora, section 7.1):
// a packet whose first bit is 0 for data and whose second bit is 0 for an intra frame.
func (s *oggStream) keyframe(p OggPage) bool {
	for part := range p.packets {
		if part.begins && len(part.data) > 0 && part.data[0]&0xc0 == 0 {
			return true
		}
	}
	return false
}

// advance notes a data page and returns its duration.
func (s *oggStream) advance(p OggPage) time.Duration {
	s.ended = p.has(oggEOS)
	s.packetOpen = p.leavesOpen() && !s.ended
	from, to := s.granule, p.granule()
	if to < 0 {
		return 0
	}
	s.granule = to
	return s.clock.between(from, to)
}
