package tests

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// sourceSpan is how far apart the numbers of frames of different sources are.
const sourceSpan = 1 << 32

// numberedSource is a source on a mount whose frames tell that they are its own.
type numberedSource struct {
	*transmitter
	s    *server
	path string
	id   uint64

	header string // more lines of its request
	mayEnd bool   // the server may end it
	stop   chan struct{}
	done   <-chan struct{}
}

func (s *server) numberedSource(path string, id uint64) *numberedSource {
	n := &numberedSource{s: s, path: path, id: id}
	n.up()
	return n
}

// up connects the source, which sends at the speed of its sound.
func (n *numberedSource) up() {
	n.s.t.Helper()
	var sent uint64
	if n.transmitter != nil {
		sent = n.next.Load() % sourceSpan
	}
	eventually(n.s.t, n.path+" is free", func() error {
		conn := n.s.dial(false)
		resp, _ := head(n.s.t, conn, "SOURCE "+n.path+" HTTP/1.0\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n"+n.header+"\r\n")
		if resp.StatusCode != http.StatusOK {
			_ = conn.Close()
			return fmt.Errorf("answered %s", resp.Status)
		}
		n.transmitter = &transmitter{t: n.s.t, out: conn, mayEnd: n.mayEnd, finish: func() { _ = conn.Close() }}
		return nil
	})
	n.next.Store(n.id*sourceSpan + sent)
	n.stop = make(chan struct{})
	n.send(4)
	n.done = n.run(numbered.Duration, n.stop)
}

// down ends the source in the middle of a frame.
func (n *numberedSource) down() {
	close(n.stop)
	<-n.done
	_, _ = n.out.Write([]byte{0xff, 0xfb, 0x90, 0xc4, 1, 2, 3})
	n.finish()
}

// witness is a listener who says whom it hears.
type witness struct {
	*listener
	heard     atomic.Uint64 // id of the source of the last frame; other for frames that are not numbered
	heardUpTo atomic.Uint64 // number of the last frame
	at        atomic.Int64  // when that was, in Unix nanoseconds
	longest   atomic.Int64  // pause between two reads, in nanoseconds, since it was last taken
	stream    bytes.Buffer
	ended     chan error
}

const otherSource = 1 << 20

// witness listens to a mount.
func (s *server) witness(path string, k kind, encrypted bool) *witness {
	s.t.Helper()
	w := &witness{ended: make(chan error, 1)}
	w.listener = s.open(path, k, encrypted, func(body io.Reader) { w.ended <- w.hear(body) })
	return w
}

func (w *witness) hear(body io.Reader) error {
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		now := time.Now().UnixNano()
		if before := w.at.Swap(now); before > 0 {
			for {
				longest := w.longest.Load()
				if now-before <= longest || w.longest.CompareAndSwap(longest, now-before) {
					break
				}
			}
		}
		w.stream.Write(buf[:n])
		w.look(w.stream.Bytes())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// look finds out whose the last frame is.
func (w *witness) look(stream []byte) {
	tail := stream[max(0, len(stream)-3*numbered.MaxFrame):]
	for i := len(tail) - numbered.MaxFrame; i >= 0; i-- {
		if tail[i] != 0xff || tail[i+1]&0xe0 != 0xe0 {
			continue
		}
		for _, size := range []int{numbered.MaxFrame, numbered.MaxFrame - 1} {
			if n, ok := numbered.Frame(tail[i : i+size]); ok {
				w.heard.Store(n / sourceSpan)
				w.heardUpTo.Store(n)
				return
			}
		}
	}
	if len(tail) == 3*numbered.MaxFrame {
		w.heard.Store(otherSource)
	}
}

// verify checks all that was heard: whole frames, and of each source in order,
// without a gap but where the listener was elsewhere.
func (w *witness) verify(t testing.TB) {
	t.Helper()
	last := make(map[uint64]uint64)
	before := uint64(otherSource)
	var stretches strings.Builder // what was heard one after the other
	for i, f := range frames(t, w.stream.Bytes(), numbered.ContentType) {
		n, ok := numbered.Frame(f)
		id := n / sourceSpan
		if !ok {
			id = otherSource
		}
		if prev, known := last[id]; ok && known && (n <= prev || id == before && n != prev+1) {
			t.Fatalf("%s: frame %d is %d of source %d, after %d; before that:%s", w.kind, i, n%sourceSpan, id, prev%sourceSpan, stretches.String())
		}
		if id != before {
			fmt.Fprintf(&stretches, " source %d from %d on,", id, n%sourceSpan)
		}
		if ok {
			last[id] = n
		}
		before = id
	}
}

// describedSource is a source that says all of itself that Icecast tells others.
func (s *server) describedSource(path string, id uint64) *numberedSource {
	s.t.Helper()
	n := &numberedSource{s: s, path: path, id: id, mayEnd: true, header: "ice-name: Name <&>\r\nice-description: Description\r\nice-genre: rock\r\nice-url: http://example.test/\r\n" +
		"ice-bitrate: 64\r\nice-public: 1\r\nice-audio-info: bitrate=64;samplerate=44100;channels=1;quality=3%2e5\r\nUser-Agent: test/1\r\n"}
	n.up()
	return n
}

// abandon ends the source, which the server may have ended already.
func (n *numberedSource) abandon() {
	close(n.stop)
	<-n.done
	n.finish()
}
