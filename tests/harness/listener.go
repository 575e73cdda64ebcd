package harness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/icy"
)

// Kind is a protocol of listeners.
type Kind string

const (
	HTTP10             Kind = "HTTP/1.0"
	HTTP1              Kind = "HTTP/1.1"
	HTTP1Metadata      Kind = "HTTP/1.1 with metadata"
	HTTP1Wired         Kind = "HTTP/1.1 over TLS over a wire"
	HTTP1WiredMetadata Kind = "HTTP/1.1 with metadata over TLS over a wire"
	HTTP2              Kind = "HTTP/2"
	HTTP3              Kind = "HTTP/3"
)

// TakesMetadata reports whether such a listener asks for titles in the stream.
func (k Kind) TakesMetadata() bool { return k == HTTP1Metadata || k == HTTP1WiredMetadata }

// Way is a kind of listener, over TLS or plain HTTP.
type Way struct {
	Kind
	Encrypted bool
}

// Ways are all ways to listen.
var Ways = []Way{
	{HTTP10, false},
	{HTTP1, false},
	{HTTP1Metadata, false},
	{HTTP10, true},
	{HTTP1, true},
	{HTTP1Metadata, true},
	{HTTP1Wired, true},
	{HTTP1WiredMetadata, true},
	{HTTP2, true},
	{HTTP3, true},
}

// Listener receives numbered frames until its stream ends.
type Listener struct {
	T      testing.TB
	Kind   Kind
	Header http.Header
	status int
	Proto  string
	Titles []string
	Done   chan struct{}
	Conn   net.Conn // of HTTP/1

	Checker  numbered.Checker
	received atomic.Int64 // bytes that went through it

	HeardFrame   atomic.Uint64 // number of the last frame
	at           atomic.Int64  // when something was last read, in Unix nanoseconds
	LongestPause atomic.Int64  // pause between two reads, in nanoseconds, since it was last taken

	Err  error // why it stopped hearing; nil: the stream ended
	Stop func()
}

// Listen requests a mount, reads the head of the response, and receives in the background.
// The response must be 200.
func (s *Server) Listen(path string, k Kind, encrypted bool) *Listener {
	s.T.Helper()
	return s.listen(path, k, encrypted, 0)
}

// ListenToSources is Listen to numbered sources, of which one may follow another.
func (s *Server) ListenToSources(path string, k Kind, encrypted bool) *Listener {
	s.T.Helper()
	return s.listen(path, k, encrypted, SourceSpan)
}

func (s *Server) listen(path string, k Kind, encrypted bool, span uint64) *Listener {
	s.T.Helper()
	var l *Listener
	ready := make(chan struct{})
	l = s.Open(path, k, encrypted, func(body io.Reader) {
		<-ready
		l.Hear(body)
	})
	l.Checker.Span = span
	close(ready)
	return l
}

// Open requests a mount, reads the head of the response, and runs hear on the body in the
// background.
func (s *Server) Open(path string, k Kind, encrypted bool, hear func(io.Reader)) *Listener {
	s.T.Helper()
	l := &Listener{T: s.T, Kind: k, Done: make(chan struct{}), Stop: func() {}}
	var body io.Reader
	if k == HTTP2 || k == HTTP3 {
		body = s.Request(l, path)
	} else {
		version := "1.1"
		if k == HTTP10 {
			version = "1.0"
		}
		request := "GET " + path + " HTTP/" + version + "\r\nHost: " + s.host() + "\r\nUser-Agent: " + string(k) + "\r\nRange: bytes=0-\r\n"
		if k.TakesMetadata() {
			request += "Icy-MetaData: 1\r\n"
		}
		conn := s.dialFor(k, encrypted)
		l.Conn = conn
		l.Stop = func() { _ = conn.Close() }
		resp, r := SendHead(s.T, conn, request+"\r\n")
		l.Header, l.status, l.Proto = resp.Header, resp.StatusCode, resp.Proto
		body = r
	}
	if l.status != http.StatusOK {
		s.T.Fatalf("%s is answered %d", k, l.status)
	}
	if at, _ := strconv.Atoi(l.Header.Get("icy-metaint")); at > 0 {
		body = icy.NewReader(body, at, func(title, _ string, _ []icy.Field) { l.Titles = append(l.Titles, title) })
	}
	go hear(body)
	return l
}

