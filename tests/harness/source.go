package harness

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/internal/numbered"
)

// SourceOf connects a source that comes as somebody.
func (s *Server) SourceOf(path, user, password string) *Source {
	s.T.Helper()
	conn := s.Dial(false)
	resp, _ := SendHead(s.T, conn, "SOURCE "+path+" HTTP/1.0\r\n"+BasicAuth(user, password)+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	return &Source{T: s.T, Out: conn, Finish: func() { _ = conn.Close() }}
}

// Source sends numbered frames to wherever a source's bytes go.
type Source struct {
	T      testing.TB
	Out    io.Writer
	Finish func()
	MayEnd bool // nothing is wrong if the server ends it
	Next   atomic.Uint64
	buf    []byte
}

// Send sends that many frames, each by itself, as encoders do.
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
}

// Run sends a frame each interval until stop is closed, and says when it is done.
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
	return &Source{T: s.T, Out: conn, Finish: func() { _ = conn.Close() }}
}

// SourceOverTLS connects a source of numbered frames over TLS.
func (s *Server) SourceOverTLS(path string) *Source {
	s.T.Helper()
	conn := s.Dial(true)
	resp, _ := SendHead(s.T, conn, "PUT "+path+" HTTP/1.1\r\nHost: "+s.host()+"\r\n"+BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("the source was answered %s", resp.Status)
	}
	return &Source{T: s.T, Out: conn, Finish: func() { _ = conn.Close() }}
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
	return &Source{T: s.T, Out: out, Finish: func() { _ = out.Close() }}
}
