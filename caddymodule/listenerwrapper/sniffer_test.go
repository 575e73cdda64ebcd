package listenerwrapper

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming/icy"
)

// script is a connection whose other end has sent all that it will, which comes
// in pieces, and that keeps what it is answered.
type script struct {
	net.Conn // nil: nothing else may be asked of it
	come     []byte
	cuts     []byte // the lengths of the pieces, over and over
	turn     int
	answer   bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.come) == 0 {
		return 0, io.EOF
	}
	n := len(p)
	if len(s.cuts) > 0 {
		n = min(n, 1+int(s.cuts[s.turn%len(s.cuts)]))
		s.turn++
	}
	n = copy(p[:n], s.come)
	s.come = s.come[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)     { return s.answer.Write(p) }
func (s *script) CloseWrite() error               { return nil }
func (s *script) SetReadDeadline(time.Time) error { return nil }
func (s *script) LocalAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8000} }
func (s *script) RemoteAddr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

// sniff reads a connection to its end.
func sniff(t *testing.T, w *ListenerWrapper, come, cuts []byte) (got []byte, answer string, a *auth.Grant) {
	t.Helper()
	conn := &script{come: come, cuts: cuts}
	c := &sniffer{Conn: conn, host: w, wrapper: w}
	buf := make([]byte, 14) // as much as net/http asks for at first
	for {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return got, conn.answer.String(), grantOf(t, c, got)
		}
		buf = make([]byte, 4096)
	}
}

// grantOf takes what the request that is read has been granted, nil if nothing.
func grantOf(t *testing.T, c *sniffer, read []byte) *auth.Grant {
	t.Helper()
	if c.grants == (auth.GrantSlot{}) {
		return nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(read)))
	if err != nil {
		t.Fatalf("%q has been granted something: %v", read, err)
	}
	a := auth.TakeGrant(auth.WithGrantSlot(t.Context(), &c.grants), c.host.station.StationName(), r.URL.Path)
	if a == nil {
		t.Fatalf("%q has been granted something else", read)
	}
	return a
}

func TestWhatNoEncoderSaysIsReadAsItCame(t *testing.T) {
	w := wrap(t, nil, "/m", "")
	for _, come := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\nGET", "\x16\x03\x01\n\n\x00", "\x00", strings.Repeat("x", 9000), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\nGET / HTTP/1.0\n\nHEAD / HTTP/1.1\r\nhost:y\r\n\r\nSound", "PUT /m HTTP/1.1\r\nHost: x\r\n\r\nGETS no more GET / HTTP/1.0\n\n",
		"PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nGET / HTTP/1.0\n\n", "PUT /m HTTP/1.1\r\nX: " + strings.Repeat("x", 2*icy.MaxHead) + "\r\n\r\n",
	} {
		for _, cuts := range []string{"", "\x00", "\x00\xff", "\x0c"} {
			if got, answer, _ := sniff(t, w, []byte(come), []byte(cuts)); string(got) != come || answer != "" {
				t.Errorf("%.40q cut by %q is read as %.40q (%d bytes of %d) and answered %q", come, cuts, got, len(got), len(come), answer)
			}
		}
	}
}

// Requests without a host get one, however they come, and wherever in a connection they are.
func TestEachRequestHasAHost(t *testing.T) {
	const host = "Host: 192.0.2.1:8000\r\n"
	w := wrap(t, nil, "/m", "")
	for _, c := range []struct{ name, come, want string }{
		{"a listener", "GET /m HTTP/1.1\r\nX: y\r\n\r\n", "GET /m HTTP/1.1\r\nX: y\r\n" + host + "\r\n"},
		{"a slave", "GET /admin/streams HTTP/1.0\r\n\r\n", "GET /admin/streams HTTP/1.0\r\n" + host + "\r\n"},
		{"an empty host", "HEAD /m HTTP/1.1\r\nhost: \r\n\r\n", "HEAD /m HTTP/1.1\r\n" + host + "\r\n"},
		{
			"later requests", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /n HTTP/1.1\r\n\r\nPOST /o HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET PUT /p HTTP/1.0\n\n\xff\xfbGET / HTTP/1.0\n\n",
			"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /n HTTP/1.1\r\n" + host + "\r\nPOST /o HTTP/1.1\r\nContent-Length: 4\r\n" + host + "\r\nGET PUT /p HTTP/1.0\r\n" + host + "\r\n\xff\xfbGET / HTTP/1.0\n\n",
		},
		{
			"a source after it was challenged", "SOURCE /m HTTP/1.0\r\nContent-Length: 0\r\n\r\nPUT /m HTTP/1.1\r\nice-name: A\x01B\r\n\r\nOggS",
			"SOURCE /m HTTP/1.0\r\nContent-Length: 0\r\n" + host + "\r\nPUT /m HTTP/1.1\r\nice-name: AB\r\n" + host + "\r\nOggS",
		},
	} {
		for _, cuts := range []string{"", "\x00", "\x00\xff", "\x0c", "\x03"} {
			if got, answer, _ := sniff(t, w, []byte(c.come), []byte(cuts)); string(got) != c.want || answer != "" {
				t.Errorf("%s, cut by %q: read as\n%q, answered %q; want\n%q", c.name, cuts, got, answer, c.want)
			}
		}
	}
}

