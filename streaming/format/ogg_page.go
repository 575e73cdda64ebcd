package format

import (
	"bytes"
	"encoding/binary"
	"iter"
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
	oggContinued = 1 << iota // the first packet began on an earlier page
	oggBOS                   // first page of the stream
	oggEOS                   // last page of the stream
)

// OggPage is a complete page of an Ogg stream.
type OggPage []byte

// OggPages yields the pages in data, such as the Data of an Init, up to the first
// incomplete one.
func OggPages(data []byte) iter.Seq[OggPage] {
	return func(yield func(OggPage) bool) {
		for IsOggPage(data) {
			size, ok := oggPageSize(data)
			if !ok || len(data) < size || !yield(OggPage(data[:size:size])) {
				return
			}
			data = data[size:]
		}
	}
}

// oggPageSize returns the size of the page whose header b begins with. It reports false
// if the lacing is incomplete.
func oggPageSize(b []byte) (size int, ok bool) {
	size = oggHeader + int(b[26])
	if len(b) < size {
		return 0, false
	}
	for _, l := range b[oggHeader:size] {
		size += int(l)
	}
	return size, true
}

// IsOggPage reports whether b begins with the header of a page.
func IsOggPage(b []byte) bool { return len(b) >= oggHeader && string(b[:4]) == oggMagic }

// Serial returns the serial number of the page's logical stream.
func (p OggPage) Serial() uint32 { return binary.LittleEndian.Uint32(p[14:]) }

// SetSerial changes the serial number, and the CRC with it.
func (p OggPage) SetSerial(serial uint32) { p.renumber(serial, p.sequence()) }

func (p OggPage) has(flag byte) bool { return p[5]&flag != 0 }
func (p OggPage) granule() int64     { return int64(binary.LittleEndian.Uint64(p[6:])) }
func (p OggPage) sequence() uint32   { return binary.LittleEndian.Uint32(p[18:]) }
func (p OggPage) lacing() []byte     { return p[oggHeader : oggHeader+int(p[26])] }

// leavesOpen reports whether the last packet continues on the stream's next page.
func (p OggPage) leavesOpen() bool {
	l := p.lacing()
	return len(l) > 0 && l[len(l)-1] == 255
}

// oggPart is the part of a packet that is on a page.
type oggPart struct {
	data         []byte
	begins, ends bool // the packet begins or ends on this page
}

// packets yields the packets on the page, in order.
func (p OggPage) packets(yield func(oggPart) bool) {
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

// renumber sets serial, sequence number and CRC.
func (p OggPage) renumber(serial, sequence uint32) {
	binary.LittleEndian.PutUint32(p[14:], serial)
	binary.LittleEndian.PutUint32(p[18:], sequence)
	binary.LittleEndian.PutUint32(p[22:], oggCRC(p))
}

// appendOggPage appends the header of a page whose segments have those lengths.
func appendOggPage(dst []byte, flags byte, granule int64, lacing []byte) []byte {
	dst = append(dst, oggMagic...)
	dst = append(dst, 0, flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(granule))
	dst = append(dst, make([]byte, 12)...)
	dst = append(dst, byte(len(lacing)))
	return append(dst, lacing...)
}

// appendOggPackets appends pages that hold packets, as many on each page as fit.
func appendOggPackets(dst []byte, serial, sequence uint32, flags byte, granule int64, packets ...[]byte) ([]byte, uint32) {
	var lacing, body []byte
	ends := int64(-1)
	flush := func() {
		at := len(dst)
		dst = append(appendOggPage(dst, flags, ends, lacing), body...)
		OggPage(dst[at:]).renumber(serial, sequence)
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
	budget resyncBudget
}

// next returns the page at the beginning of buf, or the number of bytes before the next
// possible page. It returns neither if it needs more bytes.
func (o *oggPages) next(buf []byte, final bool) (OggPage, int) {
	p, found := o.pageAt(buf)
	switch {
	case found == yes:
		o.budget.refund(len(p))
		return p, 0
	case found == partial && !final:
		return nil, 0
	}
	n := beforeMagic(buf, final, oggMagic)
	o.budget.refund(n)
	return nil, n
}

// pageAt reads the page at the beginning of b.
func (o *oggPages) pageAt(b []byte) (OggPage, match) {
	if !startsLike(b, oggMagic) {
		return nil, no
	}
	if len(b) < oggHeader {
		return nil, partial
	}
	if b[4] != 0 || b[5] > oggContinued|oggBOS|oggEOS || !o.budget.hasRoom() {
		return nil, no
	}
	size, ok := oggPageSize(b)
	if !ok || len(b) < size {
		return nil, partial
	}
	p := OggPage(b[:size:size])
	if binary.LittleEndian.Uint32(p[22:]) != oggCRC(p) {
		o.budget.spend(size)
		return nil, no
	}
	return p, yes
}

// startsLike reports whether b begins with magic; a shorter b is compared as far as it goes.
func startsLike(b []byte, magic string) bool {
	n := min(len(b), len(magic))
	return string(b[:n]) == magic[:n]
}

// beforeMagic returns the distance to the next place, after the first byte, where magic
// begins or may begin. If no more bytes follow, an incomplete magic does not count.
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

// resyncBudget counts the bytes of failed checksums and so keeps the time for them linear:
// hostile bytes can announce a long page every few bytes. Above maxWasted no page is
// checked until enough bytes have passed.
type resyncBudget int

const (
	maxWasted  = 8 * maxPage
	refundRate = 4 // bytes of failed checksums forgiven per byte passed
)

func (b *resyncBudget) hasRoom() bool  { return *b <= maxWasted }
func (b *resyncBudget) spend(size int) { *b += resyncBudget(size) }
func (b *resyncBudget) refund(n int)   { *b = max(0, *b-resyncBudget(refundRate*n)) }
