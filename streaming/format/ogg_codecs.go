package format

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// oggCodec describes the mapping of a codec to Ogg. The zero value is an unknown codec;
// its streams are carried along.
type oggCodec struct {
	name    string // see Init.OggCodec
	magic   string // the beginning of the first packet
	minSize int    // of the first packet

	// headers returns the number of header packets after the first one.
	headers func(first []byte) int

	// isHeader reports whether a packet that begins with b may be a header, to
	// detect lost headers. Nil: headers cannot be told from data.
	isHeader func(b []byte) bool

	// lastHeader reports whether a header is the last one, for codecs without a
	// number of headers.
	lastHeader func(header []byte) bool

	// newClock reads the clock of granule positions. Nil: they measure no time.
	newClock func(first []byte) oggClock

	// audio reads the audio of the first packet; nil: unknown.
	audio func(first []byte) Audio

	// commentAt reports whether a header, not the first, is the comment header, and
	// the length of its prefix.
	commentAt func(header []byte) (before int, ok bool)
	// preSkip returns the playing time at the beginning that decoders discard; nil: none.
	preSkip func(first []byte) time.Duration

	// commentSuffix follows the comments in their header.
	commentSuffix string

	sound, video bool

	retitlable bool                                // a new logical stream with other comments may replace it
	fixHeaders func(packets [][]byte, comment int) // adapts the headers of such a stream
	overlaps   bool                                // decoding a packet needs the one before it
}

func fixedCount(n int) func([]byte) int { return func([]byte) int { return n } }

// commentPrefix finds the comment header by its first bytes.
func commentPrefix(magic string) func([]byte) (int, bool) {
	return func(b []byte) (int, bool) { return len(magic), bytes.HasPrefix(b, []byte(magic)) }
}

func topBit(b []byte) bool { return len(b) > 0 && b[0]&0x80 != 0 }

