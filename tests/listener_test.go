package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/icy"
)

// kind is a way in which listeners ask.
type kind string

const (
	http10  kind = "HTTP/1.0"
	http1   kind = "HTTP/1.1"
	http1ic kind = "HTTP/1.1 with metadata"
	wired   kind = "HTTP/1.1 over TLS over a wire"
	wiredic kind = "HTTP/1.1 with metadata over TLS over a wire"
	h2      kind = "HTTP/2"
	h3      kind = "HTTP/3"
)

func (k kind) takesMetadata() bool { return k == http1ic || k == wiredic }

// waysOut are all ways to listen.
var waysOut = []struct {
	kind
	encrypted bool
}{{http10, false}, {http1, false}, {http1ic, false}, {http10, true}, {http1, true}, {http1ic, true}, {wired, true}, {wiredic, true}, {h2, true}, {h3, true}}

// listener hears numbered frames until its stream ends.
type listener struct {
	t      testing.TB
	kind   kind
	header http.Header
	status int
	proto  string
	titles []string
	done   chan struct{}
	conn   net.Conn // of HTTP/1

	checker numbered.Checker
	err     error // why it stopped hearing; nil: the stream ended
	stop    func()
}

// listen asks for a mount, reads the answer's head, and hears in the background.
func (s *server) listen(path string, k kind, encrypted bool) *listener {
	s.t.Helper()
	var l *listener
	ready := make(chan struct{})
	l = s.open(path, k, encrypted, func(body io.Reader) {
		<-ready
		l.hear(body)
	})
	close(ready)
	return l
}

// open asks for a mount, reads the answer's head, and lets hear have the sound, in
// the background.
func (s *server) open(path string, k kind, encrypted bool, hear func(io.Reader)) *listener {
	s.t.Helper()
	l := &listener{t: s.t, kind: k, done: make(chan struct{}), stop: func() {}}
	var body io.Reader
	if k == h2 || k == h3 {
		body = s.request(l, path)
	} else {
		version := "1.1"
		if k == http10 {
			version = "1.0"
		}
		request := "GET " + path + " HTTP/" + version + "\r\nHost: " + s.host() + "\r\nUser-Agent: " + string(k) + "\r\nRange: bytes=0-\r\n"
		if k.takesMetadata() {
			request += "Icy-MetaData: 1\r\n"
		}
		conn := s.dialFor(k, encrypted)
		l.conn = conn
		l.stop = func() { _ = conn.Close() }
		resp, r := head(s.t, conn, request+"\r\n")
		l.header, l.status, l.proto = resp.Header, resp.StatusCode, resp.Proto
		body = r
	}
	if l.status != http.StatusOK {
		s.t.Fatalf("%s is answered %d", k, l.status)
	}
	if at, _ := strconv.Atoi(l.header.Get("icy-metaint")); at > 0 {
		body = icy.NewReader(body, at, func(title, _ string) { l.titles = append(l.titles, title) })
	}
	go hear(body)
	return l
}

// request asks over HTTP/2 or 3, over a connection of its own.
func (s *server) request(l *listener, path string) io.Reader {
	s.t.Helper()
	var transport http.RoundTripper
	if l.kind == h2 {
		tr := s.http2()
		l.stop = tr.CloseIdleConnections
		transport = tr
	} else {
		tr := &http3.Transport{TLSClientConfig: s.tlsConfig()}
		l.stop = func() { _ = tr.Close() }
		transport = tr
	}
	req, err := http.NewRequest(http.MethodGet, "https://"+s.tls+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = s.host()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		s.t.Fatalf("%s: %v", l.kind, err)
	}
	stop := l.stop
	l.stop = func() { _ = resp.Body.Close(); stop() }
	s.t.Cleanup(l.stop)
	l.header, l.status, l.proto = resp.Header, resp.StatusCode, resp.Proto
	return resp.Body
}

