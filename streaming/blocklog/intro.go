package blocklog

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// MaxIntro bounds the length of an intro in bytes: all of it is in memory.
const MaxIntro = 32 << 20

// Intro is what a listener hears before the stream, from its first frame to its last and
// as fast as it sounds. It does not change, and all listeners share it: each has its
// own place in it.
type Intro struct {
	kind  string // format.Kind
	first *Block // an empty one
	end   uint64
	lasts time.Duration
}

// NewIntro cuts sound of a content type into the units of an intro.
func NewIntro(contentType string, sound []byte) (*Intro, error) {
	if len(sound) > MaxIntro {
		return nil, fmt.Errorf("intro: %d bytes; expected at most %d", len(sound), MaxIntro)
	}
	l, f := New(), format.New(contentType)
	first := l.tail.Load()
	var init *format.Init
	for len(sound) > 0 {
		n, u := f.Next(sound, true)
		if n == 0 && u.Data == nil {
			break
		}
		if sound = sound[n:]; u.Data != nil {
			init = u.Init
			l.Add(u, NoMetadata)
		}
	}
	l.Flush()
	last := l.tail.Load()
	last.more = false // nothing follows it, and no reader has it yet
	if l.at <= 0 {
		return nil, errors.New("intro: no sound of known length; expected a file of " + contentType)
	}
	return &Intro{kind: format.Kind(f.Type(), init), first: first, end: last.End(), lasts: l.at}, nil
}

// Kind returns the format.Kind of the intro.
func (i *Intro) Kind() string { return i.kind }

// Duration returns how long the intro sounds.
func (i *Intro) Duration() time.Duration { return i.lasts }

// Before returns a cursor that begins with the intro and continues with a feed. Its
// owner opens its gate, again and again, by Pace.
func (i *Intro) Before(f *Feed, interval int) Cursor {
	begin := &Feed{intro: i, leave: i.end}
	begin.next.Store(f)
	return Cursor{feed: begin, block: i.first, gate: i.first, seek: true, interval: interval, left: interval}
}

// Paced reports whether the cursor has a gate that Pace is to open.
func (c *Cursor) Paced() bool { return c.gate != nil }

// Pace opens the gate of a cursor up to what sounds before a time, counted from the first
// byte of its intro. What follows the intro is due when the intro is over.
func (c *Cursor) Pace(due time.Duration) {
	for {
		next := c.gate.next.Load()
		switch {
		case next != nil && next.at <= due:
			c.gate = next
			continue
		case next == nil && c.feed.intro != nil && due >= c.feed.intro.lasts:
			c.gate = nil
		}
		return
	}
}
