package format

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// oggCodec says what the streams of a codec are like in Ogg. The zero value is a
// codec that is not known; such a stream is carried along.
type oggCodec struct {
	magic string // what its first packet begins with
	least int    // how long that is at least

	// headers is the number of header packets that follow the first one.
	headers func(first []byte) int

	// header tells whether a packet of which b is the beginning may be a header,
	// so that a stream of which headers are missing is noticed.
	header func(b []byte) bool

	// ends tells of codecs that do not count their headers whether this was the last.
	ends func(header []byte) bool

	// clock reads the clock of granule positions; nil: they tell no time.
	clock func(first []byte) oggClock

	// comment is what the comment header, one of those after the first, begins with.
	comment func(header []byte) (before int, ok bool)
	// after is what stands behind the comments.
	after string

	sound, video bool

	retitle  bool                                // comments may be replaced in a new logical stream
	rejoin   func(packets [][]byte, comment int) // makes headers fit a stream that begins in its midst
	overlaps bool                                // a packet makes no sound without the one before it
}

func count(n int) func([]byte) int { return func([]byte) int { return n } }

// prefixed finds the comment header by its first bytes.
func prefixed(magic string) func([]byte) (int, bool) {
	return func(b []byte) (int, bool) { return len(magic), bytes.HasPrefix(b, []byte(magic)) }
}

func topBit(b []byte) bool { return len(b) > 0 && b[0]&0x80 != 0 }

var oggCodecs = []oggCodec{
	{ // Vorbis I, sections 4.2 and A.2
		magic: "\x01vorbis", least: 30,
		headers: count(2),
		header:  func(b []byte) bool { return len(b) > 0 && b[0]&1 != 0 },
		clock:   func(b []byte) oggClock { return ticks(binary.LittleEndian.Uint32(b[12:]), 1) },
		comment: prefixed("\x03vorbis"),
		after:   "\x01", // the framing bit
		sound:   true,
		retitle: true, overlaps: true,
	},
	{ // RFC 7845, section 5
		magic: "OpusHead", least: 19,
		headers: count(1),
		header:  func(b []byte) bool { return startsLike(b, "OpusTags") },
		clock:   func([]byte) oggClock { return ticks(48000, 1) },
		comment: prefixed("OpusTags"),
		sound:   true,
		retitle: true,
	},
	{ // RFC 9639, section 10.1; in the first packet STREAMINFO follows 13 bytes
		magic: "\x7fFLAC", least: 51,
		headers: func(b []byte) int {
			if b[13]&0x80 != 0 {
				return 0
			}
			return math.MaxInt // what is announced may be unknown, or wrong
		},
		header:  func(b []byte) bool { return len(b) > 0 && b[0] != 0xff },
		ends:    topBit,
		clock:   func(b []byte) oggClock { return ticks(be32(b[27:])>>12, 1) },
		comment: func(b []byte) (int, bool) { return 4, len(b) > 4 && b[0]&0x7f == flacComments },
		sound:   true,
		retitle: true,
		rejoin: func(packets [][]byte, comment int) {
			forget(packets[0][17:])
			putFLACSize(packets[comment])
		},
	},
	{ // the Speex manual, section 7.3; no packet tells that it is a header
		magic: "Speex   ", least: 80,
		headers: func(b []byte) int { return 1 + int(min(binary.LittleEndian.Uint32(b[68:]), 16)) },
		clock:   func(b []byte) oggClock { return ticks(binary.LittleEndian.Uint32(b[36:]), 1) },
		comment: prefixed(""),
		sound:   true,
	},
	{ // the Theora specification, sections 6.2 and A.2.3
		magic: "\x80theora", least: 42,
		headers: count(2),
		header:  topBit,
		clock: func(b []byte) oggClock {
			c := ticks(be32(b[22:]), be32(b[26:]))
			c.shift = uint(b[40]&3)<<3 | uint(b[41]>>5)
			return c
		},
		comment: prefixed("\x81theora"),
		video:   true,
	},
	{magic: "fishead\x00", headers: count(math.MaxInt)}, // Skeleton: nothing but headers
	{ // OggKate, "format specification"
		magic: "\x80kate\x00\x00\x00", least: 64,
		headers: func(b []byte) int { return int(b[11]) - 1 },
		header:  topBit,
	},
	{magic: "OggMIDI\x00", headers: count(0)},
}

// oggClock tells the time from granule positions.
type oggClock struct {
	seconds float64 // how long one lasts
	shift   uint    // in Theora they are two numbers that add up: key frames, and frames since
}

// ticks is a clock of so many ticks in so many seconds.
func ticks(n, seconds uint32) oggClock {
	if n == 0 {
		return oggClock{}
	}
	return oggClock{seconds: float64(seconds) / float64(n)}
}

func (c oggClock) ticks(granule int64) int64 {
	if c.shift == 0 {
		return granule
	}
	return granule>>c.shift + granule&(1<<c.shift-1)
}

// between is the time from one granule position to another; zero for leaps.
func (c oggClock) between(from, to int64) time.Duration {
	return leap(float64(c.ticks(to)-c.ticks(from)) * c.seconds)
}

// maxStep is the longest time that a unit is believed to last. Streams leap when
// their source was cut; that is no time that anybody hears.
const maxStep = 30 * time.Second

// leap returns a time in seconds, or zero where time went back or leapt.
func leap(seconds float64) time.Duration {
	if seconds > 0 && seconds <= maxStep.Seconds() {
		return time.Duration(math.Round(seconds * float64(time.Second)))
	}
	return 0
}
