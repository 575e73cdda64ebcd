package hls

import (
	"encoding/binary"
	"slices"

	"github.com/caddycast/caddycast/streaming/format"
)

// An init (ISO 14496-12, 8.16; CMAF, 7.3) is what a decoder gets before fragments:
//
//	ftyp
//	moov
//	  mvhd
//	  trak tkhd
//	       mdia mdhd hdlr
//	            minf smhd dinf
//	                 stbl stsd …, empty tables
//	  mvex trex
//
// The time scale is the sampling rate, so all durations are whole numbers; those of the whole
// file are 0. There is one track, 1.
const trackID = 1

// unity is the identity matrix of mvhd and tkhd (8.2.2), in fixed point.
var unity = []uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30}

// appendInit appends the init of a codec.
func appendInit(dst []byte, c *format.Codec) []byte {
	b := &boxes{dst}
	b.box("ftyp", func() {
		b.text("iso6")
		b.u32(0)
		b.text("iso6cmfcmp41")
	})
	b.box("moov", func() {
		b.full("mvhd", 0, 0, func() {
			b.u32(0, 0, uint32(c.Rate), 0, 1<<16) // created, changed, scale, duration, speed
			b.u16(1 << 8)                         // volume
			b.zeros(10)
			b.u32(unity...)
			b.zeros(24)
			b.u32(trackID + 1) // the next one
		})
		b.box("trak", func() { b.track(c) })
		b.box("mvex", func() {
			b.full("trex", 0, 0, func() { b.u32(trackID, 1, 0, 0, 0) })
		})
	})
	return b.data
}

func (b *boxes) track(c *format.Codec) {
	const inMovie = 7 // enabled, in the movie, in its preview
	b.full("tkhd", 0, inMovie, func() {
		b.u32(0, 0, trackID, 0, 0) // created, changed, id, reserved, duration
		b.zeros(8)
		b.u16(0) // layer
		b.u16(0) // group
		b.u16(1 << 8)
		b.u16(0)
		b.u32(unity...)
		b.u32(0, 0) // no width and height
	})
	b.box("mdia", func() {
		b.full("mdhd", 0, 0, func() {
			b.u32(0, 0, uint32(c.Rate), 0)
			b.u16(0x55c4) // "und", 5 bits for each letter
			b.u16(0)
		})
		b.full("hdlr", 0, 0, func() {
			b.u32(0)
			b.text("soun")
			b.zeros(12)
			b.u8(0) // no name
		})
		b.box("minf", func() {
			b.full("smhd", 0, 0, func() { b.u32(0) })
			b.box("dinf", func() {
				b.full("dref", 0, 0, func() {
					b.u32(1)
					b.full("url ", 0, 1, func() {}) // 1: in this file
				})
			})
			b.box("stbl", func() { b.tables(c) })
		})
	})
}

func (b *boxes) tables(c *format.Codec) {
	b.full("stsd", 0, 0, func() {
		b.u32(1)
		b.sampleEntry(c)
	})
	for _, kind := range []string{"stts", "stsc"} {
		b.full(kind, 0, 0, func() { b.u32(0) })
	}
	b.full("stsz", 0, 0, func() { b.u32(0, 0) })
	b.full("stco", 0, 0, func() { b.u32(0) })
	if c.Name == format.Opus {
		// The pre-roll (10.1): decoders that begin anywhere drop 80 ms, four packets of 20 ms.
		b.full("sgpd", 1, 0, func() {
			b.text("roll")
			b.u32(2, 1)
			roll := int16(-4)
			b.u16(uint16(roll))
		})
	}
}

// sampleEntry appends the AudioSampleEntry (12.2.3) and the box of the codec in it.
func (b *boxes) sampleEntry(c *format.Codec) {
	names := map[string]string{format.Opus: "Opus", format.FLAC: "fLaC", format.AAC: "mp4a"}
	bits, rate := uint16(16), uint32(c.Rate)
	if c.Name == format.FLAC {
		// Bits less one are 5 bits of STREAMINFO; a rate that has no room in 16 bits is halved.
		bits = binary.BigEndian.Uint16(c.Setup[12:])>>4&31 + 1
		for rate > 0xffff {
			rate /= 2
		}
	}
	b.box(names[c.Name], func() {
		b.zeros(6)
		b.u16(1) // the data reference
		b.zeros(8)
		b.u16(uint16(c.Channels))
		b.u16(bits)
		b.zeros(4)
		b.u32(rate << 16)
		switch c.Name {
		case format.Opus:
			b.box("dOps", func() { b.opusSetup(c.Setup) })
		case format.FLAC:
			const last = 0x80 // block of type 0, STREAMINFO
			b.full("dfLa", 0, 0, func() {
				b.u32(last<<24 | uint32(len(c.Setup)))
				b.bytes(c.Setup)
			})
		case format.AAC:
			b.full("esds", 0, 0, func() { b.aacSetup(c.Setup) })
		}
	})
}

// opusSetup writes an OpusHead (RFC 7845, 5.1) as MP4 has it (Opus in ISOBMFF, 4.3.2): version
// 0, and the numbers, pre-skip, input rate and gain, big endian.
func (b *boxes) opusSetup(head []byte) {
	const fixed, mapping = 19, 18
	head = slices.Clone(head)
	for _, n := range [][]byte{head[10:12], head[12:16], head[16:18]} {
		slices.Reverse(n)
	}
	b.u8(0, head[9])
	b.bytes(head[10:fixed])
	if channels := int(head[9]); head[mapping] != 0 { // streams, coupled streams, mapping
		b.bytes(head[fixed : fixed+2+channels])
	}
}

// aacSetup writes descriptors (ISO 14496-1, 7.2.6): each a tag, its length, its content.
func (b *boxes) aacSetup(config []byte) {
	const es, decoder, specific, sl = 3, 4, 5, 6
	n := byte(len(config))
	b.u8(es, 23+n, 0, trackID, 0)
	b.u8(decoder, 15+n, 0x40, 0x15, 0, 0, 0) // MPEG-4 audio, an audio stream, no buffer
	b.u32(0, 0)                              // no bitrates
	b.u8(specific, n)
	b.bytes(config)
	b.u8(sl, 1, 2)
}
