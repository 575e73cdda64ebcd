package format

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The names of codecs whose packets can be taken from a stream.
const (
	MP3  = "MP3"
	AAC  = "AAC"
	Opus = "Opus"
	FLAC = "FLAC"

	MPEGTS = "MPEG-TS" // a container that is passed on as it is, with its stamps
	AC3    = "AC-3"    // in MPEG-TS only, as is E-AC-3
	EAC3   = "E-AC-3"
)

// Codec is what a decoder has to know of packets before it gets the first one. It is
// immutable.
type Codec struct {
	Name     string
	Rate     int // Hz, of the samples that packets are counted in; of HE-AAC that of its core
	Channels int

	// Setup is the AudioSpecificConfig of AAC (ISO 14496-3, 1.6.2.1), the OpusHead of Opus
	// (RFC 7845, 5.1), the STREAMINFO of FLAC (RFC 9639, 8.2), the tables of MPEG-TS. MP3 has
	// none.
	Setup []byte

	// Of MPEG-TS: the codec of its sound, and the number of jumps of its stamps.
	Carries *Codec
	Epoch   int
}

// Equal reports whether a decoder that was set up for c decodes the packets of o, too. c is
// not nil.
func (c *Codec) Equal(o *Codec) bool {
	if o == nil || c.Name != o.Name || c.Rate != o.Rate || c.Channels != o.Channels {
		return false
	}
	switch c.Name {
	case Opus: // pre-skip and input rate concern the beginning, and nothing
		return bytes.Equal(c.Setup[16:], o.Setup[16:])
	case FLAC: // the limits of frames and the checksum are of one file
		return readStreamInfo(c.Setup) == readStreamInfo(o.Setup)
	}
	return bytes.Equal(c.Setup, o.Setup) && c.Epoch == o.Epoch
}

// mp3Codec reads the header of a frame.
func mp3Codec(frame []byte) *Codec {
	a := mpegAudio(frame)
	return &Codec{Name: MP3, Rate: a.Rate, Channels: a.Channels}
}

// aacCodec reads the header of an ADTS frame.
func aacCodec(frame []byte) *Codec {
	profile, rate, channels := frame[2]>>6, frame[2]>>2&15, frame[2]&1<<2|frame[3]>>6
	setup := binary.BigEndian.AppendUint16(nil, uint16(profile+1)<<11|uint16(rate)<<7|uint16(channels)<<3)
	c := &Codec{Name: AAC, Rate: adtsRates[rate], Channels: int(channels), Setup: setup}
	if channels == 7 {
		c.Channels = 8
	}
	return c
}

// opusCodec reads an OpusHead, nil if it is not whole.
func opusCodec(head []byte) *Codec {
	const fixed, mapped = 19, 21
	if !startsLike(head, "OpusHead") || len(head) < fixed || head[9] == 0 || head[8]>>4 != 0 ||
		head[18] != 0 && len(head) < mapped+int(head[9]) {
		return nil
	}
	return &Codec{Name: Opus, Rate: 48000, Channels: int(head[9]), Setup: slices.Clone(head)}
}

// flacCodec reads a STREAMINFO, nil if it is not whole.
func flacCodec(info []byte) *Codec {
	if len(info) < streamInfoSize {
		return nil
	}
	i := readStreamInfo(info)
	if i.rate == 0 {
		return nil
	}
	return &Codec{Name: FLAC, Rate: i.rate, Channels: i.channels, Setup: slices.Clone(info[:streamInfoSize])}
}

// ADTSHeader returns the length of the header of an ADTS frame, and the number of raw blocks
// after it.
func ADTSHeader(frame []byte) (size, blocks int) {
	size = 7
	if frame[1]&1 == 0 {
		size = 9
	}
	return size, int(frame[6]&3) + 1
}

// opusSamples returns the samples in a packet of Opus at 48 kHz (RFC 6716, 3.1), 0 if it is
// invalid. Its first byte:
//
//	CCCCCSFF  C configuration, S stereo, F number of frames: 1, 2, 2, or in the next byte
func opusSamples(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	config, frames := int(p[0]>>3), 1
	size := 120 << (config & 3) // CELT: 2.5 to 20 ms
	switch {
	case config < 12: // SILK: 10 to 60 ms
		size = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10 and 20 ms
		size = 480 << (config & 1)
	}
	switch p[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(p) < 2 {
			return 0
		}
		frames = int(p[1] & 63)
	}
	const most = 5760 // 120 ms
	if frames*size > most {
		return 0
	}
	return frames * size
}
