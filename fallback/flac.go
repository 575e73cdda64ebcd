package fallback

import (
	"bytes"
	"encoding/binary"
)

// What FLAC begins with (RFC 9639, sections 6 and 8): the magic, and the block
// STREAMINFO with 4 bytes of header. In it are the least and the largest block, 2
// bytes each, of frames 3 each, then sampling rate, channels and bits in 4 bytes, of
// which the last 4 bits belong to the number of samples, which framers clear.
const (
	flacInfo     = 4     // the header of STREAMINFO, whose first bit says that it is the last block
	flacLargest  = 8 + 2 // the size of the largest block
	flacFormat   = 8 + 10
	flacHeadSize = 8 + 34
)

// flacStream is the stream that FLAC files become. A decoder that meets a header
// within a stream may lose the frames around it (ffmpeg loses 0.3 s), so one is sent
// only where frames differ in what it says, and it says nothing of a file.
type flacStream struct{ head []byte }

// join returns the header that the frames of a file need, nil if it has been sent.
func (s *flacStream) join(metadata []byte) []byte {
	if len(metadata) < flacHeadSize {
		return metadata
	}
	head := bytes.Clone(metadata[:flacHeadSize])
	head[flacInfo] |= 0x80
	if s.takes(head) {
		return nil
	}
	s.head = head
	return head
}

// takes tells whether a decoder that got the header can do without another one.
func (s *flacStream) takes(head []byte) bool {
	largest := func(b []byte) uint16 { return binary.BigEndian.Uint16(b[flacLargest:]) }
	return s.head != nil && largest(head) <= largest(s.head) &&
		bytes.Equal(head[flacFormat:flacFormat+4], s.head[flacFormat:flacFormat+4])
}
