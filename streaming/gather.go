package streaming

import (
	"math"
	"time"
)

// Reading what an encoder sends, frame by frame as it comes, costs about the
// same for each read. With few sources that is nothing; with hundreds it is most
// of the work. So the more sources a station has, the longer their bytes gather
// in the sockets before the kernel wakes us: the same law as for the shards'
// turns.
const (
	readCost   = 10 * time.Microsecond
	gatherMost = DefaultLatency / 2
)

// gatherTime is how long the bytes of each source may gather.
func gatherTime(sources int) time.Duration {
	return min(time.Duration(sources)*effort*readCost, gatherMost)
}

// gather sets, by how fast the source sent since the last call, how many bytes
// are worth a read. A source that has stopped is read to the last byte.
func (s *Source) gather(now time.Time) {
	rate, ok := s.measure(now)
	if !ok || s.BatchReads == nil {
		return
	}
	wait := gatherTime(int(s.Mount().station.sourceCount.Load()))
	if s.Mount().Settings().SourceTimeout < 4*watchStep {
		wait = 0 // bytes that wait must not pass for silence
	}
	n := max(1, int(rate*wait.Seconds()))
	if n == 1 || n < s.gathered*15/16 || n > s.gathered*17/16 {
		s.gathered = n
		s.BatchReads(n)
		s.gathers.Store(n > 1)
	}
}

// measure finds out how fast the source has sent since the last call. It reports false
// if there was none, or it was too short ago.
func (s *Source) measure(now time.Time) (rate float64, ok bool) {
	elapsed, first := now.Sub(s.measured), s.measured.IsZero()
	if elapsed < watchStep/2 {
		return 0, false
	}
	total := s.Mount().bytesRead.Load()
	fresh := total - s.counted
	s.counted, s.measured = total, now
	if first { // that was, perhaps, a burst
		return 0, false
	}
	rate = float64(fresh) / elapsed.Seconds()
	if known := math.Float64frombits(s.rate.Load()); rate > known/2 && rate < 2*known {
		rate = known + (rate-known)/8 // a second has few reads, so it is a rough measure
	}
	s.rate.Store(math.Float64bits(rate))
	return rate, true
}
