package format

import (
	"bytes"
	"encoding/binary"
)

// An Ogg page, numbers little endian (RFC 3533, section 6):
//
//	 0  "OggS"
//	 4  version, 0
//	 5  flags
//	 6  granule position, 8 bytes; -1: no packet ends here
//	14  serial of the logical stream, 4 bytes
//	18  sequence number, 4 bytes
//	22  CRC of the page with these 4 bytes zero
//	26  number of segments
//	27  lacing: the length of each segment; a packet ends with the first under 255
const (
	oggMagic  = "OggS"
	oggHeader = 27
	maxLacing = 255
	maxPage   = oggHeader + maxLacing + maxLacing*255
)

// The flags of a page.
const (
	oggContinued = 1 << iota // its first packet began on a page before
	oggBOS                   // it begins its stream
	oggEOS                   // it ends it
)

// oggPage is a whole page.
type oggPage []byte

func (p oggPage) has(flag byte) bool { return p[5]&flag != 0 }
func (p oggPage) granule() int64     { return int64(binary.LittleEndian.Uint64(p[6:])) }
func (p oggPage) serial() uint32     { return binary.LittleEndian.Uint32(p[14:]) }
func (p oggPage) sequence() uint32   { return binary.LittleEndian.Uint32(p[18:]) }
func (p oggPage) lacing() []byte     { return p[oggHeader : oggHeader+int(p[26])] }

// open tells whether the last packet continues on the next page of the stream.
func (p oggPage) open() bool {
	l := p.lacing()
	return len(l) > 0 && l[len(l)-1] == 255
}

// oggPart is what a page holds of a packet.
type oggPart struct {
	data         []byte
	begins, ends bool // the packet does so on this page
}

// packets yields all that the page holds, in order.
func (p oggPage) packets(yield func(oggPart) bool) {
	lacing := p.lacing()
	body := p[oggHeader+len(lacing):]
	part := oggPart{begins: !p.has(oggContinued)}
	size := 0
	for i, l := range lacing {
		size += int(l)
		if part.ends = l < 255; part.ends || i == len(lacing)-1 {
			part.data = body[:size:size]
			if !yield(part) {
				return
			}
			body, size, part.begins = body[size:], 0, true
		}
	}
}

// sign writes the numbers that make p a page of a stream, and the CRC.
func (p oggPage) sign(serial, sequence uint32) {
	binary.LittleEndian.PutUint32(p[14:], serial)
	binary.LittleEndian.PutUint32(p[18:], sequence)
	binary.LittleEndian.PutUint32(p[22:], oggCRC(p))
}

// appendOggPage appends a page of segments with those lengths, and no content.
func appendOggPage(dst []byte, flags byte, granule int64, lacing []byte) []byte {
	dst = append(dst, oggMagic...)
	dst = append(dst, 0, flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(granule))
	dst = append(dst, make([]byte, 12)...)
	dst = append(dst, byte(len(lacing)))
	return append(dst, lacing...)
}

// appendOggPackets appends pages with whole packets, as many on each page as fit.
func appendOggPackets(dst []byte, serial, sequence uint32, flags byte, granule int64, packets ...[]byte) ([]byte, uint32) {
	var lacing, body []byte
	ends := int64(-1)
	flush := func() {
		at := len(dst)
		dst = append(appendOggPage(dst, flags, ends, lacing), body...)
		oggPage(dst[at:]).sign(serial, sequence)
		sequence++
		flags, ends = 0, -1
		if lacing[len(lacing)-1] == 255 {
			flags = oggContinued
		}
		lacing, body = lacing[:0], body[:0]
	}
	for _, p := range packets {
		for last := false; !last; {
			segment := p[:min(255, len(p))]
			p, last = p[len(segment):], len(segment) < 255
			lacing, body = append(lacing, byte(len(segment))), append(body, segment...)
			if last {
				ends = granule
			}
			if len(lacing) == maxLacing {
				flush()
			}
		}
	}
	if len(lacing) > 0 {
		flush()
	}
	return dst, sequence
}

// oggPages finds the pages in a stream.
type oggPages struct {
	doubt doubt
}

// next returns the page at the beginning of buf, or how many bytes are none. It
// returns neither if it needs more of them.
func (o *oggPages) next(buf []byte, final bool) (oggPage, int) {
	p, found := o.at(buf)
	switch {
	case found == yes:
		o.doubt.fade(len(p))
		return p, 0
	case found == unsure && !final:
		return nil, 0
	}
	n := beforeMagic(buf, final, oggMagic)
	o.doubt.fade(n)
	return nil, n
}

// at reads the page at the beginning of b.
func (o *oggPages) at(b []byte) (oggPage, verdict) {
	if !startsLike(b, oggMagic) {
		return nil, no
	}
	if len(b) < oggHeader {
		return nil, unsure
	}
	if b[4] != 0 || b[5] > oggContinued|oggBOS|oggEOS || !o.doubt.allows() {
		return nil, no
	}
	size := oggHeader + int(b[26])
	if len(b) < size {
		return nil, unsure
	}
	for _, l := range b[oggHeader:size] {
		size += int(l)
	}
	if len(b) < size {
		return nil, unsure
	}
	p := oggPage(b[:size:size])
	if binary.LittleEndian.Uint32(p[22:]) != oggCRC(p) {
		o.doubt.add(size)
		return nil, no
	}
	return p, yes
}

// startsLike tells whether b begins with magic, or with what there is of it.
func startsLike(b []byte, magic string) bool {
	n := min(len(b), len(magic))
	return string(b[:n]) == magic[:n]
}

// beforeMagic returns how far it is to the next place where magic may begin, which is
// not the first. If there will be no more bytes, half of it is none.
func beforeMagic(buf []byte, final bool, magic string) int {
	for at := 1; at < len(buf); at++ {
		i := bytes.IndexByte(buf[at:], magic[0])
		if i < 0 {
			break
		}
		at += i
		if startsLike(buf[at:], magic) && (!final || len(buf)-at >= len(magic)) {
			return at
		}
	}
	return len(buf)
}

// doubt keeps the time linear that is spent on checksums. Hostile bytes may claim
// a long page every few bytes; who has claimed too many that were none is not
// looked at until so many bytes have gone by.
type doubt int

const (
	maxDoubt = 8 * maxPage
	fading   = 4 // a byte that went by makes up for so many that were checked in vain
)

func (d *doubt) allows() bool { return *d <= maxDoubt }
func (d *doubt) add(size int) { *d += doubt(size) }
func (d *doubt) fade(n int)   { *d = max(0, *d-doubt(fading*n)) }
