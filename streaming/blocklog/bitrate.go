package blocklog

import "time"

const (
	// enoughSound is how much sound tells the bitrate of a stream.
	enoughSound = time.Second

	// MaxBitrate bounds a bitrate: a stream may say anything of itself.
	MaxBitrate = 1 << 20
)

// Kbps returns the bitrate of what is in the log, in kbit/s and rounded up; 0 if that is
// too short to tell, or if its format has no durations.
func (l *Log) Kbps() int {
	from, to := l.join.Load(), l.tail.Load()
	sound := to.at - from.at
	if sound < enoughSound || to.offset < from.offset {
		return 0
	}
	return Kbps(to.offset-from.offset, sound)
}

// Kbps returns how many kbit/s that many bytes are in a time, rounded up.
func Kbps(bytes uint64, d time.Duration) int {
	kbps := float64(bytes) * 8 / 1000 / d.Seconds()
	return int(min(kbps+0.999, MaxBitrate))
}
