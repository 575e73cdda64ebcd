package format

import (
	"fmt"
	"math/bits"
	"time"
)

// A FLAC frame header (RFC 9639, section 9.1):
//
//	11111111 1111100V  sync; V: variable block size
//	SSSSRRRR           block size, sampling rate
//	CCCCBBB0           channels, bits per sample
//	number             of the frame, or with V of its first sample, 1 to 7 bytes
//	[block size minus one, 1 or 2 bytes] [sampling rate, 1 or 2 bytes]
//	CRC-8 of the header
//
// The frame ends with a CRC-16 of the whole frame. No field holds its length.
const maxFLACHeader = 16

// flacHeader is the content of a frame header.
type flacHeader struct {
	size     int // bytes of the header
	block    int // samples
	rate     int // 0: as in STREAMINFO
	bits     int // 0: as in STREAMINFO
	channels int
	variable bool
	number   uint64
}

var (
	flacRates = [12]int{0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000}
	flacBits  = [8]int{0, 8, 12, -1, 16, 20, 24, 32}
)

// parseFLAC reads the frame header at the beginning of b, which is not empty.
func parseFLAC(b []byte) (h flacHeader, found match) {
	if b[0] != 0xff || len(b) > 1 && b[1]&0xfe != 0xf8 {
		return h, no
	}
	if len(b) < 5 {
		return h, partial
	}
	block, rate, channels := b[2]>>4, b[2]&15, int(b[3]>>4)
	h.variable, h.bits = b[1]&1 != 0, flacBits[b[3]>>1&7]
	number, n := flacNumber(b[4:])
	if block == 0 || rate == 15 || channels > 10 || h.bits < 0 || b[3]&1 != 0 || n == 0 {
		return h, no
	}
	h.number = number
	if h.channels = channels + 1; channels > 7 {
		h.channels = 2 // left/side, side/right or mid/side
	}
	blockAt := 4 + n
	rateAt := blockAt + extraBytes(block, 6, 7, 7)
	h.size = rateAt + extraBytes(rate, 12, 13, 14) + 1
	if len(b) < h.size {
		return h, partial
	}
	if crc8(b[:h.size]) != 0 {
		return h, no
	}
	h.readBlockSize(block, b[blockAt:])
	h.readSampleRate(rate, b[rateAt:])
	return h, yes
}

// extraBytes returns the number of bytes at the end of the header that a code stands for.
func extraBytes(code, one, two, twoToo byte) int {
	switch code {
	case one:
		return 1
	case two, twoToo:
		return 2
	}
	return 0
}

// flacNumber reads a number in the coding of UTF-8. n is its length in bytes, even if b is
// shorter, and 0 if the coding is invalid.
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

func (h *flacHeader) readBlockSize(code byte, b []byte) {
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

func (h *flacHeader) readSampleRate(code byte, b []byte) {
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

// streamInfo holds the needed fields of STREAMINFO (RFC 9639, section 8.2), big endian:
//
//	 0  minimum and maximum block size, 2 bytes each
//	 4  minimum and maximum frame size, 3 bytes each
//	10  sampling rate, 20 bits; channels minus one, 3; bits per sample minus one, 5;
//	    total samples, 36
//	18  MD5 of the samples, 16 bytes
type streamInfo struct{ rate, channels, bits, minBlock, maxBlock int }

const (
	streamInfoSize = 34
	flacInfoAt     = len(flacMagic) + 4 // offset of STREAMINFO in a stream
)

func readStreamInfo(b []byte) streamInfo {
	v, blocks := be32(b[10:]), be32(b)
	return streamInfo{
		rate: int(v >> 12), channels: int(v>>9&7) + 1, bits: int(v>>4&31) + 1,
		minBlock: int(blocks >> 16), maxBlock: int(blocks & 0xffff),
	}
}

// String names what frames must have in common to be decoded with one STREAMINFO.
func (i streamInfo) String() string {
	return fmt.Sprintf("rate=%d;channels=%d;bits=%d;blocks=%d-%d", i.rate, i.channels, i.bits, i.minBlock, i.maxBlock)
}

// clearTotals clears the number of samples and their MD5 in STREAMINFO, because a decoder
// that joins mid-stream does not get all samples.
func clearTotals(info []byte) {
	info[13] &= 0xf0
	clear(info[14:streamInfoSize])
}

// matches reports whether a frame header fits the stream.
func (i streamInfo) matches(h flacHeader) bool {
	return (h.rate == 0 || h.rate == i.rate) && (h.bits == 0 || h.bits == i.bits) && h.channels == i.channels
}

func (i streamInfo) duration(h flacHeader) time.Duration {
	if i.rate == 0 {
		return 0
	}
	return plausible(float64(h.block) / float64(i.rate))
}

// blockOf returns the number of samples of all frames but the last, in a stream in which
// these have the same number.
func (i streamInfo) blockOf(h flacHeader) int {
	if i.minBlock == i.maxBlock && i.maxBlock > 0 {
		return i.maxBlock
	}
	return h.block
}

// maxFrame is the maximum size of a frame: its samples uncompressed, plus headers. The
// side channel of a stereo pair has one more bit per sample.
func (i streamInfo) maxFrame(h flacHeader) int {
	return maxFLACHeader + h.channels*(h.block*(i.bits+1)/8+16)
}

// maxLostFrames is the number of frames that may be missing after a damaged one.
const maxLostFrames = 4096

// soonAfter reports whether h belongs to a frame shortly after the one with header prev.
func (h flacHeader) soonAfter(prev flacHeader) bool {
	step := uint64(1)
	if h.variable {
		step = 1 << 16
	}
	return h.variable == prev.variable && h.number > prev.number && h.number-prev.number <= maxLostFrames*step
}
