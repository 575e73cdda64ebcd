package format

import "time"

// A LOAS frame carries AAC in LATM, bit by bit (ISO 14496-3, 1.7.2 and 1.7.3):
//
//	AAAAAAAA AAABBBBB BBBBBBBB CDEFFFFF FGGGGHHH …
//
// A sync 0x2b7, B length of what follows, C no configuration: that of the last frame counts,
// D version, E same time framing, F subframes less one, G programs and H layers less one.
// After that, in version 0, an AudioSpecificConfig (1.6.2.1): object type, 5 bits; index of
// the sampling rate, 4 bits, or 15 and the rate, 24 bits; channels, 4 bits.

const (
	loasHeader = 3
	loasSync   = 0x56
)

// parseLOAS reads the header of a LOAS frame. b has at least three bytes. The duration is
// not known to it.
func parseLOAS(b []byte) (h syncHeader, ok bool) {
	size := int(b[1]&0x1f)<<8 | int(b[2])
	if b[0] != loasSync || b[1]&0xe0 != 0xe0 || size == 0 {
		return syncHeader{}, false
	}
	return syncHeader{size: loasHeader + size}, true
}

// loas is the framer of LOAS. Listeners start at a frame that carries the configuration.
type loas struct {
	syncFramer
	duration time.Duration // of a frame, by the last configuration; 0: unknown
}

func newLOAS(contentType string) *loas {
	return &loas{syncFramer: syncFramer{
		contentType: contentType,
		sync:        loasSync,
		headerSize:  loasHeader,
		parse:       parseLOAS,
		isStart:     func(frame []byte) bool { return frame[loasHeader]&0x80 == 0 },
	}}
}

func (l *loas) Next(buf []byte, final bool) (int, Unit) {
	n, u := l.syncFramer.Next(buf, final)
	if len(u.Data) > 0 && u.Data[0] == loasSync { // no tag
		if u.Start {
			l.duration = loasDuration(u.Data[loasHeader:])
		}
		u.Duration = l.duration
	}
	return n, u
}

// loasDuration returns the duration of a frame that begins with its configuration; 0 if the
// configuration is of another version, for several programs or layers, or of a rare codec.
func loasDuration(b []byte) time.Duration {
	if len(b) < 8 || b[0]&0x60 != 0x20 || b[1]&0x7f != 0 {
		return 0
	}
	subframes := int(b[0]&0x1f)<<1 | int(b[1]>>7) + 1
	config := uint64(be32(b[2:]))<<16 | uint64(b[6])<<8 | uint64(b[7]) // 48 bits
	take := func(n int) int {
		v := config >> (48 - n)
		config = config << n & (1<<48 - 1)
		return int(v)
	}
	object, rate, hz := take(5), take(4), 0
	if rate == 15 {
		hz = take(24)
	} else if rate < len(adtsRates) {
		hz = adtsRates[rate]
	}
	take(4)
	if object == 5 || object == 29 { // SBR doubles the samples and the rate
		if take(4) == 15 {
			return 0
		}
		object = take(5)
	}
	if object != 2 || hz < adtsRates[len(adtsRates)-1] {
		return 0
	}
	samples := 1024 - 64*take(1)
	return time.Duration(samples*subframes) * time.Second / time.Duration(hz)
}
