package blocklog

import (
	"bytes"
	"hash/maphash"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// A relay that lost its upstream finds it again a little later, and receives first what
// every new listener does: the last seconds. The listeners here have heard most of that.
// So the units are held back until the last ones of the log come again, and the stream
// continues after them: a gap that is shorter than the upstream's burst is inaudible.
const (
	holdTime  = 250 * time.Millisecond // a burst comes faster than it sounds; slower units are new
	holdMost  = 10 * time.Second
	holdBytes = 2 << 20
)

// Resumption looks for the place where a stream continues after the ending of a log. It
// is for one goroutine.
type Resumption struct {
	want  Ending
	seen  Ending
	held  []format.Unit
	size  int
	began time.Time

	window time.Time     // when the last holdTime began
	lasts  time.Duration // what has come since then lasts
}

// Match is what a resumption found about a unit.
type Match uint8

// The matches.
const (
	Undecided Match = iota // the unit is held back: it may have been heard
	Resumed                // it is the last that was heard
	Different              // neither it nor any unit that is held was heard
)

// NewResumption returns a resumption of a log that ends in a distinct way.
func NewResumption(want Ending) *Resumption { return &Resumption{want: want} }

// Look compares a unit that came at a time. The unit is held, with a copy of its data.
func (r *Resumption) Look(u format.Unit, now time.Time) Match {
	if r.began.IsZero() {
		r.began, r.window = now, now
	}
	r.lasts += u.Duration
	r.seen.Push(u)
	resumed := r.seen.n == endingUnits && r.seen.sums == r.want.sums
	if !resumed {
		u.Data = bytes.Clone(u.Data)
	}
	r.held = append(r.held, u)
	r.size += len(u.Data)
	switch {
	case resumed:
		return Resumed
	case now.Sub(r.began) > holdMost || r.size > holdBytes || r.isLive(now):
		return Different
	}
	return Undecided
}

// Unheard returns the units that are held and that the log lacks. It reports whether some
// of those before them are the last ones of the log: fewer than are certain, but at the
// very place.
func (r *Resumption) Unheard() (units []format.Unit, continues bool) {
	n := r.overlap()
	return r.held[n:], n > 0
}

// overlap returns how many of the first units that are held are the last ones of the log.
func (r *Resumption) overlap() int {
	for n := min(endingUnits, len(r.held)); n > 0; n-- {
		same := true
		for i, u := range r.held[:n] {
			same = same && maphash.Bytes(endingSeed, u.Data) == r.want.sums[endingUnits-n+i]
		}
		if same {
			return n
		}
	}
	return 0
}

// isLive reports whether units come no faster than they sound.
func (r *Resumption) isLive(now time.Time) bool {
	elapsed := now.Sub(r.window)
	if elapsed < holdTime {
		return false
	}
	live := r.lasts < elapsed*3/2
	r.window, r.lasts = now, 0
	return live
}

// SameInit returns the init of the units that are held and the equal one of the log, which
// its listeners have. It reports false if they differ, or if there is none.
func (r *Resumption) SameInit() (held, have *format.Init, ok bool) {
	last := r.held[len(r.held)-1].Init
	have = r.want.init
	if have == nil || last == nil || !slices.Equal(have.Data, last.Data) {
		return nil, nil, false
	}
	return last, have, true
}