var oggCodecs = []oggCodec{
	// Vorbis (Vorbis I, sections 4.2 and A.2). The first packet, little endian:
	//
	//	 0  1, "vorbis"
	//	 7  version, 4 bytes; channels, 1 byte
	//	12  sampling rate, 4 bytes
	//	16  bitrates, 12 bytes; block sizes, 1 byte; framing bit
	//
	// Headers have an odd packet type, data has an even one.
	{
		name: "Vorbis", magic: "\x01vorbis", minSize: 30,
		headers:       fixedCount(2),
		isHeader:      func(b []byte) bool { return len(b) > 0 && b[0]&1 != 0 },
		newClock:      func(b []byte) oggClock { return ticks(binary.LittleEndian.Uint32(b[12:]), 1) },
		commentAt:     commentPrefix("\x03vorbis"),
		audio:         vorbisAudio,
		commentSuffix: "\x01", // the framing bit
		sound:         true,
		retitlable:    true, overlaps: true,
	},
	// Opus (RFC 7845, section 5). The first packet, little endian:
	//
	//	 0  "OpusHead"
	//	 8  version, 1 byte; channels, 1 byte
	//	10  pre-skip in samples of 48 kHz, 2 bytes (section 4.2)
	//	12  input sampling rate, 4 bytes; gain, 2 bytes; mapping
	{
		name: "Opus", magic: "OpusHead", minSize: 19,
		headers:   fixedCount(1),
		isHeader:  func(b []byte) bool { return startsLike(b, "OpusTags") },
		newClock:  func([]byte) oggClock { return ticks(48000, 1) },
		commentAt: commentPrefix("OpusTags"),
		audio:     opusAudio,
		preSkip: func(b []byte) time.Duration {
			return time.Duration(binary.LittleEndian.Uint16(b[10:])) * time.Second / 48000
		},
		sound:      true,
		retitlable: true,
	},
	// FLAC (RFC 9639, section 10.1). The first packet, big endian:
	//
	//	 0  0x7f, "FLAC"
	//	 5  version, 2 bytes
	//	 7  number of header packets that follow, 2 bytes
	//	 9  "fLaC"
	//	13  header of STREAMINFO, 4 bytes; its first bit: no header packets follow
	//	17  STREAMINFO, see streamInfo
	{
		name: "FLAC", magic: "\x7fFLAC", minSize: 51,
		headers: func(b []byte) int {
			if b[13]&0x80 != 0 {
				return 0
			}
			return math.MaxInt // the announced number may be unknown or wrong
		},
		isHeader:   func(b []byte) bool { return len(b) > 0 && b[0] != 0xff },
		lastHeader: topBit,
		newClock:   func(b []byte) oggClock { return ticks(be32(b[27:])>>12, 1) },
		commentAt:  func(b []byte) (int, bool) { return 4, len(b) > 4 && b[0]&0x7f == flacComments },
		audio:      oggFLACAudio,
		sound:      true,
		retitlable: true,
		fixHeaders: func(packets [][]byte, comment int) {
			clearTotals(packets[0][17:])
			putFLACSize(packets[comment])
		},
	},
	// Speex (the Speex manual, section 7.3). The first packet, little endian:
	//
	//	 0  "Speex   "; version, 20 bytes; version id, 4 bytes; size of header, 4 bytes
	//	36  sampling rate, 4 bytes
	//	40  7 fields of 4 bytes
	//	68  number of extra header packets, 4 bytes
	//
	// Headers have no mark.
	{
		name: "Speex", magic: "Speex   ", minSize: 80,
		headers:   func(b []byte) int { return 1 + int(min(binary.LittleEndian.Uint32(b[68:]), 16)) },
		newClock:  func(b []byte) oggClock { return ticks(binary.LittleEndian.Uint32(b[36:]), 1) },
		commentAt: commentPrefix(""),
		sound:     true,
	},
	// Theora (the Theora specification, sections 6.2 and A.2.3). The first packet, big
	// endian:
	//
	//	 0  0x80, "theora"
	//	 7  version, 3 bytes; sizes and offsets of the frame, 12 bytes
	//	22  frame rate: numerator and denominator, 4 bytes each
	//	30  aspect ratio, 6 bytes; color space, 1 byte; bitrate, 3 bytes
	//	40  quality (6 bits), shift of the key frame in granule positions (5 bits)
	//
	// Headers have the first bit set.
	{
		name: "Theora", magic: "\x80theora", minSize: 42,
		headers:  fixedCount(2),
		isHeader: topBit,
		newClock: func(b []byte) oggClock {
			c := ticks(be32(b[22:]), be32(b[26:]))
			c.shift = uint(b[40]&3)<<3 | uint(b[41]>>5)
			return c
		},
		commentAt: commentPrefix("\x81theora"),
		video:     true,
	},
	{magic: "fishead\x00", headers: fixedCount(math.MaxInt)}, // Skeleton: headers only
	{ // OggKate, "format specification": byte 11 is the number of headers
		magic: "\x80kate\x00\x00\x00", minSize: 64,
		headers:  func(b []byte) int { return int(b[11]) - 1 },
		isHeader: topBit,
	},
	{magic: "OggMIDI\x00", headers: fixedCount(0)},
}

var unknownCodec oggCodec

// codecOf returns the codec of a stream with that first packet.
func codecOf(first []byte) *oggCodec {
	for i := range oggCodecs {
		if c := &oggCodecs[i]; len(first) >= c.minSize && bytes.HasPrefix(first, []byte(c.magic)) {
			return c
		}
	}
	return &unknownCodec
}

// oggClock measures time by granule positions.
type oggClock struct {
	seconds float64 // per position
	shift   uint    // Theora: the low bits count frames since the key frame of the high bits
}

// ticks returns a clock of n ticks per number of seconds.
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

// between is the time from one granule position to another; zero for jumps.
func (c oggClock) between(from, to int64) time.Duration {
	return plausible(float64(c.ticks(to)-c.ticks(from)) * c.seconds)
}
