package streaming

import (
	"bytes"
	"hash/maphash"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// A relay that lost its upstream finds it again a little later, and is sent first
// what every new listener is: the last seconds. Those who listen here have heard
// most of that. So the units are held back until those come that the log ends with,
// and the stream goes on after them: a gap that is shorter than the upstream's burst
// is none.
const (
	tailUnits = 4                      // in a row, of which no two are alike, are no coincidence
	holdTime  = 250 * time.Millisecond // a burst comes faster than it lasts; what does not is new
	holdMost  = 10 * time.Second
	holdBytes = 2 << 20
)

var tailSeed = maphash.MakeSeed()

// tail is how the log of a relay's mount ends.
type tail struct {
	sums [tailUnits]uint64 // of the last units, the newest last
	n    int               // how many there are
	init *format.Init      // of the newest
}

func (t *tail) push(u format.Unit) {
	copy(t.sums[:], t.sums[1:])
	t.sums[tailUnits-1] = maphash.Bytes(tailSeed, u.Data)
	t.n = min(t.n+1, tailUnits)
	t.init = u.Init
}

// isDistinct tells whether the end can be told from other places: silence can't.
func (t *tail) isDistinct() bool {
	for i, sum := range t.sums {
		if slices.Contains(t.sums[:i], sum) {
			return false
		}
	}
	return t.n == tailUnits
}

// resumption looks where a stream goes on after the tail of a log.
type resumption struct {
	want  tail
	seen  tail
	held  []format.Unit
	size  int
	began time.Time

	window time.Time     // when the last holdTime began
	lasts  time.Duration // what has come since then lasts
}

// found is what a resumption made of a unit.
type found uint8

const (
	held       found = iota // it may have been heard
	resumed                 // it is the last that was heard
	anotherOne              // it is none of those that were, and so all that is held
)

// look holds a unit back, or knows where it belongs.
func (r *resumption) look(u format.Unit, now time.Time) found {
	if r.began.IsZero() {
		r.began, r.window = now, now
	}
	r.lasts += u.Duration
	r.seen.push(u)
	if r.seen.n == tailUnits && r.seen.sums == r.want.sums {
		return resumed
	}
	u.Data = bytes.Clone(u.Data)
	r.held = append(r.held, u)
	r.size += len(u.Data)
	if now.Sub(r.began) > holdMost || r.size > holdBytes || r.isLive(now) {
		return anotherOne
	}
	return held
}

// overlap returns how many units at the beginning of what is held are the last of those that
// were heard.
func (r *resumption) overlap() int {
	for n := min(tailUnits, len(r.held)); n > 0; n-- {
		same := true
		for i, u := range r.held[:n] {
			same = same && maphash.Bytes(tailSeed, u.Data) == r.want.sums[tailUnits-n+i]
		}
		if same {
			return n
		}
	}
	return 0
}

// isLive tells whether units come no faster than they last.
func (r *resumption) isLive(now time.Time) bool {
	elapsed := now.Sub(r.window)
	if elapsed < holdTime {
		return false
	}
	live := r.lasts < elapsed*3/2
	r.window, r.lasts = now, 0
	return live
}

// resume holds back what listeners may have heard already.
func (s *Source) resume(f format.Framer, u format.Unit) {
	r := s.resumption
	switch r.look(u, time.Now()) {
	case resumed:
		s.resumption = nil
		r.held = append(r.held, u)
		s.adoptInit(r)
		s.Mount().tail.init = s.replaceInit(u).Init
		s.sounds()
	case anotherOne:
		s.beginAnew(f)
	case held:
	}
}

// beginAnew gives up looking: what has come is another stream, or too much was missed.
func (s *Source) beginAnew(f format.Framer) {
	r := s.resumption
	s.resumption = nil
	m := s.Mount()
	held := r.held
	if n := r.overlap(); n > 0 { // fewer units than tell for certain, but at the very place
		held = held[n:]
		s.adoptInit(r)
	} else {
		if !s.titled {
			m.meta.Store(noMetadata) // that was what the other one said
		}
		m.log.cut(m.meta.Load())
	}
	for _, u := range held {
		s.add(f, u)
	}
}

// adoptInit makes the new stream's init the one that listeners have, if it is the same.
func (s *Source) adoptInit(r *resumption) {
	last := r.held[len(r.held)-1].Init
	if old := r.want.init; old != nil && last != nil && slices.Equal(old.Data, last.Data) {
		s.same, s.as = last, old
	}
}

// replaceInit lets a stream that goes on keep the init that its listeners have.
func (s *Source) replaceInit(u format.Unit) format.Unit {
	if s.same != nil && u.Init == s.same {
		u.Init = s.as
	}
	return u
}
