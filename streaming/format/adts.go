package format

import "time"

// An ADTS header is seven bytes, nine with CRC (ISO 13818-7, 6.2):
//
//	AAAAAAAA AAAABCCD EEFFFFGH HHIJKLMM MMMMMMMM MMMOOOOO OOOOOOPP
//
// A sync, B version, C layer (0), D no CRC, E profile, F sampling rate,
// H channels, M frame length with header, P raw blocks less one.

// adtsSame are the bits that stay the same throughout one stream: sync,
// version, layer, profile, sampling rate and channels.
const adtsSame = 0xfffefdc0

var adtsRates = [13]int{
	96000, 88200, 64000, 48000, 44100, 32000, 24000,
	22050, 16000, 12000, 11025, 8000, 7350,
}

// parseADTS reads the header of an ADTS frame. b holds seven bytes or more.
func parseADTS(b []byte) (h header, ok bool) {
	rate := int(b[2] >> 2 & 15)
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	least := 7
	if b[1]&1 == 0 {
		least = 9
	}
	if b[0] != 0xff || b[1]&0xf6 != 0xf0 || rate >= len(adtsRates) || size <= least {
		return header{}, false
	}
	samples := 1024 * (int(b[6]&3) + 1)
	return header{
		same:     be32(b) & adtsSame,
		size:     size,
		duration: time.Duration(samples) * time.Second / time.Duration(adtsRates[rate]),
	}, true
}

func newADTS(contentType string) *frames {
	return &frames{contentType: contentType, headerSize: 7, parse: parseADTS}
}
