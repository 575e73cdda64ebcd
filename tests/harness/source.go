package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/internal/numbered"
)

// newSource is a source that the server has connected to a mount.
func (s *Server) newSource(path string, out io.WriteCloser) *Source {
	return &Source{T: s.T, Out: out, Finish: func() { _ = out.Close() }, await: func() { s.T.Helper(); s.waitForSource(path) }}
}

// waitForSource waits until a mount plays its own source, which the admin API shows of
// hidden mounts too. Of icecast2, which has none, and of servers of which the test knows
// no admin API, it can't be seen.
func (s *Server) waitForSource(path string) {
	s.T.Helper()
	if s.AdminAddress == "" {
		return
	}
	query := url.Values{"mount": {path}}
	if s.station != "" {
		query.Set("station", s.station)
	}
	Eventually(s.T, path+" plays its source", func() error {
		resp, err := http.Get("http://" + s.AdminAddress + "/icecast/mounts?" + query.Encode())
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var mounts []struct{ State string }
		if err := json.NewDecoder(resp.Body).Decode(&mounts); err != nil {
			return err
		}
		for _, m := range mounts {
			if m.State == "own" {
				return nil
			}
		}
		return fmt.Errorf("it is shown as %v", mounts)
	})
}

// SourceOf connects a source with the credentials of a user.
func (s *Server) SourceOf(path, user, password string) *Source {
	s.T.Helper()
	conn := s.Dial(false)
	resp, _ := SendHead(s.T, conn, "SOURCE "+path+" HTTP/1.0\r\n"+BasicAuth(user, password)+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	return s.newSource(path, conn)
}

// Source sends numbered frames to wherever a source's bytes go.
type Source struct {
	T      testing.TB
	Out    io.Writer
	Finish func()
	MayEnd bool          // nothing is wrong if the server ends it
	Next   atomic.Uint64 // number of the next frame
	buf    []byte
	await  func() // waits until the server plays the source; nil: no more, or not to be seen
}

// Send sends that many frames, each by itself, as encoders do. The first call returns
// when the server has recognised the stream: listeners who came before would be told
// that there is no source.
func (s *Source) Send(frames int) {
	s.T.Helper()
	for range frames {
		n := s.Next.Load()
		s.buf = numbered.AppendFrame(s.buf[:0], n, time.Now())
		if _, err := s.Out.Write(s.buf); err != nil {
			s.T.Fatalf("sending frame %d: %v", n, err)
		}
		s.Next.Add(1)
	}
	if await := s.await; await != nil {
		s.await = nil
		await()
	}
}

// SendInTime connects a source with sound of a length, and sends that as fast as it plays, but for a lead,
// so that a busy machine keeps no player waiting. end ends the source.
func (s *Server) SendInTime(mount, contentType string, sound []byte, length, lead time.Duration) (end func()) {
	s.T.Helper()
	conn := s.Dial(false)
	resp, _ := SendHead(s.T, conn, "SOURCE "+mount+" HTTP/1.0\r\n"+BasicAuth("source", "hackme")+"Content-Type: "+contentType+"\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source of %s is answered %s", mount, resp.Status)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		began := time.Now()
		for sent := 0; ; {
			to := min(len(sound), int(float64(len(sound))*(time.Since(began)+lead).Seconds()/length.Seconds()))
			if _, err := conn.Write(sound[sent:to]); err != nil {
				return
			}
			sent = to
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	end = sync.OnceFunc(func() {
		close(stop)
		<-done
		_ = conn.Close()
	})
	s.T.Cleanup(end)
	return end
}

// Run sends a frame each interval until stop is closed; done is closed then.
func (s *Source) Run(interval time.Duration, stop <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	over := s.T.Context() // the test may fail before it closes stop
	s.T.Cleanup(func() {
		if c, ok := s.Out.(io.Closer); ok {
			_ = c.Close()
		}
		<-done
	})
	go func() {
		defer close(done)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-stop:
				return
			case <-over.Done():
				return
			}
			n := s.Next.Load()
			s.buf = numbered.AppendFrame(s.buf[:0], n, time.Now())
			if _, err := s.Out.Write(s.buf); err != nil {
				if !s.MayEnd && over.Err() == nil {
					s.T.Errorf("sending frame %d: %v", n, err)
				}
				return
			}
			s.Next.Add(1)
		}
	}()
	return done
}

// Source connects a source of numbered frames by SOURCE, over plain HTTP.
func (s *Server) Source(path string) *Source {
	s.T.Helper()
	conn := s.Dial(false)
	resp, _ := SendHead(s.T, conn, "SOURCE "+path+" HTTP/1.0\r\n"+BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\nice-name: Test\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	return s.newSource(path, conn)
}

// SourceOverTLS connects a source of numbered frames over TLS.
func (s *Server) SourceOverTLS(path string) *Source {
	s.T.Helper()
	conn := s.Dial(true)
	resp, _ := SendHead(s.T, conn, "PUT "+path+" HTTP/1.1\r\nHost: "+s.host()+"\r\n"+BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	return s.newSource(path, conn)
}

// SourceOver connects a source of numbered frames in one of several ways.
func (s *Server) SourceOver(k Kind, path string) *Source {
	s.T.Helper()
	var transport http.RoundTripper
	switch k {
	case HTTP2:
		transport = s.HTTP2Transport()
	case HTTP3:
		tr := &http3.Transport{TLSClientConfig: s.TLSConfig()}
		s.T.Cleanup(func() { _ = tr.Close() })
		transport = tr
	default:
		return s.Source(path)
	}
	body, out := io.Pipe()
	req, err := http.NewRequest(http.MethodPut, "https://"+s.TLS+path, body)
	if err != nil {
		s.T.Fatal(err)
	}
	req.SetBasicAuth("source", "hackme")
	req.Header.Set("Content-Type", "audio/mpeg")
	resp, err := transport.RoundTrip(req) // the answer comes at once
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("answered %s %s", resp.Proto, resp.Status)
	}
	return s.newSource(path, out)
}
