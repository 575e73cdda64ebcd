package format

import (
	"encoding/binary"
	"fmt"
)

// Audio is what a player configures its output for. Players differ in whether they accept
// a change of it within a stream, so changes are avoided where there is a choice. The zero
// value, and each zero field, is unknown.
type Audio struct {
	Rate     int // in Hz
	Channels int
}

// Fits reports whether nothing is known to change for a player of a.
func (a Audio) Fits(b Audio) bool {
	return (a.Rate == b.Rate || a.Rate == 0 || b.Rate == 0) &&
		(a.Channels == b.Channels || a.Channels == 0 || b.Channels == 0)
}

// String returns "44100 Hz, stereo".
func (a Audio) String() string {
	rate, channels := "unknown rate", "unknown channels"
	if a.Rate > 0 {
		rate = fmt.Sprintf("%d Hz", a.Rate)
	}
	switch {
	case a.Channels == 1:
		channels = "mono"
	case a.Channels == 2:
		channels = "stereo"
	case a.Channels > 2:
		channels = fmt.Sprintf("%d channels", a.Channels)
	}
	return rate + ", " + channels
}

// AudioOf returns the audio of a stream of a content type that begins with a unit. It is
// known of MPEG audio, ADTS, and the first stream of an Ogg link: of formats with one Kind
// for any audio.
func AudioOf(contentType string, u Unit) Audio {
	switch Family(contentType) {
	case "audio/mpeg":
		if len(u.Data) >= 4 {
			return mpegAudio(u.Data)
		}
	case "audio/aac":
		if len(u.Data) >= 7 {
			return adtsAudio(u.Data)
		}
	case "application/ogg":
		if u.Init != nil {
			first := u.Init.firstPacket()
			if codec := codecOf(first); codec.audio != nil {
				return codec.audio(first)
			}
		}
	}
	return Audio{}
}

// mpegAudio reads the header of an MPEG audio frame.
func mpegAudio(b []byte) Audio {
	if _, ok := parseMPEG(b); !ok {
		return Audio{}
	}
	const mono = 3
	a := Audio{Rate: mpegRates[b[2]>>2&3], Channels: 2}
	switch b[1] >> 3 & 3 {
	case 2:
		a.Rate /= 2
	case 0:
		a.Rate /= 4
	}
	if b[3]>>6 == mono {
		a.Channels = 1
	}
	return a
}

// adtsAudio reads an ADTS header. Of HE-AAC the header has half the rate, and no more than
// 24 kHz; mono may be stereo for players of version 2.
func adtsAudio(b []byte) Audio {
	if _, ok := parseADTS(b); !ok {
		return Audio{}
	}
	a := Audio{Rate: adtsRates[b[2]>>2&15], Channels: int(b[2]&1)<<2 | int(b[3]>>6)}
	if a.Channels == 7 {
		a.Channels = 8
	}
	if a.Rate <= 24000 {
		a.Rate *= 2
		if a.Channels == 1 {
			a.Channels = 0
		}
	}
	return a
}

func vorbisAudio(b []byte) Audio {
	return Audio{Rate: int(min(binary.LittleEndian.Uint32(b[12:]), 1<<30)), Channels: int(b[11])}
}

// opusAudio: the output has 48 kHz, whatever went in.
func opusAudio(b []byte) Audio { return Audio{Rate: 48000, Channels: int(b[9])} }

func oggFLACAudio(b []byte) Audio {
	i := readStreamInfo(b[17:])
	return Audio{Rate: i.rate, Channels: i.channels}
}
