package sources

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// follower is a listener that shows its last frame.
type follower struct {
	*harness.Listener
	at atomic.Uint64 // the last frame that it has heard
}

// follow listens over HTTP/1.0, in which no proxy makes chunks of the stream.
func follow(s *harness.Server, path string) *follower {
	s.T.Helper()
	f := new(follower)
	ready := make(chan struct{})
	f.Listener = s.Open(path, harness.HTTP10, false, func(body io.Reader) {
		<-ready
		defer close(f.Done)
		_, f.Err = io.CopyBuffer(struct{ io.Writer }{f}, body, make([]byte, 4096))
	})
	close(ready)
	return f
}

// Write checks what was heard.
func (f *follower) Write(p []byte) (int, error) {
	n, err := f.Checker.Write(p)
	f.at.Store(f.Checker.Last)
	return n, err
}

// hears waits until it has heard a frame.
func (f *follower) hears(frame uint64) {
	f.T.Helper()
	harness.Eventually(f.T, fmt.Sprintf("frame %d is heard", frame), func() error {
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
	live := s.Source("/m")
	live.Send(40)
	s.WaitForMount("/m")
	l := follow(s, "/m")
	other := s.Source("/other")
	other.Next.Store(harness.SourceSpan)
	other.Send(40)
	s.WaitForMount("/other")
	ways := []func() io.Writer{
		func() io.Writer { return s.Source("/m").Out },
		func() io.Writer {
			conn := harness.At(t, upper).Dial(false)
			_, _ = io.WriteString(conn, "hackme\r\n\r\n")
			harness.Expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
			return conn
		},
		func() io.Writer {
			conn := s.Dial(false)
			resp, _ := harness.SendHead(t, conn, "PUT /m HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			return conn
		},
	}
	for range 3 {
		for _, way := range ways {
			out := way()
			other.Send(10)
			next := &harness.Source{T: t, Out: out}
			next.Next.Store(live.Next.Load())
			next.Send(40)
			live = next
			l.hears(live.Next.Load() - 1)
		}
	}
	last := live.Next.Load() - 1
	other.Finish()
	s.WaitUntilGone("/other")
	if c, ok := live.Out.(io.Closer); ok {
		_ = c.Close()
	}
	if c := l.WaitForEnd(); c.Last != last || c.Rest() != 0 {
		t.Errorf("heard to %d and %d bytes, want to %d", c.Last, c.Rest(), last)
	}
}

// GStreamer tells its title twelve times, each time without credentials and then
// with them, the first time before it has sent any sound. It is one title.
func TestABurstOfTitlesIsOneTitle(t *testing.T) {
	s := harness.Start(t, harness.Station)
	conn := s.Dial(false)
	resp, _ := harness.SendHead(t, conn, "PUT /m HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	tell := func(song string) {
		for _, c := range []struct {
			login  string
			status int
		}{{"", http.StatusUnauthorized}, {harness.BasicAuth("source", "hackme"), http.StatusOK}} {
			conn := s.Dial(false)
			resp, _ := harness.SendHead(t, conn, "GET /admin/metadata?mode=updinfo&charset=UTF-8&mount=%2fm&song="+song+" HTTP/1.1\r\nHost: x\r\n"+c.login+"\r\n")
			if resp.StatusCode != c.status {
				t.Errorf("answered %s, want %d", resp.Status, c.status)
			}
			_ = conn.Close()
		}
	}
	for range 4 {
		tell("Unknown%20%2d%20Unknown")
	}
	src := &harness.Source{T: t, Out: conn}
	src.Send(40)
	l := s.Listen("/m", harness.HTTP1Metadata, false)
	for range 8 {
		tell("Unknown%20%2d%20Unknown")
		src.Send(40)
	}
	tell("Known")
	src.Send(80)
	_ = conn.Close()
	l.WaitForEnd()
	if !slices.Equal(l.Titles, []string{"Unknown - Unknown", "Known"}) {
		t.Errorf("the titles are %q", l.Titles)
	}
}
