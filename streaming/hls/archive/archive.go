package archive

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
)

// Options are those of an Archive.
type Options struct {
	Folder string        // of this mount alone; it is made
	Length time.Duration // of the list
	Least  uint64        // number of the first discontinuity of another list

	// Show is called with each list, from the goroutine of Run. begins: it is another list than
	// the one before, which was shown with its end.
	Show func(page *hls.Page, begins bool)

	// Report is called when segments begin to be left out, with the cause, and when none was for
	// recoveryTime, with nil. It must not block.
	Report func(error)
}

// errSlow is why segments are left out while the disk does not keep up.
var errSlow = errors.New("the disk is too slow")

const (
	// queued segments wait for the disk at most.
	queued = 8

	// recoveryTime is how long nothing must fail until all is well again.
	recoveryTime = time.Minute
)

// Archive stores the segments of a mount. Add, Keep and Close may be called from one goroutine,
// Run from another.
type Archive struct {
	options Options
	length  atomic.Int64 // of the list, in ns
	queue   chan item
	lost    bool // something was left out since the last Add that fitted; owned by Add

	failedAt atomic.Int64 // when something was last left out, ns since 1970; 0: all is well

	// Owned by Run.
	rewind *hls.Rewind // nil: nothing is stored
	broken bool        // the next segment is a discontinuity
	spans  []*span     // the oldest first
	writer *writer     // of the last span; nil: none is written
	create creator
}

// item is what Run takes next.
type item struct {
	segment *hls.Segment
	kind    hls.Kind
	broken  bool
}

// New returns an archive. Run must be called.
func New(o Options) *Archive {
	a := &Archive{options: o, queue: make(chan item, queued), create: createFile}
	a.Keep(o.Length)
	return a
}

// Add stores a segment, or leaves it out. It never blocks. broken reports whether the segment
// does not follow the one before.
func (a *Archive) Add(s *hls.Segment, k hls.Kind, broken bool) {
	select {
	case a.queue <- item{s, k, broken || a.lost}:
		a.lost = false
	default:
		a.lost = true
		a.fail(errSlow)
	}
}

// Keep changes the length of the list, from the next segment on.
func (a *Archive) Keep(length time.Duration) { a.length.Store(int64(length)) }

// Close makes Run return once it has stored what was added.
func (a *Archive) Close() { close(a.queue) }

// Run shows the list that a process before this one has stored, and stores segments until Close.
func (a *Archive) Run() {
	a.load(time.Now())
	if a.rewind != nil && !a.rewind.IsEmpty() {
		a.options.Show(a.rewind.Page(), true)
	}
	for i := range a.queue {
		a.store(i)
	}
	a.endSpan()
}

// store stores a segment and shows the list.
func (a *Archive) store(i item) {
	if a.rewind == nil || a.rewind.Kind != i.kind {
		if a.rewind != nil && !a.rewind.IsEmpty() {
			a.rewind.End()
			a.options.Show(a.rewind.Page(), false)
		}
		a.endSpan()
		a.rewind = a.rewind.After(i.kind, a.span(), i.segment, a.options.Least)
	}
	begins := a.rewind.IsEmpty()
	a.rewind.Keep(a.span())
	s := *i.segment
	s.Data = nil
	s.Discontinuity = !begins && (s.Discontinuity || i.broken || a.broken)
	if err := a.write(&s, i.segment.Data); err != nil {
		a.endSpan() // its last bytes may be half a segment
		a.broken = true
		a.fail(err)
		return
	}
	a.broken = false
	a.rewind.Add(&s)
	a.removeOld(s.Time)
	a.recover()
	a.options.Show(a.rewind.Page(), begins)
}

// span returns the length of the list.
func (a *Archive) span() time.Duration { return time.Duration(a.length.Load()) }

// fail reports that segments are left out, once.
func (a *Archive) fail(err error) {
	if a.failedAt.Swap(time.Now().UnixNano()) == 0 {
		a.options.Report(fmt.Errorf("storing segments in %s: %w", a.options.Folder, err))
	}
}

// recover reports that all is well again.
func (a *Archive) recover() {
	if at := a.failedAt.Load(); at != 0 && time.Since(time.Unix(0, at)) >= recoveryTime && a.failedAt.CompareAndSwap(at, 0) {
		a.options.Report(nil)
	}
}
