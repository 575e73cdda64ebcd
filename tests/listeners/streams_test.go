package listeners

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/tests/harness"
)

// streams is a connection of HTTP/2 or 3, over which any number may listen at once.
type streams struct {
	s       *harness.Server
	kind    harness.Kind
	client  http.Client
	dialed  atomic.Int32
	windows int // bytes that each stream takes before they are read
}

// newStreams makes a connection once the first stream asks for it.
func newStreams(s *harness.Server, k harness.Kind) *streams {
	c := &streams{s: s, kind: k, windows: 64 << 10}
	c.client.Timeout = 3 * harness.Patience // to the end of each stream
	if k == harness.HTTP3 {
		tr := &http3.Transport{
			TLSClientConfig: s.TLSConfig(),
			QUICConfig:      &quic.Config{InitialStreamReceiveWindow: uint64(c.windows), MaxStreamReceiveWindow: uint64(c.windows)},
			Dial: func(ctx context.Context, addr string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
				c.dialed.Add(1)
				return quic.DialAddr(ctx, addr, t, q)
			},
		}
		s.T.Cleanup(func() { _ = tr.Close() })
		c.client.Transport = tr
		return c
	}
	tr := s.HTTP2Transport()
	tr.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: c.windows}
	tr.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.dialed.Add(1)
		return (&tls.Dialer{Config: tr.TLSClientConfig}).DialContext(ctx, network, addr)
	}
	s.T.Cleanup(tr.CloseIdleConnections)
	c.client.Transport = tr
	return c
}

// get asks for a mount, and reads nothing of its sound.
func (c *streams) get(path string) *http.Response {
	c.s.T.Helper()
	resp, err := c.client.Get("https://" + c.s.TLS + path)
	if err != nil {
		c.s.T.Fatal(err)
	}
	c.s.T.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Incremental") != "?1" {
		c.s.T.Fatalf("answered %s %v", resp.Status, resp.Header)
	}
	return resp
}

// hear hears a mount in the background.
func (c *streams) hear(path string) *harness.Listener {
	c.s.T.Helper()
	l := &harness.Listener{T: c.s.T, Kind: c.kind, Done: make(chan struct{}), Stop: func() {}}
	go l.Hear(c.get(path).Body)
	return l
}

// A stream that is not read is dropped as any listener is, and told from one that has
// ended; the connection and its other streams know nothing of it.
func TestAStalledStreamIsDroppedAndItsConnectionGoesOn(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n queue 128KiB\n burst 16KiB\n }\n}")
	for _, k := range []harness.Kind{harness.HTTP2, harness.HTTP3} {
		t.Run(string(k), func(t *testing.T) {
			s := s.For(t)
			mount := "/" + string(k[len(k)-1])
			src := s.Source(mount)
			src.Send(50)
			c := newStreams(s, k)
			stalled, before := c.get(mount), c.hear(mount)
			stop := make(chan struct{})
			done := src.Run(time.Millisecond, stop)
			s.WaitForLog(map[string]any{"logger": "icecast.access", "mount": mount, "reason": "slow", "proto": string(k) + ".0"})
			after := c.hear(mount)
			if n, err := io.Copy(io.Discard, stalled.Body); err == nil {
				t.Errorf("after %d bytes it seems to be the end of the stream", n)
			} else if n > 2*int64(c.windows) {
				t.Errorf("it was sent %d bytes more than it took", n)
			}
			close(stop)
			<-done
			src.Finish()
			last := src.Next.Load() - 1
			for _, l := range []*harness.Listener{before, after} {
				if c := l.WaitForEnd(); c.Last != last || c.Rest() != 0 {
					t.Errorf("another stream heard %d to %d and %d bytes, want to %d", c.First, c.Last, c.Rest(), last)
				}
			}
			if n := c.dialed.Load(); n != 1 {
				t.Errorf("that took %d connections", n)
			}
		})
	}
}

// deaf is a connection that stops taking bytes on command, as that of a
// phone that is out of reach.
type deaf struct {
	net.Conn
	from, over chan struct{} // closed from when on, and when that is over
}

func (d *deaf) Read(p []byte) (int, error) {
	select {
	case <-d.from:
		<-d.over
		return 0, net.ErrClosed
	default:
		return d.Conn.Read(p)
	}
}

// Not even the reset of its stream reaches a listener over HTTP/2 whose connection takes
// nothing: he kept his place, and all that the mount got from then on.
func TestAListenerWhoseConnectionTakesNothingIsDropped(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n queue 1MiB\n burst 16KiB\n }\n}")
	src := s.Source("/m")
	src.Send(50)
	d := &deaf{from: make(chan struct{}), over: make(chan struct{})}
	defer close(d.over)
	tr := s.HTTP2Transport()
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		_ = c.(*net.TCPConn).SetReadBuffer(4096) // what the streams take is more than all buffers
		d.Conn = c
		return d, nil
	}
	c := &streams{s: s, kind: harness.HTTP2, client: http.Client{Transport: tr}}
	c.get("/m")
	close(d.from)
	stop := make(chan struct{})
	done := src.Run(100*time.Microsecond, stop) // fills all buffers soon, and not faster than he would take it
	sent, times := "", 0
	harness.Eventually(t, "the buffers are full", func() error {
		if now := fmt.Sprint(s.APIList("mounts")[0]["bytes_sent"]); now != sent {
			sent, times = now, 0
		}
		if times++; times < 100 {
			return fmt.Errorf("%s bytes were sent", sent)
		}
		return nil
	})
	s.WaitForLog(map[string]any{"logger": "icecast.access", "mount": "/m", "reason": "slow", "proto": "HTTP/2.0"})
	close(stop)
	<-done
	src.Finish()
}

// With a finite grace_period a reload ends what comes over HTTP/3, as Caddy does with all
// of its HTTP/3, and nothing else.
func TestAFiniteGracePeriodEndsHTTP3Alone(t *testing.T) {
	s := harness.Start(t, harness.Station+"\ngrace_period 500ms")
	src, other := s.SourceOver(harness.HTTP2, "/m"), s.SourceOver(harness.HTTP3, "/h3")
	other.MayEnd = true
	src.Send(50)
	other.Send(50)
	var stay []*harness.Listener
	var ends *harness.Listener
	for _, way := range harness.Ways {
		if l := s.Listen("/m", way.Kind, way.Encrypted); way.Kind == harness.HTTP3 {
			ends = l
		} else {
			stay = append(stay, l)
		}
	}
	stop := make(chan struct{})
	done := src.Run(10*time.Millisecond, stop)
	if err := s.Reload(harness.Station + "\ngrace_period 1s"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ends.Done:
		t.Logf("after frame %d: %v", ends.Checker.Last, ends.Err)
	case <-time.After(harness.Patience):
		t.Error("the one of HTTP/3 is still there: docs/explained/reload.md says otherwise")
	}
	s.WaitUntilGone("/h3")
	again := s.Listen("/m", harness.HTTP3, true)
	close(stop)
	<-done
	src.Finish()
	for _, l := range append(stay, again) {
		if c := l.WaitForEnd(); c.Last != src.Next.Load()-1 || c.Rest() != 0 {
			t.Errorf("by %s: heard to %d and %d bytes", l.Kind, c.Last, c.Rest())
		}
	}
	if n := ends.Checker.Rest(); n != 0 && ends.Err == nil {
		t.Error(fmt.Sprint("it ended in the middle of a frame, with ", n, " bytes"))
	}
}
