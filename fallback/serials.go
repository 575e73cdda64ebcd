package fallback

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"

	"github.com/caddycast/caddycast/streaming/format"
)

// serialMap gives each logical stream of Ogg its own serial number, as RFC 3533, section
// 4, requires. A file that is played again has the same numbers, and so have files of
// encoders with a fixed number; decoders would then read headers as audio.
type serialMap struct {
	next       uint32            // the next number to assign
	renumbered map[uint32]uint32 // new numbers by the file's, for the streams of this link
	buf        format.OggPage    // the last page returned
}

// newSerials starts at a random number, so that players of different files differ.
func newSerials() serialMap {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return serialMap{next: binary.LittleEndian.Uint32(b[:]), renumbered: make(map[uint32]uint32)}
}

// link returns the header pages of a new link with new numbers.
func (s *serialMap) link(headers []byte) []byte {
	clear(s.renumbered)
	headers = bytes.Clone(headers) // an init is immutable
	for page := range format.OggPages(headers) {
		s.renumber(page)
	}
	return headers
}

// page returns a page of the link with its new number. It is valid until the next call.
func (s *serialMap) page(p []byte) []byte {
	s.buf = append(s.buf[:0], p...)
	s.renumber(s.buf)
	return s.buf
}

// renumber replaces the serial number of a page.
func (s *serialMap) renumber(p format.OggPage) {
	serial, known := s.renumbered[p.Serial()]
	if !known {
		serial = s.next
		s.next++
		s.renumbered[p.Serial()] = serial
	}
	p.SetSerial(serial)
}
