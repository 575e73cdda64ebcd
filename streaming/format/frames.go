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

// frames is the framer of codecs whose frames carry a sync word, whose first
// byte is 0xff, and a length: MPEG audio and ADTS. While it holds the sync it
// trusts each header that looks like the one before; to find the sync it wants
// two of them, one frame apart.
type frames struct {
	contentType string
	headerSize  int
	parse       func([]byte) (header, bool)
	noStart     func(frame []byte) bool // nil: a stream may start at every frame

	last header // the header last accepted; its size is 0 while there is no sync
	free freeFormat
	drop int // bytes of a tag that are still to be dropped
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
		h.size = f.free.size + h.padding
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

// search takes the frame at the beginning of buf if another one follows it, else
// all that can't be the beginning of one.
func (f *frames) search(buf []byte, final bool) (int, Unit) {
	if len(buf) < f.headerSize && !final {
		return 0, Unit{}
	}
	if h, ok := f.candidate(buf, 0); ok {
		var found verdict
		if h.free {
			h, found = f.measure(buf, h, final)
		} else {
			found = f.confirm(buf, h, final)
		}
		switch found {
		case yes:
			return f.frame(buf, h, final)
		case unsure:
			return 0, Unit{}
		}
	}
	n := f.garbage(buf, final)
	f.free.deaf = max(0, f.free.deaf-n)
	return n, Unit{}
}

// candidate reads the header at b, which is at bytes after the first one that
// has not been consumed.
func (f *frames) candidate(b []byte, at int) (header, bool) {
	if len(b) < f.headerSize {
		return header{}, false
	}
	h, ok := f.parse(b)
	return h, ok && (!h.free || at >= f.free.deaf)
}

// garbage returns how far it is to the next place where a frame or a tag may
// begin, which is not the first.
func (f *frames) garbage(buf []byte, final bool) int {
	end := len(buf) - f.headerSize + 1 // from there on no header fits
	for i := 1; i < end; i++ {
		switch buf[i] {
		case 0xff:
			if _, ok := f.candidate(buf[i:], i); ok {
				return i
			}
		case 'I':
			if startsTag(buf[i:]) && (len(buf)-i < id3v2Header || id3v2Size(buf[i:]) > 0) {
				return i
			}
		}
	}
	if final {
		return len(buf)
	}
	return end
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
