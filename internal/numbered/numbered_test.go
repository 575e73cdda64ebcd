package numbered

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func stream(from, to uint64) []byte {
	var b []byte
	for n := from; n < to; n++ {
		b = AppendFrame(b, n, time.Unix(1, 0))
	}
	return b
}

func TestCheckerAcceptsWholeFramesCutAnywhere(t *testing.T) {
	sent := stream(1000, 1100)
	for _, step := range []int{1, 7, 417, 418, 5000, len(sent)} {
		var c Checker
		for i := 0; i < len(sent); i += step {
			if _, err := c.Write(sent[i:min(i+step, len(sent))]); err != nil {
				t.Fatalf("in steps of %d: %v", step, err)
			}
		}
		if c.Frames != 100 || c.First != 1000 || c.Last != 1099 || c.Rest() != 0 {
			t.Errorf("in steps of %d: %+v", step, c)
		}
	}
}

func TestCheckerFindsEachFault(t *testing.T) {
	whole := stream(5, 10)
	damaged := append([]byte(nil), whole...)
	damaged[600]++
	for name, sent := range map[string][]byte{
		"a missing frame":             append(stream(5, 7), stream(8, 10)...),
		"a repeated frame":            append(stream(5, 7), stream(6, 10)...),
		"a changed byte":              damaged,
		"a missing byte":              append(append([]byte(nil), whole[:500]...), whole[501:]...),
		"a beginning within a frame":  whole[1:],
		"bytes between the frames":    append(append(stream(5, 7), "xyz"...), stream(7, 10)...),
		"other data":                  make([]byte, 1000),
		"a frame cut off by the next": append(stream(5, 6)[:400], stream(6, 10)...),
	} {
		var c Checker
		if _, err := c.Write(sent); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestALaterSourceMayFollowAnyFrame(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []uint64 // two frames of each
		ok      bool
	}{
		"a later one":            {[]uint64{5, 100, 302}, true},
		"from within it":         {[]uint64{5, 150}, true},
		"the same one":           {[]uint64{5, 8}, false},
		"an earlier one":         {[]uint64{105, 7}, false},
		"the same one, repeated": {[]uint64{5, 5}, false},
	} {
		checker := Checker{Span: 100}
		var err error
		for _, n := range c.numbers {
			if _, failed := checker.Write(stream(n, n+2)); failed != nil {
				err = failed
			}
		}
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAFrameHasAnyNumber(t *testing.T) {
	for _, n := range []uint64{0, 1, 255, 1 << 32, 6<<56 | 1<<55, 1<<64 - 1} {
		frame := AppendFrame(nil, n, time.Unix(1, 0))
		if got, ok := Frame(frame); !ok || got != n {
			t.Errorf("%x is read as %x", n, got)
		}
		if got, ok := Number(frame[:Head]); !ok || got != n {
			t.Errorf("%x is read from the head as %x", n, got)
		}
	}
}

// A server waits for the next frame if this one might hold its beginning.
func TestNoFrameHoldsWhatMightBeginAnother(t *testing.T) {
	for n := range uint64(100_000) {
		f := AppendFrame(nil, n, time.Unix(1.8e9, int64(n)*1_000_003))
		if bytes.Count(f, []byte{0xff}) != 1 || bytes.ContainsAny(f[len(f)-2:], "IT") {
			t.Fatalf("frame %d: % x", n, f)
		}
	}
}
