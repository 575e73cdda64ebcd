package format

import "time"

// MaxUnit is the maximum length of a unit in bytes. Given this many bytes, a framer
// always consumes some of them.
const MaxUnit = 64 << 10

// MaxInit is the maximum length of an init in bytes.
const MaxInit = 1 << 20

// Init holds the headers that a decoder needs before the units that name it: Ogg's
// header pages, FLAC's metadata blocks, WebM's tracks. It is immutable; a stream that
// restarts has another Init.
type Init struct {
	Data []byte

	// Comments are the stream's artist and title, nil if it has neither.
	Comments *Comments

	// Once reports whether players accept only one init: one that follows in the same
	// stream ends playback. All inits of one Kind then serve for the same units.
	Once bool
}

// IsDue reports whether a decoder needs i before units that name it. before is the init
// that the decoder has, nil for none.
func (i *Init) IsDue(before *Init) bool {
	return i != nil && i != before && (!i.Once || before == nil || !before.Once)
}

// Size returns the length of the data; 0 for nil.
func (i *Init) Size() int {
	if i == nil {
		return 0
	}
	return len(i.Data)
}

// Comments are the tags of a stream, unchanged: not cleaned, and in UTF-8 unless the
// encoder erred.
type Comments struct {
	Artist string
	Title  string
}

// Unit is one indivisible piece of a stream.
type Unit struct {
	// Data is the unit. It is valid until the next call of the framer. Nil means
	// that the consumed bytes are not part of any unit.
	Data []byte

	// Start reports whether a decoder that has the Init can start here. Tags and
	// the Xing frame, which describes a whole file, are carried but are no start.
	Start bool

	// More reports whether the next unit continues this one. A listener must not
	// move to another stream between them.
	More bool

	// Duration is the playing time of the unit; zero if unknown.
	Duration time.Duration

	// Init must be sent before this unit, unless it is nil. It is not part of any
	// unit's data.
	Init *Init
}

// Framer splits a byte stream into units. It is not safe for concurrent use.
type Framer interface {
	// Next reads the bytes that are not consumed yet. It returns the number of
	// bytes consumed and the unit in them, if there is one. n == 0 without a unit
	// asks for more bytes; the next buf must then begin with the same ones. final
	// reports that no more bytes follow; Next then consumes at least one if there
	// are any.
	Next(buf []byte, final bool) (n int, u Unit)

	// Type returns the content type of the units, or "" while it is unknown.
	// A known type does not change.
	Type() string
}

// Retitler is a framer that can change the title of its stream: between two units it
// ends the stream and starts another with new comments. Retitle reports whether the
// stream supports that. It is called between calls of Next.
type Retitler interface {
	Framer
	Retitle(c Comments) bool
}

// Numberer is a framer of a format whose units are numbered by their samples. Streams that
// follow each other have numbers that go on. Both methods are called between calls of Next.
type Numberer interface {
	Framer

	// Continue makes the numbers of a new framer begin after that many samples. Without
	// it they begin as they come.
	Continue(samples uint64)

	// Samples returns the number of samples up to the end of the last unit, 0 if the
	// format has no numbers.
	Samples() uint64
}
