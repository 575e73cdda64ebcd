package format

import (
	"math/bits"
	"time"
)

// A FLAC frame header (RFC 9639, section 9.1):
//
//	11111111 1111100V  sync; V: blocks vary in size
//	SSSSRRRR           size of the block, sampling rate
//	CCCCBBB0           channels, bits per sample
//	number             of the frame, or with V of its first sample, 1 to 7 bytes
//	[size of the block less one, 1 or 2 bytes] [sampling rate, 1 or 2 bytes]
//	CRC-8 of all this
//
// The frame ends with a CRC-16 of all of it. Its length is not told anywhere.
const maxFLACHeader = 16

// flacHeader is what a frame header tells.
type flacHeader struct {
	size     int // bytes of the header
	block    int // samples
	rate     int // 0: that of STREAMINFO; so with the next one
	bits     int
	channels int
	variable bool
	number   uint64
}

var (
	flacRates = [12]int{0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000}
	flacBits  = [8]int{0, 8, 12, -1, 16, 20, 24, 32}
)

// parseFLAC reads the header at the beginning of b, which is not empty.
func parseFLAC(b []byte) (h flacHeader, found verdict) {
	if b[0] != 0xff || len(b) > 1 && b[1]&0xfe != 0xf8 {
		return h, no
	}
	if len(b) < 5 {
		return h, unsure
	}
	block, rate, channels := b[2]>>4, b[2]&15, int(b[3]>>4)
	h.variable, h.bits = b[1]&1 != 0, flacBits[b[3]>>1&7]
	number, n := flacNumber(b[4:])
	if block == 0 || rate == 15 || channels > 10 || h.bits < 0 || b[3]&1 != 0 || n == 0 {
		return h, no
	}
	h.number = number
	if h.channels = channels + 1; channels > 7 {
		h.channels = 2 // joined in one of three ways
	}
	blockAt := 4 + n
	rateAt := blockAt + told(block, 6, 7, 7)
	h.size = rateAt + told(rate, 12, 13, 14) + 1
	if len(b) < h.size {
		return h, unsure
	}
	if crc8(b[:h.size]) != 0 {
		return h, no
	}
	h.tellBlock(block, b[blockAt:])
	h.tellRate(rate, b[rateAt:])
	return h, yes
}

// told is how many bytes tell a number whose code says that they do.
func told(code, one, two, twoToo byte) int {
	switch code {
	case one:
		return 1
	case two, twoToo:
		return 2
	}
	return 0
}

// flacNumber reads a number that is coded like a letter in UTF-8. n is its length
// in bytes, even if they are not all there, and 0 if it is none.
func flacNumber(b []byte) (number uint64, n int) {
	ones := bits.LeadingZeros8(^b[0])
	if ones == 0 {
		return uint64(b[0]), 1
	}
	if ones == 1 || ones == 8 {
		return 0, 0
	}
	number = uint64(b[0] & (0x7f >> ones))
	for _, c := range b[1:min(ones, len(b))] {
		if c&0xc0 != 0x80 {
			return 0, 0
		}
		number = number<<6 | uint64(c&0x3f)
	}
	return number, ones
}

func (h *flacHeader) tellBlock(code byte, b []byte) {
	switch {
	case code == 1:
		h.block = 192
	case code < 6:
		h.block = 144 << code
	case code == 6:
		h.block = int(b[0]) + 1
	case code == 7:
		h.block = int(b[0])<<8 + int(b[1]) + 1
	default:
		h.block = 1 << code
	}
}

func (h *flacHeader) tellRate(code byte, b []byte) {
	switch code {
	default:
		h.rate = flacRates[code]
	case 12:
		h.rate = 1000 * int(b[0])
	case 13:
		h.rate = int(b[0])<<8 + int(b[1])
	case 14:
		h.rate = 10 * (int(b[0])<<8 + int(b[1]))
	}
}

// flacInfo is what matters of STREAMINFO (RFC 9639, section 8.2), big endian:
//
//	 0  least and largest block, 2 bytes each; least and largest frame, 3 bytes each
//	10  sampling rate, 20 bits; channels less one, 3; bits per sample less one, 5;
//	    samples of the whole stream, 36
//	18  their MD5, 16 bytes
type flacInfo struct{ rate, channels, bits int }

const flacInfoSize = 34

func readFLACInfo(b []byte) flacInfo {
	v := be32(b[10:])
	return flacInfo{rate: int(v >> 12), channels: int(v>>9&7) + 1, bits: int(v>>4&31) + 1}
}

// forget clears what STREAMINFO says of the whole: the number of samples and
// their MD5. A decoder that joins in the midst would miss some.
func forget(info []byte) {
	info[13] &= 0xf0
	clear(info[14:flacInfoSize])
}

// has tells whether a frame is one of the stream.
func (i flacInfo) has(h flacHeader) bool {
	return (h.rate == 0 || h.rate == i.rate) && (h.bits == 0 || h.bits == i.bits) && h.channels == i.channels
}

func (i flacInfo) duration(h flacHeader) time.Duration {
	if i.rate == 0 {
		return 0
	}
	return leap(float64(h.block) / float64(i.rate))
}

// most is how long a frame may be: as long as its samples as they are, and what
// stands around them. The difference of two channels has a bit more.
func (i flacInfo) most(h flacHeader) int {
	return maxFLACHeader + h.channels*(h.block*(i.bits+1)/8+16)
}

// maxLost is how many frames may be missing before the one that ends another.
const maxLost = 4096

// follows tells whether h belongs to a frame soon after the one with header to.
func (h flacHeader) follows(to flacHeader) bool {
	step := uint64(1)
	if h.variable {
		step = 1 << 16
	}
	return h.variable == to.variable && h.number > to.number && h.number-to.number <= maxLost*step
}