// The server sets the timeout of a later head once it has its first bytes: those do not wait for
// the rest.
func TestTheFirstBytesOfALaterHeadDoNotWait(t *testing.T) {
	conn := &script{come: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}
	w := wrap(t, nil, "/m", "")
	c := &sniffer{Conn: conn, host: w, wrapper: w}
	buf := make([]byte, 4096)
	if _, err := c.Read(buf); err != nil {
		t.Fatal(err)
	}
	for conn.come = []byte("GET /"); len(buf) > 4092; {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		buf = buf[n:]
	}
	if _, err := c.Read(buf); err != io.EOF { //nolint:errorlint // as the script returns it
		t.Errorf("the rest of the head: %v; want that it is awaited", err)
	}
}

// An opening that breaks off is the end, and nobody is answered.
func TestAnOpeningThatBreaksOff(t *testing.T) {
	w := wrap(t, nil, "/m", "")
	for _, come := range []string{"", "hackme", "GET /adm", "SOURCE /m HTTP/1.0\r\nX: y\r\n", "PUT /m"} {
		if got, answer, _ := sniff(t, w, []byte(come), nil); len(got) > 0 || answer != "" {
			t.Errorf("%q is read as %q and answered %q", come, got, answer)
		}
	}
}

// FuzzSniffer feeds a connection in pieces. The result does not depend on the pieces. A
// source that is not admitted never reaches the server; the bytes that do are those that
// arrived, or begin with a head that was made of them.
func FuzzSniffer(f *testing.F) {
	for _, come := range []string{
		"hackme\r\nicy-name:x\r\n\r\nsound", "/n:hackme\n\n", "wrong\r\n\r\n", "SOURCE hackme /m\nx-audiocast-name: x\n\nsound", "!POKE\r\n",
		"SOURCE /m ICE/1.0\n\nsound", "PUT /m HTTP/1.1\r\r\nHost:\r\r\n\r\r\nsound", "GET /admin.cgi?pass=x HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01",
	} {
		f.Add([]byte(come), []byte{0})
		f.Add([]byte(come), []byte{3, 200, 0})
	}
	g := moduletest.New(f, new(caddymodule.Station)).Generation
	f.Fuzz(func(t *testing.T, come, cuts []byte) {
		w := wrap(t, g, "/m", "hackme")
		whole, answer, a := sniff(t, w, come, nil)
		if got, again, b := sniff(t, w, come, cuts); !bytes.Equal(got, whole) || again != answer || (a == nil) != (b == nil) {
			t.Errorf("%q is read as %q and answered %q; cut by %v, it is %q and %q", come, whole, answer, cuts, got, again)
		}
		switch {
		case a != nil:
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(whole)))
			if err != nil || r.Method != request.MethodSource || r.URL.Path != a.Mount || a.Mount != "/m" || !bytes.Contains(come, []byte("hackme")) {
				t.Errorf("%q is admitted as %q: %v", come, whole, err)
			}
		case answer != "" && answer != invalidPassword && answer != shoutcastOK, answer != "" && len(whole) > 0:
			t.Errorf("%q is answered %q and read as %q", come, answer, whole)
		case answer == "" && icy.Sniff(come) == icy.Plain && !bytes.Equal(whole, come):
			t.Errorf("%q is read as %q", come, whole)
		}
	})
}
