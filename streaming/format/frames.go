package format

import "time"

// header is what a frame header tells.
type header struct {
	same     uint32 // the bits that all headers of a stream share
	size     int    // bytes of the frame, header included; 0 in free format
	free     bool   // free format: the size is the distance to the next header
	padding  int    // bytes of the size that are padding
	duration time.Duration
}

// maxFree is the longest frame of free format without padding: 640 kbit/s, the
// most that layer III is decoded at, at 8 kHz.
const maxFree = 5760

// frames is the framer of codecs whose frames carry a sync word and a length:
// MPEG audio and ADTS. While it holds the sync it trusts each header that looks
// like the one before; to find the sync it wants two of them, one frame apart.
type frames struct {
	contentType string
	headerSize  int
	parse       func([]byte) (header, bool)
	noStart     func(frame []byte) bool // nil: a stream may start at every frame

	last     header // the header last accepted; its size is 0 while there is no sync
	freeSize int    // bytes of a frame in free format, without padding
	drop     int    // bytes of a tag that are still to be dropped
}

func (f *frames) Type() string { return f.contentType }

func (f *frames) Next(buf []byte, final bool) (int, Unit) {
	if f.drop > 0 {
		n := min(f.drop, len(buf))
		f.drop -= n
		return n, Unit{}
	}
	if n, u, ok := f.tag(buf, final); ok {
		return n, u
	}
	if f.last.size > 0 {
		if len(buf) < f.headerSize && !final {
			return 0, Unit{}
		}
		if h, ok := f.follows(buf); ok {
			return f.frame(buf, h, final)
		}
		f.last = header{}
	}
	return f.search(buf, final)
}

// follows reads the header at b as that of the frame after the last one.
func (f *frames) follows(b []byte) (header, bool) {
	if len(b) < f.headerSize {
		return header{}, false
	}
	h, ok := f.parse(b)
	if !ok || h.same != f.last.same || h.free != f.last.free {
		return header{}, false
	}
	if h.free {
		h.size = f.freeSize + h.padding
	}
	return h, true
}

// frame takes the frame with header h from the beginning of buf.
func (f *frames) frame(buf []byte, h header, final bool) (int, Unit) {
	if len(buf) < h.size {
		if final {
			return len(buf), Unit{}
		}
		return 0, Unit{}
	}
	f.last = h
	data := buf[:h.size]
	start := f.noStart == nil || !f.noStart(data)
	return h.size, Unit{Data: data, Start: start, Duration: h.duration}
}

// tag takes an ID3 tag from the beginning of buf. It reports false if there is
// none, and true with nothing consumed if more bytes are needed to tell.
func (f *frames) tag(buf []byte, final bool) (int, Unit, bool) {
	if len(buf) == 0 || !startsTag(buf) {
		return 0, Unit{}, false
	}
	need := id3v2Header
	if len(buf) >= need {
		if need = id3v2Size(buf); need == 0 && buf[0] == 'T' && f.last.size > 0 {
			need = id3v1Size
		}
	}
	switch {
	case need == 0:
		return 0, Unit{}, false
	case need > maxTag:
		n := min(need, len(buf))
		f.drop = need - n
		return n, Unit{}, true
	case len(buf) >= need:
		return need, Unit{Data: buf[:need]}, true
	}
	return 0, Unit{}, !final
}

// search looks for the first two frames in a row and returns what lies before
// them as consumed. If they are at the beginning it takes the first of them.
func (f *frames) search(buf []byte, final bool) (int, Unit) {
	for i := range buf {
		rest := buf[i:]
		if len(rest) < f.headerSize {
			if final {
				break
			}
			return i, Unit{}
		}
		if i > 0 && startsTag(rest) && (len(rest) < id3v2Header || id3v2Size(rest) > 0) {
			return i, Unit{}
		}
		h, ok := f.parse(rest)
		if !ok {
			continue
		}
		var found verdict
		if h.free {
			h, found = f.measure(rest, h, final)
		} else {
			found = f.confirm(rest, h, final)
		}
		switch {
		case found == no:
			continue
		case i > 0:
			return i, Unit{}
		case found == unsure:
			return 0, Unit{}
		}
		return f.frame(rest, h, final)
	}
	return len(buf), Unit{}
}

// verdict says whether a header is one: that depends on bytes after the frame,
// which may not be there yet.
type verdict int

const (
	no verdict = iota
	unsure
	yes
)

// confirm looks for a header like h, or for a tag, right after the frame.
func (f *frames) confirm(b []byte, h header, final bool) verdict {
	if len(b) < h.size+f.headerSize {
		switch {
		case !final:
			return unsure
		case len(b) == h.size:
			return yes
		}
		return no
	}
	next := b[h.size:]
	n, ok := f.parse(next)
	if ok && n.same == h.same && n.free == h.free || startsTag(next) {
		return yes
	}
	return no
}

// measure finds the size of a frame in free format: the distance to a next
// header that the one after it confirms.
func (f *frames) measure(b []byte, h header, final bool) (header, verdict) {
	least := f.headerSize + h.padding
	for size := least + 1; size <= maxFree+h.padding; size++ {
		if len(b) < size+f.headerSize {
			if final {
				return h, no
			}
			return h, unsure
		}
		n, ok := f.parse(b[size:])
		if !ok || n.same != h.same || !n.free {
			continue
		}
		n.size = size - h.padding + n.padding
		switch f.confirm(b[size:], n, final) {
		case unsure:
			return h, unsure
		case yes:
			h.size, f.freeSize = size, size-h.padding
			return h, yes
		}
	}
	return h, no
}
