package fallback

import "time"

const (
	// headStart is how early audio is sent before it is due, so that listeners start
	// at once and a file that opens slowly causes no gap.
	headStart = 300 * time.Millisecond

	// batch is the playing time that one Read returns: a Read for each frame would
	// cost more than the frame.
	batch = 75 * time.Millisecond

	// maxLag is the delay up to which a player catches up. After a longer one the
	// schedule restarts.
	maxLag = 2 * time.Second

	// minFileTime and minByteTime are the minimum times per file and per byte. False
	// durations cannot exceed ten files or 4 MB per second, more than any audio needs.
	minFileTime = 100 * time.Millisecond
	minByteTime = 250 * time.Nanosecond
)

// pace computes when audio is due. Positions are playing times since the beginning; they
// are sums of frame durations, so there is no drift.
type pace struct {
	// Set once.
	now   func() time.Time
	sleep func(d time.Duration, stop <-chan struct{})

	start   time.Time     // when position 0 was due; zero: nothing was played
	base    time.Duration // the position at which the file began
	elapsed time.Duration // playing time of the file so far
	bytes   int64         // bytes of the file so far
}

// position is the position of the next audio.
func (p *pace) position() time.Duration {
	return p.base + max(p.elapsed, time.Duration(p.bytes)*minByteTime)
}

// add notes audio that is sent.
func (p *pace) add(lasts time.Duration, bytes int) {
	p.elapsed += lasts
	p.bytes += int64(bytes)
}

// endFile notes that the next audio is from another file.
func (p *pace) endFile() {
	p.base += max(p.position()-p.base, minFileTime)
	p.elapsed, p.bytes = 0, 0
}

// wait waits until the next audio is to be sent, or stop is closed.
func (p *pace) wait(stop <-chan struct{}) {
	now := p.now()
	if behind := now.Sub(p.start) - p.position(); p.start.IsZero() || behind > maxLag {
		p.start = now.Add(-p.position())
	}
	if early := p.position() - headStart - now.Sub(p.start); early > 0 {
		p.sleep(early, stop)
	}
}

// sleep returns after d, or when stop is closed.
func sleep(d time.Duration, stop <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	}
}
