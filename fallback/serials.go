package fallback

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
)

// Where the numbers of an Ogg page are that matter here, little endian (RFC 3533,
// section 6).
const (
	oggSerial   = 14 // of the logical stream, 4 bytes
	oggCRC      = 22 // of the page with these 4 bytes zero
	oggSegments = 26 // the number of segments
	oggLacing   = 27 // their lengths, then what is in them
)

// serials gives each logical stream of Ogg a serial number of its own, as RFC 3533
// asks for (section 4): a file that is played again has the same ones, and so do
// files of encoders that always take the same, and decoders then read headers as
// sound.
type serials struct {
	next uint32            // the next number to be given
	ours map[uint32]uint32 // by the file's number, for the streams of this link
	buf  []byte            // the page that was changed last
}

// newSerials begins anywhere, so that players of different files differ.
func newSerials() serials {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return serials{next: binary.LittleEndian.Uint32(b[:]), ours: make(map[uint32]uint32)}
}

// link returns the header pages of a new link with numbers of ours.
func (s *serials) link(headers []byte) []byte {
	clear(s.ours)
	headers = bytes.Clone(headers) // an init never changes
	for rest := headers; isOgg(rest); {
		size := oggPageSize(rest)
		s.sign(rest[:size])
		rest = rest[size:]
	}
	return headers
}

// page returns a page of the link with a number of ours; it is good until the next
// call.
func (s *serials) page(p []byte) []byte {
	s.buf = append(s.buf[:0], p...)
	s.sign(s.buf)
	return s.buf
}

// sign replaces the serial number of a page, and the CRC.
func (s *serials) sign(p []byte) {
	serial := binary.LittleEndian.Uint32(p[oggSerial:])
	ours, known := s.ours[serial]
	if !known {
		ours = s.next
		s.next++
		s.ours[serial] = ours
	}
	binary.LittleEndian.PutUint32(p[oggSerial:], ours)
	binary.LittleEndian.PutUint32(p[oggCRC:], 0)
	binary.LittleEndian.PutUint32(p[oggCRC:], pageCRC(p))
}

// oggCodec returns the name of the codec that the first stream of a link has, ""
// if it is none of those that are common.
func oggCodec(headers []byte) string {
	packet := firstPacket(headers)
	for _, c := range []struct{ magic, name string }{
		{"OpusHead", "Opus"}, {"\x01vorbis", "Vorbis"}, {"\x7fFLAC", "FLAC"}, {"Speex   ", "Speex"}, {"\x80theora", "Theora"},
	} {
		if bytes.HasPrefix(packet, []byte(c.magic)) {
			return c.name
		}
	}
	return ""
}

// firstPacket returns headers from where their first packet begins.
func firstPacket(headers []byte) []byte {
	return headers[min(len(headers), oggLacing+int(headers[oggSegments])):]
}

// isOgg tells whether b begins with a page.
func isOgg(b []byte) bool { return len(b) >= oggLacing && string(b[:4]) == "OggS" }

// oggPageSize returns the length of the page that b begins with, which is no more
// than b.
func oggPageSize(b []byte) int {
	size := min(len(b), oggLacing+int(b[oggSegments]))
	for _, l := range b[oggLacing:size] {
		size += int(l)
	}
	return min(len(b), size)
}

// crcTable is that of polynomial 0x04c11db7, without reflection.
var crcTable = func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			carry := crc >> 31
			crc = crc<<1 ^ carry*0x04c11db7
		}
		table[i] = crc
	}
	return table
}()

func pageCRC(p []byte) (crc uint32) {
	for _, c := range p {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^c]
	}
	return crc
}
