package format

import "bytes"

const (
	id3v1Size   = 128
	id3v2Header = 10

	// maxTag is the longest ID3v2 tag that is carried, in bytes. Longer ones hold
	// pictures; they are dropped without being buffered.
	maxTag = 16 << 10

	// maxID3v2 is the longest ID3v2 tag that is accepted, in bytes. A false length
	// costs as much audio, so the limit is just enough for pictures.
	maxID3v2 = 16 << 20
)

// An ID3v2 header is ten bytes (ID3v2.4.0 main structure, section 3.1):
//
//	0  "ID3"
//	3  major version, revision; neither is 0xff
//	5  flags; 0x10: a footer follows the tag
//	6  size without header and footer, 4 bytes of 7 bits

// id3v2Size returns the length of the ID3v2 tag at the beginning of b, with header and
// footer. It returns 0 if there is no acceptable tag. b has at least id3v2Header bytes.
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

// beginsTag reports whether b is, or can become, the beginning of a tag. Three bytes
// are enough to decide.
func beginsTag(b []byte) bool {
	head := b[:min(len(b), 3)]
	return bytes.HasPrefix([]byte("ID3"), head) || bytes.HasPrefix([]byte("TAG"), head)
}
