package format

// flacNumbers makes the numbers of frames go on where one stream follows another: players
// take the time from them. A new number may be longer, and changes both checksums of its
// frame. CRCs are linear: the difference that a new header makes passes through the rest of
// the frame as if that were zeros. So the CRC of a damaged frame stays wrong.
type flacNumbers struct {
	continued bool   // the next frame begins a stream that follows another
	samples   uint64 // up to the end of the last frame
	offset    uint64 // what is added to each number
	delta     uint16 // difference in the CRC of the current frame, after what was sent of it
	out       []byte // the last piece that was changed
}

// Continue implements Numberer.
func (f *flac) Continue(samples uint64) { f.numbers.continued, f.numbers.samples = true, samples }

// Samples implements Numberer.
func (f *flac) Samples() uint64 { return f.numbers.samples }

// renumber returns a piece of a frame with its number in the stream. It is the first piece
// if h is not nil, and last reports whether it is the last one. It is valid until the next
// call.
func (n *flacNumbers) renumber(piece []byte, h *flacHeader, block int, last bool) []byte {
	changed, rest := n.out[:0], piece
	if h != nil {
		number := n.next(h, block)
		n.delta = 0
		if number == h.number {
			return piece
		}
		changed = appendFLACHeader(changed, piece[:h.size], number)
		n.delta = crc16(0, changed) ^ crc16(0, piece[:h.size])
		rest = piece[h.size:]
	}
	if n.delta == 0 {
		return piece
	}
	changed = append(changed, rest...)
	n.out = changed
	if !last {
		n.delta = crc16Zeros(n.delta, len(rest))
		return changed
	}
	const crcSize = 2
	n.delta = crc16Zeros(n.delta, len(rest)-crcSize)
	crc := changed[len(changed)-crcSize:]
	crc[0] ^= byte(n.delta >> 8)
	crc[1] ^= byte(n.delta)
	n.delta = 0
	return changed
}

// next returns the number of the frame that comes next. block is the number of samples of
// all frames but the last, if they are numbered instead of their samples.
func (n *flacNumbers) next(h *flacHeader, block int) uint64 {
	step, last := uint64(1), uint64(1)<<36-1
	if !h.variable {
		step, last = uint64(block), 1<<31-1
	}
	if n.continued {
		n.continued = false
		n.offset = (n.samples+step-1)/step - h.number
	}
	number := (h.number + n.offset) & last
	n.samples = number + uint64(h.block)
	if !h.variable {
		n.samples = (number + 1) * step
	}
	return number
}

// appendFLACHeader appends a frame header with another number.
func appendFLACHeader(b, header []byte, number uint64) []byte {
	const numberAt = 4
	from := len(b)
	_, n := flacNumber(header[numberAt:])
	b = append(b, header[:numberAt]...)
	b = appendFLACNumber(b, number)
	b = append(b, header[numberAt+n:len(header)-1]...)
	return append(b, crc8(b[from:]))
}

// appendFLACNumber appends a number of at most 36 bits in the coding of UTF-8.
func appendFLACNumber(b []byte, number uint64) []byte {
	if number < 0x80 {
		return append(b, byte(number))
	}
	more := 1 // bytes of six bits each after the first, which has six bits or less
	for number>>(6*more) >= 1<<(6-more) {
		more++
	}
	b = append(b, byte(0xff<<(7-more))|byte(number>>(6*more)))
	for more--; more >= 0; more-- {
		b = append(b, 0x80|byte(number>>(6*more))&0x3f)
	}
	return b
}
