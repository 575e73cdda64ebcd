package fallback

import "time"

const (
	// ahead is how much earlier than it is due sound goes out, so that some is
	// there at once and a file that opens slowly is not heard.
	ahead = 300 * time.Millisecond

	// atOnce is how much sound is handed out together: a turn for each frame
	// would cost more than the frame.
	atOnce = 75 * time.Millisecond

	// late is how far behind a player may be and still make up for it. Beyond
	// that, nobody waits for what was missed.
	late = 2 * time.Second

	// leastFile and leastByte are the least times that a file and a byte of it
	// are given: whatever they claim, files don't come faster than ten a second,
	// nor bytes faster than 4 MB/s, which is more than any sound needs.
	leastFile = 100 * time.Millisecond
	leastByte = 250 * time.Nanosecond
)

// pace tells when sound is due. Positions are times since the player began to
// play; they are sums of what frames last, so that nothing drifts.
type pace struct {
	// Set once.
	now   func() time.Time
	sleep func(d time.Duration, stop <-chan struct{})

	start time.Time     // when position 0 was due; zero: nothing has been played
	base  time.Duration // the position at which the file began
	sound time.Duration // of it so far
	bytes int64         // of it so far
}

// position is where the next sound is.
func (p *pace) position() time.Duration {
	return p.base + max(p.sound, time.Duration(p.bytes)*leastByte)
}

// add notes that sound goes out.
func (p *pace) add(lasts time.Duration, bytes int) {
	p.sound += lasts
	p.bytes += int64(bytes)
}

// endFile notes that the next sound is another file's.
func (p *pace) endFile() {
	p.base += max(p.position()-p.base, leastFile)
	p.sound, p.bytes = 0, 0
}

// wait waits until the next sound is to go out, or stop is closed.
func (p *pace) wait(stop <-chan struct{}) {
	now := p.now()
	if behind := now.Sub(p.start) - p.position(); p.start.IsZero() || behind > late {
		p.start = now.Add(-p.position())
	}
	if early := p.position() - ahead - now.Sub(p.start); early > 0 {
		p.sleep(early, stop)
	}
}

// sleep returns after a time, or when stop is closed.
func sleep(d time.Duration, stop <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	}
}
