package tests

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
)

// follower is a listener who says how far it is.
type follower struct {
	*listener
	at atomic.Uint64 // the last frame that it has heard
}

// follow listens over HTTP/1.0, in which no proxy makes chunks of the stream.
func (s *server) follow(path string) *follower {
	s.t.Helper()
	f := new(follower)
	ready := make(chan struct{})
	f.listener = s.open(path, http10, false, func(body io.Reader) {
		<-ready
		defer close(f.done)
		_, f.err = io.CopyBuffer(struct{ io.Writer }{f}, body, make([]byte, 4096))
	})
	close(ready)
	return f
}

// Write checks what was heard.
func (f *follower) Write(p []byte) (int, error) {
	n, err := f.checker.Write(p)
	f.at.Store(f.checker.Last)
	return n, err
}

// hears waits until it has heard a frame.
func (f *follower) hears(frame uint64) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("frame %d is heard", frame), func() error {
		if at := f.at.Load(); at < frame {
			return fmt.Errorf("it is at %d", at)
		}
		return nil
	})
}

// A source whose connection is as good as dead is replaced by the next that has
// its credentials: listeners hear one frame after the other, and nothing of the
// fallback. So it is whatever the two sources speak.
func TestATakeoverIsNotHeard(t *testing.T) {
	s, upper := startFor(t, wrapped, `icecast {
	source_password hackme
	mount /m {
		takeover
		fallback /other
	}
}`)
	live := s.source("/m")
	live.send(40)
	s.listening("/m")
	l := s.follow("/m")
	other := s.source("/other")
	other.next.Store(sourceSpan)
	other.send(40)
	s.listening("/other")
	ways := []func() io.Writer{
		func() io.Writer { return s.source("/m").out },
		func() io.Writer {
			conn := (&server{t: t, plain: upper}).dial(false)
			_, _ = io.WriteString(conn, "hackme\r\n\r\n")
			expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
			return conn
		},
		func() io.Writer {
			conn := s.dial(false)
			resp, _ := head(t, conn, "PUT /m HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n"+basic("source", "hackme")+"\r\n")
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			return conn
		},
	}
	for range 3 {
		for _, way := range ways {
			out := way()
			other.send(10)
			next := &transmitter{t: t, out: out}
			next.next.Store(live.next.Load())
			next.send(40)
			live = next
			l.hears(live.next.Load() - 1)
		}
	}
	last := live.next.Load() - 1
	other.finish()
	s.gone("/other")
	if c, ok := live.out.(io.Closer); ok {
		_ = c.Close()
	}
	if c := l.toTheEnd(); c.Last != last || c.Rest() != 0 {
		t.Errorf("heard to %d and %d bytes, want to %d", c.Last, c.Rest(), last)
	}
}

// GStreamer tells its title twelve times, each time without credentials and then
// with them, the first time before it has sent any sound. It is one title.
func TestABurstOfTitlesIsOneTitle(t *testing.T) {
	s := start(t, station)
	conn := s.dial(false)
	resp, _ := head(t, conn, "PUT /m HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: audio/mpeg\r\n"+basic("source", "hackme")+"\r\n")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	tell := func(song string) {
		for _, c := range []struct {
			login  string
			status int
		}{{"", http.StatusUnauthorized}, {basic("source", "hackme"), http.StatusOK}} {
			conn := s.dial(false)
			resp, _ := head(t, conn, "GET /admin/metadata?mode=updinfo&charset=UTF-8&mount=%2fm&song="+song+" HTTP/1.1\r\nHost: x\r\n"+c.login+"\r\n")
			if resp.StatusCode != c.status {
				t.Errorf("answered %s, want %d", resp.Status, c.status)
			}
			_ = conn.Close()
		}
	}
	for range 4 {
		tell("Unknown%20%2d%20Unknown")
	}
	src := &transmitter{t: t, out: conn}
	src.send(40)
	l := s.listen("/m", http1ic, false)
	for range 8 {
		tell("Unknown%20%2d%20Unknown")
		src.send(40)
	}
	tell("Known")
	src.send(80)
	_ = conn.Close()
	l.toTheEnd()
	if !slices.Equal(l.titles, []string{"Unknown - Unknown", "Known"}) {
		t.Errorf("the titles are %q", l.titles)
	}
}
