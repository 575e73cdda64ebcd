package tests

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/internal/numbered"
)

// basic is a line of a request that carries credentials.
func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}

// transmitter sends numbered frames to wherever a source's bytes go.
type transmitter struct {
	t      testing.TB
	out    io.Writer
	finish func()
	mayEnd bool // nothing is wrong if the server ends it
	next   atomic.Uint64
	buf    []byte
}

// send sends that many frames, each by itself, as encoders do.
func (s *transmitter) send(frames int) {
	s.t.Helper()
	for range frames {
		n := s.next.Load()
		s.buf = numbered.AppendFrame(s.buf[:0], n, time.Now())
		if _, err := s.out.Write(s.buf); err != nil {
			s.t.Fatalf("sending frame %d: %v", n, err)
		}
		s.next.Add(1)
	}
}

// run sends a frame each interval until stop is closed, and says when it is done.
func (s *transmitter) run(interval time.Duration, stop <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	over := s.t.Context() // the test may fail before it closes stop
	s.t.Cleanup(func() {
		if c, ok := s.out.(io.Closer); ok {
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
			n := s.next.Load()
			s.buf = numbered.AppendFrame(s.buf[:0], n, time.Now())
			if _, err := s.out.Write(s.buf); err != nil {
				if !s.mayEnd && over.Err() == nil {
					s.t.Errorf("sending frame %d: %v", n, err)
				}
				return
			}
			s.next.Add(1)
		}
	}()
	return done
}

// head sends the head of a request and reads the head of the answer, with all
// interim ones before it.
func head(t testing.TB, conn net.Conn, request string) (*http.Response, *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return readHead(t, bufio.NewReader(conn))
}

func readHead(t testing.TB, r *bufio.Reader) (*http.Response, *bufio.Reader) {
	t.Helper()
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("reading an answer: %v", err)
		}
		if resp.StatusCode >= 200 {
			return resp, r
		}
	}
}

// source connects a source of numbered frames by SOURCE, over plain HTTP.
func (s *server) source(path string) *transmitter {
	s.t.Helper()
	conn := s.dial(false)
	resp, _ := head(s.t, conn, "SOURCE "+path+" HTTP/1.0\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\nice-name: Test\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the source was answered %s", resp.Status)
	}
	return &transmitter{t: s.t, out: conn, finish: func() { _ = conn.Close() }}
}

// sourceOverTLS connects a source of numbered frames over TLS.
func (s *server) sourceOverTLS(path string) *transmitter {
	s.t.Helper()
	conn := s.dial(true)
	resp, _ := head(s.t, conn, "PUT "+path+" HTTP/1.1\r\nHost: "+s.host()+"\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the source was answered %s", resp.Status)
	}
	return &transmitter{t: s.t, out: conn, finish: func() { _ = conn.Close() }}
}

// waysIn are the ways in which a source may send.
var waysIn = []struct {
	name    string
	request string // the head of the request, without credentials
	chunked bool
	length  int // frames that Content-Length announces
	version string
	before  int // frames that come with the head
}{
	{name: "SOURCE 1.0", request: "SOURCE /m HTTP/1.0\r\n", version: "HTTP/1.0"},
	{name: "SOURCE 1.1", request: "SOURCE /m HTTP/1.1\r\nHost: x\r\n", version: "HTTP/1.0"},
	{name: "SOURCE with bytes that come with the head", request: "SOURCE /m HTTP/1.0\r\n", version: "HTTP/1.0", before: 3},
	{name: "SOURCE with lines that end in LF alone", request: "SOURCE /m HTTP/1.0\nContent-type: audio/mpeg\n", version: "HTTP/1.0"},
	{name: "PUT", request: "PUT /m HTTP/1.1\r\nHost: x\r\n", version: "HTTP/1.1"},
	{name: "PUT 1.0", request: "PUT /m HTTP/1.0\r\n", version: "HTTP/1.0"},
	{name: "PUT that expects", request: "PUT /m HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n", version: "HTTP/1.1"},
	{name: "PUT in chunks", request: "PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n", chunked: true, version: "HTTP/1.1"},
	{name: "PUT in chunks that expects", request: "PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n", chunked: true, version: "HTTP/1.1"},
	{name: "PUT with a length", request: "PUT /m HTTP/1.1\r\nHost: x\r\n", length: 60, version: "HTTP/1.1"},
	{name: "PUT with bytes that come with the head", request: "PUT /m HTTP/1.1\r\nHost: x\r\n", version: "HTTP/1.1", before: 5},
}

