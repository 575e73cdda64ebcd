package format

import "time"

// MaxUnit is the length in bytes that no unit exceeds. A framer that is shown
// this many bytes always consumes some of them.
const MaxUnit = 64 << 10

// Unit is one piece of a stream that must not be cut.
type Unit struct {
	// Data is a part of the buffer given to Next; copy it to keep it. Nil
	// says that the bytes consumed were not part of any unit.
	Data []byte

	// Start tells that a decoder may begin here. Tags and the Xing frame,
	// which describes a whole file, are carried but nobody starts there.
	Start bool

	// Duration is how long the unit sounds; zero if that is unknown.
	Duration time.Duration
}

// Framer cuts a byte stream into units. It is not safe for concurrent use.
type Framer interface {
	// Next looks at the bytes that have not been consumed yet and returns how
	// many of them it consumes and the unit that they hold, if they hold one.
	// A unit's data are always the last bytes consumed. n == 0 asks for more
	// bytes, and buf must begin with the same ones then. final says that there
	// will be no more, and that some must be consumed if there are any.
	Next(buf []byte, final bool) (n int, u Unit)

	// Type returns the content type of the units, or "" while it is unknown.
	// Once known it does not change.
	Type() string
}
