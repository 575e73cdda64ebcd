package format

import (
	"bytes"
	"time"
)

// An MPEG audio header is four bytes, big endian (ISO 11172-3, 2.4.1.3):
//
//	AAAAAAAA AAABBCCD EEEEFFGH IIJJKLMM
//
// A sync, B version, C layer, D no CRC, E bitrate, F sampling rate,
// G padding, I channel mode, M emphasis. Versions 2 and 2.5 are ISO 13818-3
// and its unofficial extension to low sampling rates.

// mpegFixed are the header bits that all frames of a stream share: sync, version,
// layer and sampling rate.
const mpegFixed = 0xfffe0c00

// mpegBitrates are in kbit/s, by table and index; 0 is free format.
var mpegBitrates = [5][15]int{
	{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}, // version 1, layer I
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},    // version 1, layer II
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},     // version 1, layer III
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},    // version 2, layer I
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},         // version 2, layers II, III
}

var mpegRates = [3]int{44100, 48000, 32000} // version 1; halved for 2, quartered for 2.5

// parseMPEG reads the header of an MPEG audio frame. b has at least four bytes.
func parseMPEG(b []byte) (h syncHeader, ok bool) {
	version := b[1] >> 3 & 3 // 0: 2.5, 2: 2, 3: 1
	layer := 4 - int(b[1]>>1&3)
	bitrate := int(b[2] >> 4)
	rate := int(b[2] >> 2 & 3)
	padding := int(b[2] >> 1 & 1)
	if b[0] != 0xff || b[1]&0xe0 != 0xe0 || version == 1 || layer == 4 ||
		bitrate == 15 || rate == 3 || b[3]&3 == 2 {
		return syncHeader{}, false
	}

	hz := mpegRates[rate]
	switch version {
	case 2:
		hz /= 2
	case 0:
		hz /= 4
	}
	table, samples := layer-1, 1152
	if version != 3 {
		table = 4
	}
	slot := 1
	switch layer {
	case 1:
		samples, slot = 384, 4
		if version != 3 {
			table = 3
		}
	case 3:
		if version != 3 {
			samples = 576
		}
	}

	kbps := mpegBitrates[table][bitrate]
	h = syncHeader{
		fixed:    be32(b) & mpegFixed,
		free:     kbps == 0,
		padding:  padding * slot,
		duration: time.Duration(samples) * time.Second / time.Duration(hz),
	}
	if !h.free {
		h.size = samples/8/slot*kbps*1000/hz*slot + h.padding
	}
	return h, true
}

// The first frame of an MP3 file can hold a table instead of audio:
//
//	 0  frame header, 4 bytes; with CRC 2 bytes
//	    side information (ISO 11172-3, 2.4.1.7): version 1 has 32 bytes, in mono 17;
//	    the others have 17, in mono 9
//	    "Xing" (VBR) or "Info" (CBR); or, always at 36, "VBRI"

// isFileInfo reports whether an MPEG layer III frame holds such a table.
func isFileInfo(frame []byte) bool {
	if frame[1]>>1&3 != 1 { // not layer III
		return false
	}
	side := 32
	mono, v1 := frame[3]>>6 == 3, frame[1]>>3&3 == 3
	switch {
	case v1 && mono, !v1 && !mono:
		side = 17
	case mono:
		side = 9
	}
	at := func(off int, word string) bool {
		return len(frame) >= off+len(word) && bytes.Equal(frame[off:off+len(word)], []byte(word))
	}
	for _, off := range []int{4 + side, 6 + side} { // without and with CRC
		if at(off, "Xing") || at(off, "Info") {
			return true
		}
	}
	return at(36, "VBRI")
}

func newMPEG(contentType string) *syncFramer {
	return &syncFramer{
		contentType: contentType,
		sync:        0xff,
		headerSize:  4,
		parse:       parseMPEG,
		isStart:     func(frame []byte) bool { return !isFileInfo(frame) },
	}
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
