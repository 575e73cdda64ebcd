package streaming

import "time"

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

// measure notes how fast the source sent since the last call.
func (s *Source) measure(now time.Time) {
	total, elapsed := s.Mount().bytesRead.Load(), now.Sub(s.measured)
	fresh := total - s.counted
	first := s.measured.IsZero()
	s.counted, s.measured = total, now
	if elapsed < watchStep/2 {
		return
	}
	rate := float64(fresh) / elapsed.Seconds()
	if known := s.rate; rate > known/2 && rate < 2*known {
		rate = known + (rate-known)/8 // a second has few reads, so it is a rough measure
	}
	s.rate = rate
	if !first {
		s.kbps.Store(int64(kbpsOf(uint64(rate), time.Second)))
	}
	s.gather()
}

// gather sets, by how fast the source sends, how many bytes are worth a read. A source
// that has stopped is read to the last byte.
func (s *Source) gather() {
	if s.Gather == nil {
		return
	}
	wait := gatherTime(int(s.Mount().station.sourceCount.Load()))
	if s.Mount().Settings().SourceTimeout < 4*watchStep {
		wait = 0 // bytes that wait must not pass for silence
	}
	n := max(1, int(s.rate*wait.Seconds()))
	if n == 1 || n < s.gathered*15/16 || n > s.gathered*17/16 {
		s.gathered = n
		s.Gather(n)
		s.gathers.Store(n > 1)
	}
}
