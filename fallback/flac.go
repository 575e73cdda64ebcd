package fallback

import (
	"bytes"
	"encoding/binary"
)

// A FLAC stream begins with (RFC 9639, sections 6 and 8.2), big endian:
//
//	 0  "fLaC"
//	 4  header of STREAMINFO: last block (1 bit), type (7 bits), length (3 bytes)
//	 8  minimum and maximum block size, 2 bytes each
//	12  minimum and maximum frame size, 3 bytes each
//	18  sampling rate, channels and bits per sample, 28 bits
//	    total samples, 36 bits, cleared by the framer; MD5, 16 bytes
const (
	flacInfoHeader = 4     // the header of STREAMINFO, whose first bit says that it is the last block
	flacLargest    = 8 + 2 // the size of the largest block
	flacFormat     = 8 + 10
	flacHeadSize   = 8 + 34
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
	head[flacInfoHeader] |= 0x80
	if s.covers(head) {
		return nil
	}
	s.head = head
	return head
}

// covers tells whether a decoder that got the header can do without another one.
func (s *flacStream) covers(head []byte) bool {
	largest := func(b []byte) uint16 { return binary.BigEndian.Uint16(b[flacLargest:]) }
	return s.head != nil && largest(head) <= largest(s.head) &&
		bytes.Equal(head[flacFormat:flacFormat+4], s.head[flacFormat:flacFormat+4])
}
