package streaming

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

const (
	// introAhead is how much earlier than it is due an intro goes out, beyond the time
	// that a byte waits for its turn, and for the round if nothing else is due.
	introAhead = 2 * time.Second

	// introPatience is how much longer than it sounds a listener may take for it.
	introPatience = 30 * time.Second

	// MaxIntro is the length in bytes that no intro exceeds: all of it is in memory.
	MaxIntro = 32 << 20
)

// Intro is what a listener hears before the stream, from its first frame to its last and
// as fast as it sounds. It does not change, and all listeners share it: each has its
// own place in it.
type Intro struct {
	typ   string // family of its content type
	first *Block // an empty one
	end   uint64
	lasts time.Duration
}

// NewIntro cuts sound of a content type into the units of an intro.
func NewIntro(contentType string, sound []byte) (*Intro, error) {
	if len(sound) > MaxIntro {
		return nil, fmt.Errorf("an intro is %d bytes at most", MaxIntro)
	}
	l, f := newLog(), format.New(contentType)
	first := l.tail.Load()
	for len(sound) > 0 {
		n, u := f.Next(sound, true)
		if n == 0 && u.Data == nil {
			break
		}
		if sound = sound[n:]; u.Data != nil {
			l.add(u, noMetadata)
		}
	}
	l.flush()
	last := l.tail.Load()
	last.more = false // nothing follows it, and nobody else knows it yet
	if l.at <= 0 {
		return nil, errors.New("there is no sound in the intro whose length can be told")
	}
	return &Intro{typ: format.Family(f.Type()), first: first, end: last.end(), lasts: l.at}, nil
}

// Type returns the family of the content type.
func (i *Intro) Type() string { return i.typ }

// before returns a cursor that begins with the intro and goes on with a feed.
func (i *Intro) before(f *feed, interval int) cursor {
	begin := &feed{intro: i, leave: i.end}
	begin.next.Store(f)
	return cursor{feed: begin, block: i.first, gate: i.first, seek: true, interval: interval, left: interval}
}

// introduce opens a listener's gate up to what is due of its intro. What comes after it is
// due when the intro is. The cursor's owner calls it.
func (l *Listener) introduce(now time.Time, latency time.Duration) {
	due := now.Sub(l.Since) + introAhead + latency
	for {
		next := l.gate.next.Load()
		switch {
		case next != nil && next.at <= due:
			l.gate = next
			continue
		case next == nil && l.cursor.feed.intro != nil && due >= l.cursor.feed.intro.lasts:
			l.gate = nil
		}
		return
	}
}
