package streaming

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
)

// written is a connection that notes what each write brought.
type written struct {
	net.Conn
	sizes []int
	all   []byte
	err   error
}

func (w *written) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.sizes = append(w.sizes, len(p))
	w.all = append(w.all, p...)
	return len(p), nil
}

// Each write is a record of TLS and a call of the kernel's, which cost 500 listeners three
// quarters of the processor's time when each frame had its own.
func TestWhatIsDueAtOnceIsOneWrite(t *testing.T) {
	for _, c := range []struct {
		name       string
		due, wrote []int
	}{
		{"nothing", nil, nil},
		{"frames of a turn", []int{417, 418, 418}, []int{1253}},
		{"as much as is gathered", []int{maxBuffered - 1, 1}, []int{maxBuffered}},
		{"one byte more", []int{maxBuffered - 1, 2}, []int{maxBuffered - 1, 2}},
		{"a burst", []int{100, maxBuffered, 100}, []int{100, maxBuffered, 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := new(written)
			conn := NetConn(w)
			var all []byte
			for i, size := range c.due {
				p := bytes.Repeat([]byte{byte(i)}, size)
				all = append(all, p...)
				if n, err := conn.Write(p); n != size || err != nil {
					t.Fatal(n, err)
				}
			}
			for range 2 { // the second has nothing to do
				if err := conn.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(w.sizes, c.wrote) || !bytes.Equal(w.all, all) {
				t.Errorf("%v became %v, want %v", c.due, w.sizes, c.wrote)
			}
		})
	}
}

func TestAFlushTellsThatNothingWasWritten(t *testing.T) {
	broken := errors.New("broken")
	conn := NetConn(&written{err: broken})
	if _, err := conn.Write([]byte("frame")); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); !errors.Is(err, broken) {
		t.Errorf("it says %v", err)
	}
}
