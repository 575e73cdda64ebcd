package format

const (
	// maxFreeFrame is the longest frame of free format, in bytes without padding:
	// 640 kbit/s, the decoding limit of layer III, at 8 kHz.
	maxFreeFrame = 5760

	// freeCooldown is the number of bytes skipped after a false header of free
	// format before another one is tried. A trial costs maxFreeFrame steps, and
	// hostile bytes can hold a header every four bytes.
	freeCooldown = 512
)

// freeFormat is the state for frames whose header gives no length (ISO 11172-3,
// 2.4.2.3, bitrate_index 0). All frames of a stream have the same length, except for
// the padding.
type freeFormat struct {
	size     int // bytes of a frame, without padding
	tried    int // sizes up to this one do not fit the header at the start of the input
	cooldown int // bytes to skip before a header is tried again
}

// measureFree finds the size of a frame in free format: the distance to the next header,
// confirmed by the one after it. If it needs more bytes, the next call continues with
// the size reached.
func (f *syncFramer) measureFree(b []byte, h syncHeader, final bool) (syncHeader, match) {
	least := max(f.free.tried, f.headerSize+h.padding)
	f.free.tried = 0
	for size := least + 1; size <= maxFreeFrame+h.padding; size++ {
		found := f.fitsFree(b, h, size, final)
		switch found {
		case partial:
			f.free.tried = size - 1
			return h, partial
		case yes:
			h.size, f.free.size = size, size-h.padding
			return h, yes
		}
	}
	f.free.cooldown = freeCooldown
	return h, no
}

// fitsFree reports whether two more headers like h follow a frame of that size.
func (f *syncFramer) fitsFree(b []byte, h syncHeader, size int, final bool) match {
	if len(b) < size+f.headerSize {
		if final {
			return no
		}
		return partial
	}
	if b[size] != f.sync {
		return no
	}
	n, ok := f.parse(b[size:])
	if !ok || n.fixed != h.fixed || !n.free {
		return no
	}
	n.size = size - h.padding + n.padding
	return f.confirm(b[size:], n, final)
}
