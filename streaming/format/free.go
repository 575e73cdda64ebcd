package format

const (
	// maxFree is the longest frame of free format without padding: 640 kbit/s,
	// the most that layer III is decoded at, at 8 kHz.
	maxFree = 5760

	// maxDeaf is how much garbage goes by after a header of free format that
	// turned out to be none before another one is considered. To judge one
	// costs maxFree steps, and hostile bytes hold one every four bytes.
	maxDeaf = 512
)

// freeFormat is what a framer knows of frames whose header does not tell their
// length (ISO 11172-3, 2.4.2.3, bitrate_index 0): it is the same for all of
// them, but for the padding, and not told anywhere.
type freeFormat struct {
	size  int // bytes of a frame, without padding
	tried int // sizes up to this one do not fit the header at the beginning of what is left
	deaf  int // bytes of garbage before a header is considered again
}

// measure finds the size of a frame in free format: the distance to a next
// header that the one after it confirms. Where it needs more bytes it goes on
// next time with the size that it has come to.
func (f *frames) measure(b []byte, h header, final bool) (header, verdict) {
	least := max(f.free.tried, f.headerSize+h.padding)
	f.free.tried = 0
	for size := least + 1; size <= maxFree+h.padding; size++ {
		found := f.fits(b, h, size, final)
		switch found {
		case unsure:
			f.free.tried = size - 1
			return h, unsure
		case yes:
			h.size, f.free.size = size, size-h.padding
			return h, yes
		}
	}
	f.free.deaf = maxDeaf
	return h, no
}

// fits tells whether two more headers like h follow if its frame has that size.
func (f *frames) fits(b []byte, h header, size int, final bool) verdict {
	if len(b) < size+f.headerSize {
		if final {
			return no
		}
		return unsure
	}
	if b[size] != 0xff {
		return no
	}
	n, ok := f.parse(b[size:])
	if !ok || n.same != h.same || !n.free {
		return no
	}
	n.size = size - h.padding + n.padding
	return f.confirm(b[size:], n, final)
}
