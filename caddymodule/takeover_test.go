package caddymodule

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestHead(t *testing.T) {
	const date = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"
	header := func(pairs ...string) http.Header {
		h := http.Header{"Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		proto  string
		header http.Header
		fields []field
		want   string
	}{
		{
			"the status line is of the request's version", "HTTP/1.1", header(), nil,
			"HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\n",
		},
		{
			"an old client is answered in its own version", "HTTP/1.0", header(), nil,
			"HTTP/1.0 200 OK\r\n" + date + "Connection: close\r\n\r\n",
		},
		{
			"Icecast's fields come last, in order, without a space", "HTTP/1.1", header("Content-Type", "audio/mpeg"),
			[]field{{"icy-name", "Radio: one"}, {"icy-br", "128"}, {"icy-metaint", "16000"}},
			"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n" + date + "Connection: close\r\n" +
				"icy-name:Radio: one\r\nicy-br:128\r\nicy-metaint:16000\r\n\r\n",
		},
		{
			"what the site has set comes first, sorted, each value on its line", "HTTP/1.1",
			header("X-B", "2", "X-A", "1", "Vary", "Origin", "Vary", "Accept"), nil,
			"HTTP/1.1 200 OK\r\n" + date + "Vary: Origin\r\nVary: Accept\r\nX-A: 1\r\nX-B: 2\r\nConnection: close\r\n\r\n",
		},
		{
			"what would frame the body otherwise is left out", "HTTP/1.1",
			header("Connection", "keep-alive", "Content-Length", "5", "Transfer-Encoding", "chunked", "Trailer", "X", "Upgrade", "h2c"), nil,
			"HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\n",
		},
		{
			"no value ends its line", "HTTP/1.1", header("X-A", "a\r\nX-Evil: 1\n\rb"),
			[]field{{"icy-name", "a\r\n\r\n<script>\nicy-br:1"}},
			"HTTP/1.1 200 OK\r\n" + date + "X-A: a  X-Evil: 1  b\r\nConnection: close\r\n" +
				"icy-name:a    <script> icy-br:1\r\n\r\n",
		},
		{
			"no name ends its line", "HTTP/1.1",
			http.Header{"Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}, "X\r\nEvil": {"1"}, "X:": {"2"}, "": {"3"}},
			nil,
			"HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/live.mp3", nil)
			r.Proto = tt.proto
			r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(tt.proto)
			if got := string(head(r, tt.header, tt.fields)); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestHeadHasTheDate(t *testing.T) {
	before := time.Now().Add(-time.Second)
	got := string(head(httptest.NewRequest("GET", "/", nil), http.Header{}, nil))
	m := regexp.MustCompile(`\r\nDate: ([^\r]+)\r\n`).FindStringSubmatch(got)
	if m == nil {
		t.Fatalf("no date in %q", got)
	}
	if date, err := http.ParseTime(m[1]); err != nil || date.Before(before) || date.After(time.Now()) {
		t.Errorf("the date is %s (%v)", m[1], err)
	}
}

// hijackable is a response whose connection can be taken over.
type hijackable struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// newHijackable returns a response and the client's end of its connection.
func newHijackable(t *testing.T) (*hijackable, net.Conn) {
	t.Helper()
	server, client := net.Pipe()
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return &hijackable{httptest.NewRecorder(), server}, client
}

func TestTakeOverGoesToTheInnermostWriter(t *testing.T) {
	inner, _ := newHijackable(t)
	var w http.ResponseWriter = inner
	for range 3 {
		w = &watchedWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	}
	conn, r, err := transport.Hijack(w)
	if err != nil || conn != inner.conn || r == nil {
		t.Errorf("%v, %v, %v; want the innermost connection and its reader", conn, r, err)
	}
	if w.(*watchedWriter).answered {
		t.Error("an outer writer knows of it")
	}
}

func TestTakeOverOfWhatCanNotBeTakenOver(t *testing.T) {
	_, _, err := transport.Hijack(httptest.NewRecorder())
	checkError(t, err, "taking over the connection: feature not supported")
}

func TestOnlyABareTCPConnectionIsPlain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tcp, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()

	plain := httptest.NewRequest("GET", "/", nil)
	encrypted := httptest.NewRequest("GET", "https://localhost/", nil)
	for _, tt := range []struct {
		name string
		conn net.Conn
		r    *http.Request
		want bool
	}{
		{"bare TCP", tcp, plain, true},
		{"a cipher buffer", streaming.NewCipherBuffer(tcp.(*net.TCPConn)), plain, true},
		{"TCP, but the request came over TLS", tcp, encrypted, false},
		{"TLS", tls.Client(tcp, new(tls.Config)), plain, false},
		{"something around TCP", struct{ net.Conn }{tcp}, plain, false},
		{"no TCP at all", pipe, plain, false},
	} {
		if got, ok := transport.PlainConn(tt.conn, tt.r); ok != tt.want || ok && got != tcp {
			t.Errorf("%s: %v, %t; want %t", tt.name, got, ok, tt.want)
		}
	}
}