// http2 makes connections of HTTP/2 alone.
func (s *server) http2() *http.Transport {
	tr := &http.Transport{TLSClientConfig: s.tlsConfig("h2"), Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP2(true)
	return tr
}

func (l *listener) hear(body io.Reader) {
	defer close(l.done)
	_, err := io.CopyBuffer(struct{ io.Writer }{&l.checker}, body, make([]byte, 4096))
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
}

// toTheEnd waits for the stream to end, and checks that it ended well.
func (l *listener) toTheEnd() *numbered.Checker {
	l.t.Helper()
	select {
	case <-l.done:
	case <-time.After(3 * patience):
		l.t.Fatalf("the stream of a listener by %s does not end", l.kind)
	}
	l.stop()
	if l.err != nil {
		l.t.Errorf("by %s: after frame %d: %v", l.kind, l.checker.Last, l.err)
	}
	return &l.checker
}

// gone waits until a mount is off the air.
func (s *server) gone(path string) {
	s.t.Helper()
	eventually(s.t, path+" is off the air", func() error {
		resp, err := http.Get("http://" + s.plain + path)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
}

// All ways to listen at once, with a source that sends faster than it sounds.
func TestAllListenersHearEveryFrameWholeAndInOrder(t *testing.T) {
	s := start(t, station)
	src := s.source("/m")
	src.send(200)
	var listeners []*listener
	for range 3 {
		for _, way := range waysOut {
			listeners = append(listeners, s.listen("/m", way.kind, way.encrypted))
			src.send(20)
		}
	}
	stop := make(chan struct{})
	done := src.run(2*time.Millisecond, stop)
	time.AfterFunc(3*time.Second, func() { close(stop) })
	<-done
	src.finish()
	last := src.next.Load() - 1
	for _, l := range listeners {
		if c := l.toTheEnd(); c.Last != last || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes, want to %d", l.kind, c.First, c.Last, c.Rest(), last)
		}
	}
}

// A mount that is silent for longer than any write may take keeps its listeners;
// who leaves it meanwhile is counted out.
func TestListenersOfASilentMountStayAndMayLeave(t *testing.T) {
	s := start(t, "icecast {\n source_password hackme\n limits {\n source_timeout 2m\n }\n}", "encode gzip zstd")
	src := s.source("/m")
	src.send(10)
	var stay []*listener
	for _, way := range waysOut {
		stay = append(stay, s.listen("/m", way.kind, way.encrypted))
		if way.kind != h3 && (way.kind == h2 || way.kind == wired || !way.encrypted) { // other TLS over HTTP/1 is noticed by the next write
			s.listen("/m", way.kind, way.encrypted).stop()
		}
	}
	eventually(t, "those who left are counted out", func() error {
		resp, err := http.Get("http://" + s.plain + "/status-json.xsl")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if want := fmt.Sprintf(`"listeners":%d,`, len(stay)); !bytes.Contains(body, []byte(want)) {
			return fmt.Errorf("%s", body)
		}
		return nil
	})
	src.send(10)
	src.finish()
	for _, l := range stay {
		if c := l.toTheEnd(); c.Last != 19 {
			t.Errorf("by %s: heard to frame %d", l.kind, c.Last)
		}
	}
}

func TestTheAccessLogHasALineForEachListener(t *testing.T) {
	s := start(t, station)
	src := s.source("/m")
	src.send(10)
	for _, way := range waysOut {
		l := s.listen("/m", way.kind, way.encrypted)
		l.stop()
	}
	stop := make(chan struct{})
	done := src.run(time.Millisecond, stop)
	for _, proto := range []string{"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		e := s.logged(map[string]any{
			"logger": "icecast.access", "mount": "/m", "proto": proto, "reason": "departed",
			"client_ip": "127.0.0.1", "tls": proto != "HTTP/1.0" && proto != "HTTP/1.1",
		})
		if e["bytes"].(float64) < 1000 || e["duration"] == nil {
			t.Errorf("the line says %v", e)
		}
	}
	close(stop)
	<-done
}

func TestAListenersAddressIsTheOneThatATrustedProxySays(t *testing.T) {
	s := &server{t: t, plain: freeAddress(t), tls: freeAddress(t), admin: freeAddress(t)}
	if err := s.load(station + "\nservers {\ntrusted_proxies static 127.0.0.0/8\n}"); err != nil {
		t.Fatal(err)
	}
	src := s.source("/m")
	src.send(10)
	conn := s.dial(false)
	head(t, conn, "GET /m HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
	src.finish()
	s.logged(map[string]any{"logger": "icecast.access", "client_ip": "192.0.2.7", "reason": "source ended"})
}
