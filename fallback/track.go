package fallback

import (
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// unit is an indivisible piece of output: a unit of a format, or an init.
type unit struct {
	data     []byte // valid until the next unit
	duration time.Duration

	// title is announced with this unit; nil: the title has not changed.
	title *format.Comments
}

// track is a file that is being played. The caller closes the file.
type track struct {
	// Set once.
	path       string
	file       file
	units      *unitReader
	stream     *outputStream
	fixedTitle bool // titles within the file are ignored

	title     *format.Comments // to announce with the next unit; nil: none
	init      *format.Init     // of the last unit
	afterInit format.Unit      // the unit to return after its init
	skip      time.Duration    // remaining time that decoders discard
}

// outputStream is the state of a player's output across files.
type outputStream struct {
	serials serialMap
}

// next returns the next unit, and io.EOF at the end of the file.
func (t *track) next() (unit, error) {
	if u := t.afterInit; u.Data != nil {
		t.afterInit = format.Unit{}
		return t.audio(u), nil
	}
	for {
		u, err := t.units.next()
		if err != nil {
			return unit{}, err
		}
		if u.Init != nil && u.Init != t.init {
			if head := t.nextInit(u.Init); head != nil {
				t.afterInit = u
				return unit{data: head, title: t.takeTitle()}, nil
			}
		}
		if isAudio(u) {
			return t.audio(u), nil
		}
	}
}

// audio returns the output for a unit whose init has been sent.
func (t *track) audio(u format.Unit) unit {
	skipped := min(u.Duration, t.skip)
	t.skip -= skipped
	out := unit{data: u.Data, duration: u.Duration - skipped, title: t.takeTitle()}
	if format.IsOggPage(u.Data) {
		out.data = t.stream.serials.page(u.Data)
	}
	return out
}

// nextInit starts the next stream of the file and returns the headers to send, nil if
// none are needed. A file may hold several streams in a row, each with a title.
func (t *track) nextInit(i *format.Init) []byte {
	t.init = i
	if !t.fixedTitle && i.Comments != nil && i.Comments.Title != "" {
		t.title = i.Comments
	}
	if format.IsOggPage(i.Data) {
		t.skip = i.PreSkip() // else it would add up in a short loop
		return t.stream.serials.link(i.Data)
	}
	return i.Data
}

// takeTitle returns the title to announce, once.
func (t *track) takeTitle() *format.Comments {
	title := t.title
	t.title = nil
	return title
}
