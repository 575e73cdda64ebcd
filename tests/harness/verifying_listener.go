package harness

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
)

// VerifyingListener is a listener that keeps what it receives, and shows which source that is
// from.
type VerifyingListener struct {
	*Listener
	HeardSource atomic.Uint64 // id of the source of the last frame; other for frames that are not numbered
	Stream      bytes.Buffer
	Ended       chan error
}

// OtherSource is the source of frames that are not numbered.
const OtherSource = 1 << 20

// ListenVerifying listens to a mount.
func (s *Server) ListenVerifying(path string, k Kind, encrypted bool) *VerifyingListener {
	s.T.Helper()
	w, ready := &VerifyingListener{Ended: make(chan error, 1)}, make(chan struct{})
	w.Listener = s.Open(path, k, encrypted, func(body io.Reader) {
		<-ready
		w.Ended <- w.read(body)
	})
	close(ready)
	return w
}

// read receives and keeps the stream until it ends.
func (w *VerifyingListener) read(body io.Reader) error {
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		w.noteRead()
		w.Stream.Write(buf[:n])
		w.identify(w.Stream.Bytes())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// identify finds the source of the last frame.
func (w *VerifyingListener) identify(stream []byte) {
	tail := stream[max(0, len(stream)-3*numbered.MaxFrame):]
	for i := len(tail) - numbered.MaxFrame; i >= 0; i-- {
		if tail[i] != 0xff || tail[i+1]&0xe0 != 0xe0 {
			continue
		}
		for _, size := range []int{numbered.MaxFrame, numbered.MaxFrame - 1} {
			if n, ok := numbered.Frame(tail[i : i+size]); ok {
				w.HeardSource.Store(n / SourceSpan)
				w.HeardFrame.Store(n)
				return
			}
		}
	}
	if len(tail) == 3*numbered.MaxFrame {
		w.HeardSource.Store(OtherSource)
	}
}

// Check checks all that was received: whole frames, and those of each source in order, without
// a gap but where the listener was elsewhere.
func (w *VerifyingListener) Check(t testing.TB) {
	t.Helper()
	last := make(map[uint64]uint64)
	before := uint64(OtherSource)
	var stretches strings.Builder // what was heard one after the other
	for i, f := range Frames(t, w.Stream.Bytes(), numbered.ContentType) {
		n, ok := numbered.Frame(f)
		id := n / SourceSpan
		if !ok {
			id = OtherSource
		}
		if prev, known := last[id]; ok && known && (n <= prev || id == before && n != prev+1) {
			t.Fatalf("%s: frame %d is %d of source %d, after %d; before that:%s", w.Kind, i, n%SourceSpan, id, prev%SourceSpan, stretches.String())
		}
		if id != before {
			fmt.Fprintf(&stretches, " source %d from %d on,", id, n%SourceSpan)
		}
		if ok {
			last[id] = n
		}
		before = id
	}
}

// WaitForSource waits until all listeners hear a source.
func WaitForSource(t testing.TB, what string, id uint64, all ...*VerifyingListener) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%s: all hear %d", what, id), func() error {
		for _, w := range all {
			if got := w.HeardSource.Load(); got != id {
				return fmt.Errorf("%s hears %d", w.Kind, got)
			}
		}
		return nil
	})
}

// CheckAll ends listeners and checks what they received.
func CheckAll(t testing.TB, all ...*VerifyingListener) {
	t.Helper()
	for _, w := range all {
		select {
		case err := <-w.Ended:
			t.Errorf("%s was disconnected: %v", w.Kind, err)
		default:
			w.Stop()
			<-w.Ended
		}
		w.Check(t)
	}
}
