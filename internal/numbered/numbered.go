// Package numbered makes MP3 streams that can be checked to the byte.
//
// Each frame is a valid, silent one of 128 kbit/s. The part that decoders ignore holds a
// number, the time of the frame's making, and a checksum. A Checker reads a listener's bytes
// and reports missing, repeated, reordered, cut and damaged frames.
//
// Functions have no state. A Checker belongs to one goroutine. The package is for tests and
// benchmarks only, and no program that ships imports it.
package numbered

import (
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

const (
	// MaxFrame is the length of a frame with padding, in bytes.
	MaxFrame = 418

	// Duration is the playing time of a frame.
	Duration = 1152 * time.Second / 44100

	// ContentType is the media type of the streams.
	ContentType = "audio/mpeg"

	// Head is how many bytes of a frame tell its number and the time of its making.
	Head = crcAt

	payloadAt = 40 // after header, side information and an empty granule
	numberAt  = payloadAt + len(magic)
	timeAt    = numberAt + 10
	crcAt     = timeAt + 8
)

const magic = "numbered"

// AppendFrame appends the frame with number n, made at a time.
func AppendFrame(dst []byte, n uint64, at time.Time) []byte {
	size, third := MaxFrame-1, byte(0x90) // 128 kbit/s, 44.1 kHz
	if padded(n) {
		size, third = MaxFrame, 0x92
	}
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	f := dst[start:]
	copy(f, []byte{0xff, 0xfb, third, 0xc4}) // version 1, layer III, mono
	copy(f[payloadAt:], magic)
	put(f[numberAt:timeAt], n)
	put(f[timeAt:crcAt], uint64(at.UnixMicro()))
	fill := f[crcAt+4:]
	for i := range fill {
		fill[i] = (byte(n) + byte(i)) & 0x3f
	}
	put(f[crcAt:crcAt+4], uint64(checksum(f)))
	return dst
}

// put writes a number by seven bits in each byte. A byte of 255 might begin another frame: a server
// would pass this one on only with the next.
func put(p []byte, n uint64) {
	for i := range p {
		p[len(p)-1-i] = byte(n>>(7*i)) & 0x7f
	}
}

// get reads what put wrote.
func get(p []byte) (n uint64) {
	for _, b := range p {
		n = n<<7 | uint64(b)
	}
	return n
}

// padded reports whether a frame has a padding byte: 47 of 49 frames do, since
// 144*128000/44100 is 417 and 47/49.
func padded(n uint64) bool { return n%49 < 47 }

// checksum returns the sum of the whole frame without the sum itself, in 28 bits.
func checksum(f []byte) uint32 {
	sum := crc32.ChecksumIEEE(f[:crcAt])
	return crc32.Update(sum, crc32.IEEETable, f[crcAt+4:]) & (1<<28 - 1)
}

// ErrBroken reports that a stream differs from the one that was sent.
var ErrBroken = errors.New("broken stream")

// Checker checks a stream of numbered frames, cut anywhere. The zero value is ready. The
// stream may begin with any frame, but not within one.
type Checker struct {
	// Frames is the number of whole frames.
	Frames uint64
	// First and Last are the numbers of the first and the last whole frame.
	First, Last uint64
	// Made is when the last whole frame was made.
	Made time.Time
	// Span is how many numbers a source has: a frame of a later source may follow any one. 0: there is
	// one source.
	Span uint64

	rest []byte
}

// Write checks the next bytes. Its error wraps ErrBroken.
func (c *Checker) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for len(c.rest) >= crcAt+4 {
		n, err := c.frame()
		if n == 0 || err != nil {
			return len(p), err
		}
		c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	}
	return len(p), nil
}

// frame checks the frame at the beginning of rest and returns its length; 0: it is not whole
// yet.
func (c *Checker) frame() (int, error) {
	f := c.rest
	n := get(f[numberAt:timeAt])
	if string(f[payloadAt:numberAt]) != magic {
		return 0, fmt.Errorf("%w: no frame after %d: % x", ErrBroken, c.Last, f[:min(len(f), 16)])
	}
	size := MaxFrame - 1
	if padded(n) {
		size = MaxFrame
	}
	if len(f) < size {
		return 0, nil
	}
	if checksum(f[:size]) != uint32(get(f[crcAt:crcAt+4])) {
		return 0, fmt.Errorf("%w: frame %d is damaged", ErrBroken, n)
	}
	switch {
	case c.Frames == 0:
		c.First = n
	case n != c.Last+1 && (c.Span == 0 || n/c.Span <= c.Last/c.Span):
		return 0, fmt.Errorf("%w: frame %d follows frame %d", ErrBroken, n, c.Last)
	}
	c.Frames++
	c.Last = n
	c.Made = time.UnixMicro(int64(get(f[timeAt:crcAt])))
	return size, nil
}

// Rest returns the number of bytes of an incomplete frame at the end.
func (c *Checker) Rest() int { return len(c.rest) }

// Number reads the number of a frame from its first Head bytes. It reports false if they begin
// no such frame. Nothing is compared with the checksum.
func Number(head []byte) (n uint64, ok bool) {
	if len(head) < Head || head[0] != 0xff || head[1] != 0xfb || string(head[payloadAt:numberAt]) != magic {
		return 0, false
	}
	return get(head[numberAt:timeAt]), true
}

// Frame reads a whole frame and returns its number. It reports false if the frame is another
// one, or damaged.
func Frame(f []byte) (n uint64, ok bool) {
	if len(f) < crcAt+4 || string(f[payloadAt:numberAt]) != magic ||
		checksum(f) != uint32(get(f[crcAt:crcAt+4])) {
		return 0, false
	}
	return get(f[numberAt:timeAt]), true
}