// dialFor connects to the site for a kind of listener.
func (s *Server) dialFor(k Kind, encrypted bool) net.Conn {
	s.T.Helper()
	address := s.TLS
	if s.Wired != "" && (k == HTTP1Wired || k == HTTP1WiredMetadata) {
		address = s.Wired
	}
	// A connection that is opened and not used keeps a server from ending for
	// five seconds, so there is none.
	var conn net.Conn
	var err error
	if encrypted {
		conn, err = tls.Dial("tcp", address, s.TLSConfig("http/1.1"))
	} else {
		conn, err = net.Dial("tcp", s.Plain)
	}
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Minute))
	return conn
}

// Request requests a mount over HTTP/2 or 3, over a connection of its own.
func (s *Server) Request(l *Listener, path string) io.Reader {
	s.T.Helper()
	var transport http.RoundTripper
	if l.Kind == HTTP2 {
		tr := s.HTTP2Transport()
		l.Stop = tr.CloseIdleConnections
		transport = tr
	} else {
		tr := &http3.Transport{TLSClientConfig: s.TLSConfig()}
		l.Stop = func() { _ = tr.Close() }
		transport = tr
	}
	req, err := http.NewRequest(http.MethodGet, "https://"+s.TLS+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	req.Host = s.host()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		s.T.Fatalf("%s: %v", l.Kind, err)
	}
	stop := l.Stop
	l.Stop = func() { _ = resp.Body.Close(); stop() }
	s.T.Cleanup(l.Stop)
	l.Header, l.status, l.Proto = resp.Header, resp.StatusCode, resp.Proto
	return resp.Body
}

// HTTP2Transport returns a transport that speaks HTTP/2 alone.
func (s *Server) HTTP2Transport() *http.Transport {
	tr := &http.Transport{TLSClientConfig: s.TLSConfig("h2"), Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP2(true)
	return tr
}

// Hear receives until the stream ends.
func (l *Listener) Hear(body io.Reader) {
	defer close(l.Done)
	_, err := io.CopyBuffer(struct{ io.Writer }{(*checkedWriter)(l)}, body, make([]byte, 4096))
	if err != nil && !errors.Is(err, io.EOF) {
		l.Err = err
	}
}

// checkedWriter is a listener as the writer that checks, and counts, what it hears.
type checkedWriter Listener

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Checker.Write(p)
	w.received.Add(int64(n))
	w.HeardFrame.Store(w.Checker.Last)
	(*Listener)(w).noteRead()
	return n, err
}

// noteRead measures the pause since something was last read.
func (l *Listener) noteRead() {
	now := time.Now().UnixNano()
	before := l.at.Swap(now)
	if before == 0 {
		return
	}
	for longest := l.LongestPause.Load(); now-before > longest; longest = l.LongestPause.Load() {
		if l.LongestPause.CompareAndSwap(longest, now-before) {
			return
		}
	}
}

// WaitForBytes waits until the listener has received so many bytes of sound.
func (l *Listener) WaitForBytes(n int64) {
	l.T.Helper()
	Eventually(l.T, fmt.Sprintf("a listener by %s receives %d bytes", l.Kind, n), func() error {
		if got := l.received.Load(); got < n {
			select {
			case <-l.Done:
				return fmt.Errorf("it has %d, and ended after frame %d: %w", got, l.Checker.Last, l.Err)
			default:
				return fmt.Errorf("it has %d", got)
			}
		}
		return nil
	})
}

// WaitForMoreBytes waits until each of some listeners has received so many bytes more.
func WaitForMoreBytes(listeners []*Listener, n int64) {
	targets := make([]int64, len(listeners))
	for i, l := range listeners {
		targets[i] = l.received.Load() + n
	}
	for i, l := range listeners {
		l.T.Helper()
		l.WaitForBytes(targets[i])
	}
}

// WaitForEnd waits until the stream ends, and checks that it ended without an error.
func (l *Listener) WaitForEnd() *numbered.Checker {
	l.T.Helper()
	select {
	case <-l.Done:
	case <-time.After(3 * Patience):
		l.T.Fatalf("the stream of a listener by %s does not end", l.Kind)
	}
	l.Stop()
	if l.Err != nil {
		l.T.Errorf("by %s: after frame %d: %v", l.Kind, l.Checker.Last, l.Err)
	}
	return &l.Checker
}
