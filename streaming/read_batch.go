package streaming

import (
	"math"
	"time"
)

// Reading what an encoder sends, frame by frame as it comes, costs about the same for each
// read. With few sources that is nothing; with hundreds it is most of the work. So the more
// sources a station has, the longer their bytes wait in the sockets before the kernel wakes
// the readers: the same law as for the shards' intervals.
const (
	readCost     = 10 * time.Microsecond
	maxReadBatch = DefaultLatency / 2
)

// readBatchTime is how long the bytes of each source may wait.
func readBatchTime(sources int) time.Duration {
	return min(time.Duration(sources)*restFactor*readCost, maxReadBatch)
}

// setReadBatch sets, by how fast the source sent since the last call, how many bytes are
// worth a read. A source that has stopped is read to the last byte.
func (s *Source) setReadBatch(now time.Time) {
	rate, ok := s.measure(now)
	if !ok || s.BatchReads == nil {
		return
	}
	wait := readBatchTime(int(s.Mount().station.sourceCount.Load()))
	if s.Mount().Settings().SourceTimeout < 4*watchStep {
		wait = 0 // bytes that wait must not be taken for silence
	}
	n := max(1, int(rate*wait.Seconds()))
	if n == 1 || n < s.lastBatch*15/16 || n > s.lastBatch*17/16 {
		s.lastBatch = n
		s.BatchReads(n)
		s.batching.Store(n > 1)
	}
}

// measure returns how fast the source has sent since the last call. It reports false if
// there was none, or if it was too short ago.
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
