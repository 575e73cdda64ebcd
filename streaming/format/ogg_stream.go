package format

import (
	"bytes"
	"math"
	"time"
)

// oggStream is one logical stream of an Ogg stream.
type oggStream struct {
	serial  uint32
	codec   *oggCodec
	clock   oggClock
	headers int  // header packets that are still to come
	open    bool // its last packet continues on its next page
	lame    bool // headers are missing: nobody can decode it
	ended   bool

	granule int64 // the last granule position; a new stream begins at 0
}

// newOggStream reads the first page of a stream.
func newOggStream(p oggPage) oggStream {
	s := oggStream{serial: p.serial(), codec: new(oggCodec)}
	first := true
	for part := range p.packets {
		if first {
			s.identify(part)
		} else { // nothing should follow the first packet, but where it does it counts
			s.count(part)
		}
		first = false
	}
	s.open, s.ended = p.open(), p.has(oggEOS)
	return s
}

func (s *oggStream) identify(first oggPart) {
	for i := range oggCodecs {
		c := &oggCodecs[i]
		if !bytes.HasPrefix(first.data, []byte(c.magic)) || len(first.data) < c.least {
			continue
		}
		s.codec, s.headers = c, c.headers(first.data)
		if c.clock != nil {
			s.clock = c.clock(first.data)
		}
		return
	}
}

// known tells whether the codec is known.
func (s *oggStream) known() bool { return s.codec.magic != "" }

// missing tells whether headers are still to come that data can't do without.
func (s *oggStream) missing() bool { return s.headers > 0 && s.headers < math.MaxInt }

// takesHeader tells whether a page, not the first of the stream, holds headers. If
// data follows them there the page counts as one of the headers: who joins later
// hears those packets once more, which is nothing beside headers that are lost.
func (s *oggStream) takesHeader(p oggPage) bool {
	if !s.known() {
		return p.granule() == 0 // as all header pages have; the rest is beyond us
	}
	found := false
	for part := range p.packets {
		if s.headers <= 0 || part.begins && s.codec.header != nil && !s.codec.header(part.data) {
			s.lame = s.lame || s.missing() && !found
			break
		}
		found = true
		s.count(part)
	}
	return found
}

// count notes a header packet that went by.
func (s *oggStream) count(header oggPart) {
	if !header.ends || s.headers <= 0 {
		return
	}
	s.headers--
	if s.codec.ends != nil && s.codec.ends(header.data) {
		s.headers = 0
	}
}

// keyframe tells whether a key frame of Theora begins on the page: a packet whose
// first bit says data and whose second bit says that it needs no other frame.
func (s *oggStream) keyframe(p oggPage) bool {
	for part := range p.packets {
		if part.begins && len(part.data) > 0 && part.data[0]&0xc0 == 0 {
			return true
		}
	}
	return false
}

// advance notes that a page of data went by and returns how long it lasts.
func (s *oggStream) advance(p oggPage) time.Duration {
	s.ended = p.has(oggEOS)
	s.open = p.open() && !s.ended
	from, to := s.granule, p.granule()
	if to < 0 {
		return 0
	}
	s.granule = to
	return s.clock.between(from, to)
}
