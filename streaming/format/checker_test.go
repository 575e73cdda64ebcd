package format

import (
	"slices"
	"testing"
)

// seen is a unit returned by a framer. A unit in the framer's own memory is placed behind the
// bytes consumed.
type seen struct {
	piece
	own  bool // it does
	more bool
	init int    // which Init it names, counted from 1; 0: none
	sum  uint32 // of its data
}

// drive feeds a framer a stream in reads of the lengths that next returns, and checks the
// contract of Framer. With late, final comes with an empty read, as from most connections, else
// with the last bytes.
func drive(t testing.TB, f Framer, stream []byte, late bool, next func() int) []seen {
	t.Helper()
	c := checker{t: t, f: f}
	lo, hi := 0, 0
	for final := false; !final; {
		final = hi == len(stream)
		hi = min(len(stream), hi+next())
		final = final || !late && hi == len(stream)
		for lo < hi {
			n := c.next(lo, stream[lo:hi], final)
			if n < 0 {
				break
			}
			lo += n
		}
	}
	c.inits.check(t)
	return c.units()
}

// checker calls a framer and checks what it returns.
type checker struct {
	t     testing.TB
	f     Framer
	all   []seen
	last  Unit
	typ   string
	still int // calls in a row in which it gave a unit and consumed nothing
	inits inits
}

// next returns the number of consumed bytes of buf, which begins at lo, and -1 if the framer
// asks for more.
func (c *checker) next(lo int, buf []byte, final bool) int {
	n, u := c.f.Next(buf, final)
	if c.still++; n > 0 || u.Data == nil {
		c.still = 0
	}
	typ := c.f.Type()
	switch {
	case n < 0 || n > len(buf):
		c.t.Fatalf("at %d: consumed %d bytes of %d", lo, n, len(buf))
	case n == 0 && u.Data == nil && (final || len(buf) >= MaxUnit):
		c.t.Fatalf("at %d: asks for more than %d bytes (final: %v)", lo, len(buf), final)
	case c.still > 4:
		c.t.Fatalf("at %d: gives units and consumes nothing", lo)
	case len(u.Data) > MaxUnit || u.Data != nil && len(u.Data) == 0:
		c.t.Fatalf("at %d: a unit of %d bytes", lo, len(u.Data))
	case u.Data == nil && (u.Start || u.More || u.Duration != 0 || u.Init != nil):
		c.t.Fatalf("at %d: no unit, and yet %+v", lo, u)
	case u.Duration < 0 || u.Duration > maxStep:
		c.t.Fatalf("at %d: a unit of %v", lo, u.Duration)
	case c.typ != "" && typ != c.typ || u.Data != nil && typ == "":
		c.t.Fatalf("at %d: the type was %q and is %q", lo, c.typ, typ)
	}
	c.typ, c.last = typ, u
	if u.Data != nil {
		at, own := lo+n, true
		if n > 0 && &u.Data[len(u.Data)-1] == &buf[n-1] {
			at, own = at-len(u.Data), false
		}
		c.all = append(c.all, seen{
			piece: piece{at, len(u.Data), u.Start, u.Duration},
			own:   own, more: u.More, init: c.inits.index(u.Init), sum: crc32(0, u.Data),
		})
	} else if n == 0 {
		return -1
	}
	return n
}

func (c *checker) units() []seen {
	if isOpaque(c.f) {
		return joined(c.all)
	}
	return c.all
}

// inits are the inits named by units, with their checksums at first sight.
type inits struct {
	known []*Init
	sums  []uint32
}

func (i *inits) index(init *Init) int {
	if init == nil {
		return 0
	}
	at := slices.Index(i.known, init)
	if at < 0 {
		at = len(i.known)
		i.known, i.sums = append(i.known, init), append(i.sums, crc32(0, init.Data))
	}
	return at + 1
}

// check checks that no Init was changed or is too long.
func (i *inits) check(t testing.TB) {
	t.Helper()
	for at, init := range i.known {
		if len(init.Data) == 0 || len(init.Data) > MaxInit || crc32(0, init.Data) != i.sums[at] {
			t.Fatalf("init %d was changed, or has %d bytes", at, len(init.Data))
		}
	}
}
