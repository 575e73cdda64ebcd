package format

import "math/bits"

// An EBML element (RFC 8794): its id, its size, its body. The zero bits in front
// of an id or a size tell its length. They are part of an id, not of a size; a
// size whose other bits are all ones is unknown: the element ends where one
// begins that can't be inside.
type ebmlHeader struct {
	id   uint32
	size int64 // of the body; -1: unknown
	len  int   // bytes of the header itself
}

const (
	ebmlMagic   = "\x1a\x45\xdf\xa3"
	ebmlUnknown = "\x01\xff\xff\xff\xff\xff\xff\xff"

	ebmlVoid  = 0xec // the same in all files of EBML
	ebmlCRC32 = 0xbf
)

// parseEBML reads the header of an element.
func parseEBML(b []byte) (h ebmlHeader, found verdict) {
	if len(b) == 0 {
		return h, unsure
	}
	n := bits.LeadingZeros8(b[0]) + 1
	if n > 4 {
		return h, no
	}
	if len(b) <= n {
		return h, unsure
	}
	for _, c := range b[:n] {
		h.id = h.id<<8 | uint32(c)
	}
	size, m := ebmlNumber(b[n:])
	switch {
	case m == 0:
		return h, no
	case len(b) < n+m:
		return h, unsure
	}
	h.size, h.len = int64(size), n+m
	if size == 1<<(7*m)-1 {
		h.size = -1
	}
	return h, yes
}

// ebmlNumber reads a number of variable length. n is its length in bytes even if
// they are not all there, and 0 if it is none. b is not empty.
func ebmlNumber(b []byte) (v uint64, n int) {
	n = bits.LeadingZeros8(b[0]) + 1
	if n > 8 {
		return 0, 0
	}
	v = uint64(b[0]) &^ (0x100 >> n)
	for _, c := range b[1:min(n, len(b))] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

// ebmlUint reads the body of an element that is an unsigned number.
func ebmlUint(b []byte) (v uint64) {
	for _, c := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(c)
	}
	return v
}

// ebmlElement is an element of which all is there.
type ebmlElement struct {
	id   uint32
	all  []byte // header and body
	body []byte
}

// ebmlElements yields the elements that b consists of, up to the first that is
// none or not all there. One of unknown size holds all that follows.
func ebmlElements(b []byte) func(func(ebmlElement) bool) {
	return func(yield func(ebmlElement) bool) {
		for len(b) > 0 {
			h, found := parseEBML(b)
			if found != yes {
				return
			}
			if h.size < 0 {
				h.size = int64(len(b) - h.len)
			}
			if h.size > int64(len(b)-h.len) {
				return
			}
			end := h.len + int(h.size)
			if !yield(ebmlElement{h.id, b[:end], b[h.len:end]}) {
				return
			}
			b = b[end:]
		}
	}
}
