package streaming

import (
	"strconv"
	"time"
)

const (
	// enoughSound is how much sound tells the bitrate of a stream.
	enoughSound = time.Second

	// maxKbps bounds what a source may say of itself.
	maxKbps = 1 << 20
)

// kbpsOf returns the bitrate of what a mount's source sends, in kbit/s and rounded up: by
// the sound in its log, where its format tells how long it sounds, else as it came in
// the last seconds, else as the source says. mu of the station is held.
func (m *Mount) kbpsOf() int {
	if kbps := m.log.kbps(); kbps > 0 {
		return kbps
	}
	if m.source != nil {
		if kbps := kbpsOf(uint64(m.source.Bitrate()/8), time.Second); kbps > 0 {
			return kbps
		}
	}
	if m.own != nil {
		if kbps, err := strconv.Atoi(m.own.Info.Bitrate); err == nil && kbps > 0 && kbps <= maxKbps {
			return kbps
		}
	}
	return 0
}

// kbps returns the bitrate of what is in the log, 0 if that is too short to tell, or has
// no time.
func (l *Log) kbps() int {
	from, to := l.join.Load(), l.tail.Load()
	sound := to.at - from.at
	if sound < enoughSound || to.offset < from.offset {
		return 0
	}
	return kbpsOf(to.offset-from.offset, sound)
}

// kbpsOf returns how many kbit/s that many bytes are in a time.
func kbpsOf(bytes uint64, d time.Duration) int {
	kbps := float64(bytes) * 8 / 1000 / d.Seconds()
	return int(min(kbps+0.999, maxKbps))
}
