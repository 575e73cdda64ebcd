package format

import "bytes"

const (
	id3v1Size   = 128
	id3v2Header = 10

	// maxTag is the longest ID3v2 tag that is carried along. Longer ones hold
	// pictures; they are dropped without being buffered.
	maxTag = 16 << 10

	// maxID3v2 is the longest ID3v2 tag that is believed. A length that lies
	// costs so many bytes of sound, so it is no more than pictures need.
	maxID3v2 = 16 << 20
)

// id3v2Size returns the length of the ID3v2 tag that b starts with, header and
// footer included, and 0 if b starts with none that is to be believed. b must
// hold id3v2Header bytes.
//
// Layout (id3.org, ID3v2.4.0 structure, section 3.1):
// "ID3", major, revision, flags, then the size in four bytes of seven bits.
func id3v2Size(b []byte) int {
	if !bytes.HasPrefix(b, []byte("ID3")) || b[3] == 0xff || b[4] == 0xff ||
		(b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
		return 0
	}
	size := id3v2Header + int(b[6])<<21 + int(b[7])<<14 + int(b[8])<<7 + int(b[9])
	if b[5]&0x10 != 0 {
		size += id3v2Header // footer
	}
	if size > maxID3v2 {
		return 0
	}
	return size
}

// startsTag tells whether b can still become, or is, the beginning of a tag.
// It needs three bytes to be sure.
func startsTag(b []byte) bool {
	head := b[:min(len(b), 3)]
	return bytes.HasPrefix([]byte("ID3"), head) || bytes.HasPrefix([]byte("TAG"), head)
}
