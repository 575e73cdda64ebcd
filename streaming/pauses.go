package streaming

import (
	"sync/atomic"
	"time"
)

const (
	// minSilence is the shortest silence after which a source with Pauses is gone.
	minSilence = 3 * time.Second

	// pausesWindow is how long a pause is remembered at least.
	pausesWindow = time.Minute
)

// Pauses are the pauses of a stream that comes from another server, which sends steadily unless
// the link is broken. A source that has them is gone after a silence of three times the
// longest recent pause: at least three seconds, and at most the mount's SourceTimeout. The zero
// value has none. They may outlive a source, but belong to one at a time.
type Pauses struct {
	now, before atomic.Int64 // the longest of this window, and of the one before
	until       time.Time    // the end of this window; Note's
}

// Note notes a pause that has ended. It is called by one goroutine at a time.
func (p *Pauses) Note(pause time.Duration, now time.Time) {
	if !now.Before(p.until) {
		last := p.now.Swap(0)
		if now.Sub(p.until) >= pausesWindow {
			last = 0
		}
		p.before.Store(last)
		p.until = now.Add(pausesWindow)
	}
	if int64(pause) > p.now.Load() {
		p.now.Store(int64(pause))
	}
}

// limit returns the silence after which the source is gone. p may be nil.
func (p *Pauses) limit(timeout time.Duration) time.Duration {
	if p == nil {
		return timeout
	}
	longest := time.Duration(max(p.now.Load(), p.before.Load()))
	return min(timeout, max(minSilence, 3*longest))
}
