package format

import "time"

// An ADTS header is seven bytes, nine with CRC (ISO 13818-7, 6.2):
//
//	AAAAAAAA AAAABCCD EEFFFFGH HHIJKLMM MMMMMMMM MMMOOOOO OOOOOOPP
//
// A sync, B version, C layer (0), D no CRC, E profile, F sampling rate,
// H channels, M frame length with header, P raw blocks less one.

// adtsFixed are the header bits that all frames of a stream share: sync, version,
// layer, profile, sampling rate and channels.
const adtsFixed = 0xfffefdc0

var adtsRates = [13]int{
	96000, 88200, 64000, 48000, 44100, 32000, 24000,
	22050, 16000, 12000, 11025, 8000, 7350,
}

// parseADTS reads the header of an ADTS frame. b has at least seven bytes.
func parseADTS(b []byte) (h syncHeader, ok bool) {
	rate := int(b[2] >> 2 & 15)
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	minSize := 7
	if b[1]&1 == 0 {
		minSize = 9
	}
	if b[0] != 0xff || b[1]&0xf6 != 0xf0 || rate >= len(adtsRates) || size <= minSize {
		return syncHeader{}, false
	}
	samples := 1024 * (int(b[6]&3) + 1)
	return syncHeader{
		fixed:    be32(b) & adtsFixed,
		size:     size,
		duration: time.Duration(samples) * time.Second / time.Duration(adtsRates[rate]),
	}, true
}

func newADTS(contentType string) *syncFramer {
	return &syncFramer{contentType: contentType, sync: 0xff, headerSize: 7, parse: parseADTS}
}
