package streaming

import "time"

// A source may send faster than real time: somebody uploads a file, or an encoder has
// waited. Listeners would be too slow for it, so what they hear is not read faster than
// this. The source waits then, because its connection is full.
const (
	// paceFactor is how much faster than real time a source is read.
	paceFactor = 8

	// paceQueues is how many times the queue of its mount is read in a second where the
	// format does not tell how long the sound is.
	paceQueues = 8

	// minPaceWait is the shortest wait: a timer for each block would cost more.
	minPaceWait = 10 * time.Millisecond

	// paceWindow is how much sound at least tells the bitrate.
	paceWindow = time.Second
)

// pace says how long the reading of a source is to wait. Half of the queue may come at
// once, as the burst of a master does; after that, real time counts.
type pace struct {
	at     time.Time // of the last call of spend; zero: none yet
	free   float64   // bytes that may come at once; negative: too many have come
	slowed bool      // it had to wait

	// What came of late.
	bytes int
	sound time.Duration
}

// note notes a unit.
func (p *pace) note(bytes int, sound time.Duration) {
	if p.sound > 32*paceWindow { // the bitrate may change
		p.bytes, p.sound = p.bytes/2, p.sound/2
	}
	p.bytes += bytes
	p.sound += sound
}

// rate returns how many bytes are read in a second at most.
func (p *pace) rate(queue int) float64 {
	if p.sound >= paceWindow {
		return max(1, paceFactor*float64(p.bytes)/p.sound.Seconds())
	}
	return float64(paceQueues * queue)
}

// spend notes that bytes were read, and returns how long the next read is to wait.
func (p *pace) spend(bytes, queue int, now time.Time) time.Duration {
	most, rate := float64(queue/2), p.rate(queue)
	if p.at.IsZero() {
		p.free = most
	}
	p.free = min(most, p.free+rate*now.Sub(p.at).Seconds()) - float64(bytes)
	p.at = now
	return time.Duration(min(0, p.free) / rate * -float64(time.Second))
}

// keepPace waits after a read, if the source sends too fast for its listeners. Without any
// it may send as fast as it can.
func (s *Source) keepPace(bytes int, now time.Time) {
	m := s.Mount()
	wait := s.pace.spend(bytes, m.Settings().Queue, now)
	if wait < minPaceWait {
		return
	}
	if !m.isHeard() {
		s.pace.free = 0
		return
	}
	if !s.pace.slowed {
		s.pace.slowed = true
		m.publish(Notice{Kind: SourceTooFast, Source: s})
	}
	s.paced.Store(true)
	timer := time.NewTimer(wait)
	select {
	case <-timer.C:
	case <-s.halt:
		timer.Stop()
	}
	s.lastSound.Store(int64(m.station.clock())) // the silence was ours
	s.paced.Store(false)
}

// isHeard reports whether the log of the mount has listeners: its own, or those of mounts
// that it stands in for.
func (m *Mount) isHeard() bool {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	for _, groups := range []map[*listenerGroup]bool{m.groups, m.hearers} {
		for g := range groups {
			if g.heard() == m {
				return true
			}
		}
	}
	return false
}