func TestSourcesMaySendInEveryWay(t *testing.T) {
	s := start(t, station)
	for _, way := range waysIn {
		for _, encrypted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/tls=%v", way.name, encrypted), func(t *testing.T) {
				s := &server{t: t, plain: s.plain, tls: s.tls, wired: s.wired}
				conn := s.dial(encrypted)
				request := way.request
				if !strings.Contains(request, "Content-type") {
					request += "Content-Type: audio/mpeg\r\n"
				}
				var all []byte
				for n := range uint64(60) {
					all = numbered.AppendFrame(all, n, time.Now())
				}
				if way.length > 0 {
					request += fmt.Sprintf("Content-Length: %d\r\n", len(all))
				}
				early := way.before * (numbered.MaxFrame - 1)
				resp, _ := head(t, conn, request+basic("source", "hackme")+"\r\n"+string(all[:early]))
				if resp.StatusCode != http.StatusOK || resp.Proto != way.version {
					t.Fatalf("answered %s %s", resp.Proto, resp.Status)
				}
				all = all[early:]
				write := func(p []byte) {
					if way.chunked {
						p = fmt.Appendf(nil, "%x\r\n%s\r\n", len(p), p)
					}
					if _, err := conn.Write(p); err != nil {
						t.Fatal(err)
					}
				}
				write(all[:10000])
				l := s.listen("/m", http1, false)
				write(all[10000:])
				if way.chunked {
					_, _ = io.WriteString(conn, "0\r\n\r\n")
				} else if way.length == 0 {
					_ = conn.Close()
				}
				if c := l.toTheEnd(); c.Last != 59 || c.Rest() != 0 {
					t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
				}
				s.gone("/m")
			})
		}
	}
}

func TestSourcesMaySendOverHTTP2And3(t *testing.T) {
	s := start(t, station)
	for _, k := range []kind{h2, h3} {
		t.Run(string(k), func(t *testing.T) {
			s := &server{t: t, plain: s.plain, tls: s.tls, wired: s.wired}
			src := s.sourceBy(k, "/m")
			src.send(20)
			l := s.listen("/m", http1, true)
			src.send(40)
			src.finish()
			if c := l.toTheEnd(); c.Last != 59 || c.Rest() != 0 {
				t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
			}
			s.gone("/m")
		})
	}
}

// A source over HTTP/2 or 3 that falls silent is as gone as any other.
func TestASilentSourceIsGoneByEveryWay(t *testing.T) {
	s := start(t, "icecast {\n source_password hackme\n limits {\n source_timeout 300ms\n }\n}")
	for _, k := range []kind{http1, h2, h3} {
		t.Run(string(k), func(t *testing.T) {
			s := &server{t: t, plain: s.plain, tls: s.tls, wired: s.wired, admin: s.admin}
			src := s.sourceBy(k, "/m")
			src.send(10)
			l := s.listen("/m", http1, false)
			if c := l.toTheEnd(); c.Last != 9 {
				t.Errorf("heard to frame %d", c.Last)
			}
			s.gone("/m")
			s.logged(map[string]any{"msg": "source disconnected", "reason": "timed out"})
		})
	}
}

// sourceBy connects a source of numbered frames in one of several ways.
func (s *server) sourceBy(k kind, path string) *transmitter {
	s.t.Helper()
	var transport http.RoundTripper
	switch k {
	case h2:
		transport = s.http2()
	case h3:
		tr := &http3.Transport{TLSClientConfig: s.tlsConfig()}
		s.t.Cleanup(func() { _ = tr.Close() })
		transport = tr
	default:
		return s.source(path)
	}
	body, out := io.Pipe()
	req, err := http.NewRequest(http.MethodPut, "https://"+s.tls+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("source", "hackme")
	req.Header.Set("Content-Type", "audio/mpeg")
	resp, err := transport.RoundTrip(req) // the answer comes at once
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("answered %s %s", resp.Proto, resp.Status)
	}
	return &transmitter{t: s.t, out: out, finish: func() { _ = out.Close() }}
}

// libshout asks without credentials first, learns from the answer that it may
// PUT, and goes on over the same connection.
func TestTheProbeOfLibshoutIsChallengedAndMayGoOn(t *testing.T) {
	s := start(t, station)
	live := s.source("/m") // which a probe must not disturb
	live.send(10)
	l := s.listen("/m", http1, false)
	for _, probe := range []string{
		"SOURCE /m HTTP/1.0\r\nConnection: Keep-Alive\r\n",
		"PUT /m HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n",
		"PUT /other HTTP/1.1\r\nHost: x\r\n",
	} {
		conn := s.dial(false)
		resp, r := head(t, conn, probe+"Content-Type: audio/mpeg\r\nContent-Length: 0\r\nPrefer: return=minimal\r\n\r\n")
		if resp.StatusCode != http.StatusUnauthorized || resp.Close ||
			!strings.Contains(resp.Header.Get("Allow"), "PUT") || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%q is answered %s %v, closing %v", probe, resp.Status, resp.Header, resp.Close)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_, _ = io.WriteString(conn, "PUT /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: audio/mpeg\r\n"+basic("source", "hackme")+"\r\n")
		if resp, _ = readHead(t, r); resp.StatusCode != http.StatusOK {
			t.Errorf("after %q the source is answered %s", probe, resp.Status)
		}
		other := &transmitter{t: t, out: conn}
		other.send(5)
		_ = conn.Close()
		s.gone("/other")
	}
	live.send(10)
	live.finish()
	if c := l.toTheEnd(); c.Last != 19 {
		t.Errorf("the live stream was heard to frame %d", c.Last)
	}
}
