package format

import (
	"bytes"
	"time"
)

// syncHeader is the content of a frame header.
type syncHeader struct {
	fixed    uint32 // the bits that all headers of a stream share
	size     int    // bytes of the frame with its header; 0 in free format
	free     bool   // free format: the size is the distance to the next header
	padding  int    // bytes of padding within the size
	duration time.Duration
}

// syncFramer is the framer of codecs whose frames carry a sync word and a length: MPEG
// audio, ADTS and LOAS. In sync it accepts each header that matches the one before. To find
// the sync it needs two matching headers, one frame apart.
type syncFramer struct {
	contentType string
	sync        byte // the first one of a header
	headerSize  int
	parse       func([]byte) (syncHeader, bool)
	isStart     func(frame []byte) bool // reports whether a listener can start with a frame; nil: with all

	last syncHeader // the last accepted header; size 0 means out of sync
	free freeFormat
	drop int // remaining bytes of a tag to drop
}

func (f *syncFramer) Type() string { return f.contentType }

func (f *syncFramer) Next(buf []byte, final bool) (int, Unit) {
	if f.drop > 0 {
		n := min(f.drop, len(buf))
		f.drop -= n
		return n, Unit{}
	}
	if n, u, ok := f.takeTag(buf, final); ok {
		return n, u
	}
	if f.last.size > 0 {
		if len(buf) < f.headerSize && !final {
			return 0, Unit{}
		}
		if h, ok := f.nextHeader(buf); ok {
			switch f.isWhole(buf, h, final) {
			case yes:
				return f.takeFrame(buf, h)
			case partial:
				return 0, Unit{}
			}
		}
		f.last = syncHeader{}
	}
	return f.search(buf, final)
}

// nextHeader reads the header at b and reports whether it matches the last one.
func (f *syncFramer) nextHeader(b []byte) (syncHeader, bool) {
	if len(b) < f.headerSize {
		return syncHeader{}, false
	}
	h, ok := f.parse(b)
	if !ok || h.fixed != f.last.fixed || h.free != f.last.free {
		return syncHeader{}, false
	}
	if h.free {
		h.size = f.free.size + h.padding
	}
	return h, true
}

// isWhole reports whether the frame with header h at the beginning of b is complete.
// Files that an encoder plays one after the other may end within a frame; the rest of its
// length is then the beginning of the next file. To wait for the next header would delay
// every frame, so only a frame that may hold such a beginning has to be followed by one.
func (f *syncFramer) isWhole(b []byte, h syncHeader, final bool) match {
	if len(b) < h.size {
		if final {
			return no
		}
		return partial
	}
	if !f.mayHoldStart(b[:h.size]) {
		return yes
	}
	next := b[h.size:]
	if len(next) < f.headerSize {
		if final {
			return yes
		}
		return partial
	}
	if _, ok := f.parse(next); ok || beginsTag(next) {
		return yes
	}
	return no
}

// mayHoldStart reports whether a header or a tag begins, or may begin, within a frame.
func (f *syncFramer) mayHoldStart(frame []byte) bool {
	for at := 1; ; at++ {
		i := bytes.IndexByte(frame[at:], f.sync)
		if i < 0 {
			break
		}
		at += i
		if len(frame)-at < f.headerSize {
			return true
		}
		if _, ok := f.parse(frame[at:]); ok {
			return true
		}
	}
	return bytes.Contains(frame, []byte("ID3")) || bytes.Contains(frame, []byte("TAG")) ||
		beginsTag(frame[len(frame)-1:]) || beginsTag(frame[len(frame)-2:])
}

// takeFrame consumes the complete frame with header h at the beginning of buf.
func (f *syncFramer) takeFrame(buf []byte, h syncHeader) (int, Unit) {
	f.last = h
	data := buf[:h.size]
	start := f.isStart == nil || f.isStart(data)
	return h.size, Unit{Data: data, Start: start, Duration: h.duration}
}

// takeTag consumes an ID3 tag at the beginning of buf. It reports false if there is none,
// and true with nothing consumed if it needs more bytes.
func (f *syncFramer) takeTag(buf []byte, final bool) (int, Unit, bool) {
	if len(buf) == 0 || !beginsTag(buf) {
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

// search consumes the frame at the beginning of buf if another one follows it, else all
// bytes before the next possible frame.
func (f *syncFramer) search(buf []byte, final bool) (int, Unit) {
	if len(buf) < f.headerSize && !final {
		return 0, Unit{}
	}
	if h, ok := f.candidate(buf, 0); ok {
		var found match
		if h.free {
			h, found = f.measureFree(buf, h, final)
		} else {
			found = f.confirm(buf, h, final)
		}
		switch found {
		case yes:
			return f.takeFrame(buf, h)
		case partial:
			return 0, Unit{}
		}
	}
	n := f.skipGarbage(buf, final)
	f.free.cooldown = max(0, f.free.cooldown-n)
	return n, Unit{}
}

// candidate reads the header at b, at bytes behind the first unconsumed one.
func (f *syncFramer) candidate(b []byte, at int) (syncHeader, bool) {
	if len(b) < f.headerSize {
		return syncHeader{}, false
	}
	h, ok := f.parse(b)
	return h, ok && (!h.free || at >= f.free.cooldown)
}

// skipGarbage returns the distance to the next place, after the first byte, where a frame
// or a tag may begin.
func (f *syncFramer) skipGarbage(buf []byte, final bool) int {
	end := len(buf) - f.headerSize + 1 // no header fits behind it
	for i := 1; i < end; i++ {
		switch buf[i] {
		case f.sync:
			if _, ok := f.candidate(buf[i:], i); ok {
				return i
			}
		case 'I':
			if beginsTag(buf[i:]) && (len(buf)-i < id3v2Header || id3v2Size(buf[i:]) > 0) {
				return i
			}
		}
	}
	if final {
		return len(buf)
	}
	return end
}

// match is the result of a comparison that may need more bytes.
type match int

const (
	no      match = iota
	partial       // more bytes decide
	yes
)

// confirm reports whether a header like h, or a tag, follows the frame.
func (f *syncFramer) confirm(b []byte, h syncHeader, final bool) match {
	if len(b) < h.size+f.headerSize {
		switch {
		case !final:
			return partial
		case len(b) == h.size:
			return yes
		}
		return no
	}
	next := b[h.size:]
	n, ok := f.parse(next)
	if ok && n.fixed == h.fixed && n.free == h.free || beginsTag(next) {
		return yes
	}
	return no
}
