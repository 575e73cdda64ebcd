package sources

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

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
	s := harness.Start(t, harness.Station)
	for _, way := range waysIn {
		for _, encrypted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/tls=%v", way.name, encrypted), func(t *testing.T) {
				s := s.For(t)
				conn := s.Dial(encrypted)
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
				resp, _ := harness.SendHead(t, conn, request+harness.BasicAuth("source", "hackme")+"\r\n"+string(all[:early]))
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
				l := s.Listen("/m", harness.HTTP1, false)
				write(all[10000:])
				if way.chunked {
					_, _ = io.WriteString(conn, "0\r\n\r\n")
				} else if way.length == 0 {
					_ = conn.Close()
				}
				if c := l.WaitForEnd(); c.Last != 59 || c.Rest() != 0 {
					t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
				}
				s.WaitUntilGone("/m")
			})
		}
	}
}

func TestSourcesMaySendOverHTTP2And3(t *testing.T) {
	s := harness.Start(t, harness.Station)
	for _, k := range []harness.Kind{harness.HTTP2, harness.HTTP3} {
		t.Run(string(k), func(t *testing.T) {
			s := s.For(t)
			src := s.SourceOver(k, "/m")
			src.Send(20)
			l := s.Listen("/m", harness.HTTP1, true)
			src.Send(40)
			src.Finish()
			if c := l.WaitForEnd(); c.Last != 59 || c.Rest() != 0 {
				t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
			}
			s.WaitUntilGone("/m")
		})
	}
}

// A source over HTTP/2 or 3 that falls silent is as gone as any other.
func TestASilentSourceIsGoneByEveryWay(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n source_timeout 300ms\n }\n}")
	for _, k := range []harness.Kind{harness.HTTP1, harness.HTTP2, harness.HTTP3} {
		t.Run(string(k), func(t *testing.T) {
			s := s.For(t)
			src := s.SourceOver(k, "/m")
			src.Send(10)
			l := s.Listen("/m", harness.HTTP1, false)
			if c := l.WaitForEnd(); c.Last != 9 {
				t.Errorf("heard to frame %d", c.Last)
			}
			s.WaitUntilGone("/m")
			s.WaitForLog(map[string]any{"msg": "source disconnected", "reason": "timed out"})
		})
	}
}

// libshout asks without credentials first, learns from the answer that it may
// PUT, and goes on over the same connection.
func TestTheProbeOfLibshoutIsChallengedAndMayGoOn(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.Source("/m") // which a probe must not disturb
	live.Send(10)
	l := s.Listen("/m", harness.HTTP1, false)
	for _, probe := range []string{
		"SOURCE /m HTTP/1.0\r\nConnection: Keep-Alive\r\n",
		"PUT /m HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n",
		"PUT /other HTTP/1.1\r\nHost: x\r\n",
	} {
		conn := s.Dial(false)
		resp, r := harness.SendHead(t, conn, probe+"Content-Type: audio/mpeg\r\nContent-Length: 0\r\nPrefer: return=minimal\r\n\r\n")
		if resp.StatusCode != http.StatusUnauthorized || resp.Close ||
			!strings.Contains(resp.Header.Get("Allow"), "PUT") || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%q is answered %s %v, closing %v", probe, resp.Status, resp.Header, resp.Close)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_, _ = io.WriteString(conn, "PUT /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
		if resp, _ = harness.ReadHead(t, r); resp.StatusCode != http.StatusOK {
			t.Errorf("after %q the source is answered %s", probe, resp.Status)
		}
		other := &harness.Source{T: t, Out: conn}
		other.Send(5)
		_ = conn.Close()
		s.WaitUntilGone("/other")
	}
	live.Send(10)
	live.Finish()
	if c := l.WaitForEnd(); c.Last != 19 {
		t.Errorf("the live stream was heard to frame %d", c.Last)
	}
}
