package format

import "math/bits"

// An EBML element (RFC 8794, sections 4 to 6): id, size, body. The leading zero bits of an
// id and of a size give its length in bytes. The marker bit belongs to an id, not to a
// size. A size of all ones is unknown: the element ends before the first element that
// cannot be inside it.
type ebmlHeader struct {
	id   uint32
	size int64 // of the body; -1: unknown
	len  int   // bytes of the header itself
}

const (
	ebmlMagic   = "\x1a\x45\xdf\xa3"
	ebmlUnknown = "\x01\xff\xff\xff\xff\xff\xff\xff"

	ebmlVoid  = 0xec // global elements (section 11.3): allowed anywhere
	ebmlCRC32 = 0xbf
)

// parseEBML reads the header of an element.
func parseEBML(b []byte) (h ebmlHeader, found match) {
	if len(b) == 0 {
		return h, partial
	}
	n := bits.LeadingZeros8(b[0]) + 1
	if n > 4 {
		return h, no
	}
	if len(b) <= n {
		return h, partial
	}
	for _, c := range b[:n] {
		h.id = h.id<<8 | uint32(c)
	}
	size, m := ebmlNumber(b[n:])
	switch {
	case m == 0:
		return h, no
	case len(b) < n+m:
		return h, partial
	}
	h.size, h.len = int64(size), n+m
	if size == 1<<(7*m)-1 {
		h.size = -1
	}
	return h, yes
}

// ebmlNumber reads a number of variable length. n is its length in bytes, even if b is
// shorter, and 0 if it is invalid. b is not empty.
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

// ebmlUint reads the body of an unsigned integer element.
func ebmlUint(b []byte) (v uint64) {
	for _, c := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(c)
	}
	return v
}

// ebmlElement is a complete element.
type ebmlElement struct {
	id   uint32
	all  []byte // header and body
	body []byte
}

// ebmlElements yields the elements of b, up to the first invalid or incomplete one. An
// element of unknown size extends to the end.
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
