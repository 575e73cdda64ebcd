package format

import "time"

// MaxUnit is the length in bytes that no unit exceeds. A framer that is shown
// this many bytes always consumes some of them.
const MaxUnit = 64 << 10

// MaxInit is the length in bytes that no init exceeds.
const MaxInit = 1 << 20

// Init is what a decoder must have been given before it understands the units
// that name it: Ogg's header pages, FLAC's metadata blocks, WebM's tracks. It
// never changes; a stream that begins anew has another Init.
type Init struct {
	Data []byte

	// Comments are what the stream says of itself, nil if it says nothing.
	Comments *Comments
}

// Size returns the length of the data, 0 if there is no init.
func (i *Init) Size() int {
	if i == nil {
		return 0
	}
	return len(i.Data)
}

// Comments are the tags of a stream, as they stand there: not cleaned, in UTF-8
// unless the encoder erred.
type Comments struct {
	Artist string
	Title  string
}

// Unit is one piece of a stream that must not be cut.
type Unit struct {
	// Data is the unit, in memory that is good until the next call of the
	// framer. Nil says that the bytes consumed were not part of any unit.
	Data []byte

	// Start tells that a decoder that has the Init may begin here. Tags and the
	// Xing frame, which describes a whole file, are carried but nobody starts
	// there.
	Start bool

	// More tells that the next unit goes on with what this one began, so that
	// a listener must not be moved to another stream between them.
	More bool

	// Duration is how long the unit sounds; zero if that is unknown.
	Duration time.Duration

	// Init must have been sent before this unit, unless it is nil. It is not a
	// part of any unit's data.
	Init *Init
}

// Framer cuts a byte stream into units. It is not safe for concurrent use.
type Framer interface {
	// Next looks at the bytes that have not been consumed yet and returns how
	// many of them it consumes and the unit that they hold, if they hold one.
	// n == 0 without a unit asks for more bytes, and buf must begin with the
	// same ones then. final says that there will be no more, and that some must
	// be consumed if there are any.
	Next(buf []byte, final bool) (n int, u Unit)

	// Type returns the content type of the units, or "" while it is unknown.
	// Once known it does not change.
	Type() string
}

// Retitler is a framer that can make its stream say another title: it ends the
// stream and begins it anew with other comments, between two units. Retitle
// reports false if the stream can't; it is called between calls of Next.
type Retitler interface {
	Framer
	Retitle(c Comments) bool
}
