package hls

import "time"

// With Options.Grid, cuts and stamps are those of the clock since then, so that segments of streams
// that come at the same time begin at the same time: players can change between them. The first
// segments are short there, too.

// maxSlack is the least that a segment lasts, for long segments: a shorter one is part of the next.
const maxSlack = 400 * time.Millisecond

// leadStep returns the length of short segments, of which several are as long as another.
func (o *Options) leadStep() time.Duration {
	const most = 40
	length := min(max(o.Segment/2, minLead), maxLead)
	for n := (o.Segment + length - 1) / length; n < most; n++ {
		if o.Segment%n == 0 {
			return o.Segment / n
		}
	}
	return o.Segment
}

// gridAfter returns the multiple of a step at which a segment ends that begins at a time.
func gridAfter(start, step time.Duration) time.Duration {
	return roundUp(start+min(step/4, maxSlack), step)
}

// roundUp returns the first multiple of a step that is not less.
func roundUp(d, step time.Duration) time.Duration { return d + (step-d%step)%step }

// LeadOnGrid returns when the short segments end of a list that begins at a time, and how many they
// are. The times are since Options.Grid, and the first is a multiple of the length of segments.
func (o *Options) LeadOnGrid(start time.Duration) (end time.Duration, segments uint64) {
	step := o.leadStep()
	first := gridAfter(start, step)
	end = roundUp(first+time.Duration(max(o.Lead, 1)-1)*step, o.Segment)
	return end, 1 + uint64((end-first)/step)
}

// isOnGrid reports whether there is a grid of the clock.
func (o *Options) isOnGrid() bool { return !o.Grid.IsZero() }

// beginGrid begins at the time when the first packet came.
func (s *Segmenter) beginGrid(came time.Time) {
	at := max(0, came.Sub(s.options.Grid))
	s.at, s.expected = s.samples(at), came
	s.leadEnd, _ = s.options.LeadOnGrid(at)
}

// gridCut returns where the open segment ends.
func (s *Segmenter) gridCut() uint64 {
	start, step := s.lasts(s.start), s.options.Segment
	if lead := s.options.leadStep(); start+min(lead/4, maxSlack) < s.leadEnd {
		step = lead
	}
	return s.samples(gridAfter(start, step))
}

// skipPause makes the stamps of what follows those of the clock, after a segment in which the source
// has paused.
func (s *Segmenter) skipPause(began time.Time) {
	if pause := began.Sub(s.expected); s.options.isOnGrid() && pause > maxDrift {
		s.at += s.samples(pause)
	}
}

// samples returns how many samples sound for so long.
func (s *Segmenter) samples(d time.Duration) uint64 {
	rate := uint64(s.codec.Rate)
	return uint64(d/time.Second)*rate + uint64(d%time.Second)*rate/uint64(time.Second)
}
