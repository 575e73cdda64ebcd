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
	flacInfoHeader = 4
	flacLargest    = 8 + 2  // the maximum block size
	flacFormat     = 8 + 10 // sampling rate, channels, bits per sample
	flacHeadSize   = 8 + 34
)

// flacStream joins FLAC files to one stream. A header within a stream can cost a decoder the
// frames around it (ffmpeg loses 0.3 s). So a header is sent only if the format changes, and
// without the fields that describe a file.
type flacStream struct{ head []byte }

// join returns the header to send before the frames of a file, nil if none is needed.
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

// covers reports whether a decoder with the last header can decode frames of this one.
func (s *flacStream) covers(head []byte) bool {
	largest := func(b []byte) uint16 { return binary.BigEndian.Uint16(b[flacLargest:]) }
	return s.head != nil && largest(head) <= largest(s.head) &&
		bytes.Equal(head[flacFormat:flacFormat+4], s.head[flacFormat:flacFormat+4])
}
