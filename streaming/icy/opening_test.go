package icy

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// openings are beginnings of connections with the expected result.
var openings = []struct {
	name, in string
	want     Opening
}{
	{"nothing", "", Undecided},
	{"a listener", "GET /live.mp3 HTTP/1.1\r\n", Plain},
	{"a listener is known before its line is whole", "GET /l", Plain},
	{"what may yet be a page", "GET /adm", Undecided},
	{"a short path", "GET /a\r\n", Plain},
	{"a title", "GET /admin/metadata?mode=updinfo&song=x HTTP/1.0\r\n", Request},
	{"a SHOUTcast title", "GET /admin.cgi?pass=", Request},
	{"ffmpeg", "PUT /a.mp3 HTTP/1.1\r\n", Request},
	{"a PUT is known before its line is whole", "PUT /", Request},
	{"darkice", "SOURCE /dk.mp3 HTTP/1.0\n", Request},
	{"an encoder of Icecast 2.0", "SOURCE /m ICE/1.0\r\n", Request},
	{"in lower case", "source /m ice/1.0\r\n", Request},
	{"a source whose line is not whole", "SOURCE /m ICE/1.0", Undecided},
	{"one that names no version", "SOURCE /m\r\n", Login},
	{"Icecast 1", "SOURCE hackme /m\n", Audiocast},
	{"Icecast 1 with a password that has a space and a slash", "SOURCE /hack me /m\r\n", Audiocast},
	{"a password", "hackme\r\n", Login},
	{"a password that ends in LF", "hackme\n", Login},
	{"a password that ends in two CRs", "hackme\r\r\n", Login},
	{"a password that is not whole", "hackme", Undecided},
	{"a password that is not whole, but its CR is", "hackme\r", Undecided},
	{"a mount and a password", "/live.mp3:hackme\r\n", Login},
	{"a password that begins as a method does", "GET\r\n", Login},
	{"a poke", "!POKE\r\n", Poke},
	{"another method", "DELETE /m HTTP/1.1\r\n", Plain},
	{"one that nobody knows", "BREW /pot HTTP/1.1\r\n", Plain},
	{"a browser's preflight", "OPTIONS * HTTP/1.1\r\n", Plain},
	{"HTTP/2", "PRI * HTTP/2.0\r\n", Plain},
	{"a proxy", "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n", Plain},
	{"TLS", "\x16\x03\x01", Plain},
	{"junk", "\x00\x01", Plain},
	{"junk that begins as a password", "hack\x00", Plain},
	{"junk beyond ASCII", "\xff\xfb\x90", Plain},
	{"a password beyond ASCII", "h\xc3\xa4ckme\r\n", Login},
	{"an empty line", "\r\n", Plain},
	{"the longest line, not whole", strings.Repeat("x", MaxLine), Undecided},
	{"the longest line", strings.Repeat("x", MaxLine-1) + "\r\n", Login},
	{"a line that is longer", strings.Repeat("x", MaxLine+1), Plain},
	{"a line that is longer, and whole", strings.Repeat("x", MaxLine) + "\r\n", Plain},
	{"a line that is longer by carriage returns", "hackme" + strings.Repeat("\r", MaxLine-5), Plain},
}

func TestSniff(t *testing.T) {
	for _, o := range openings {
		if got := Sniff([]byte(o.in)); got != o.want {
			t.Errorf("%s: Sniff(%.40q) = %d, want %d", o.name, o.in, got, o.want)
		}
	}
}

// More bytes do not change a decision.
func TestSniffDecidesOnce(t *testing.T) {
	for _, o := range openings {
		checkDecidedOnce(t, []byte(o.in))
		checkDecidedOnce(t, []byte(o.in+"\r\n\r\n\x00\xff"))
	}
}

func checkDecidedOnce(t *testing.T, b []byte) {
	t.Helper()
	was, at := Undecided, 0
	for n := range len(b) + 1 {
		is := Sniff(b[:n])
		if was == Undecided {
			was, at = is, n
		}
		if is != was {
			t.Fatalf("%q is %d, %q is %d", b[:at], was, b[:n], is)
		}
	}
	if was == Undecided && len(b) > MaxLine {
		t.Errorf("%d bytes are undecided", len(b))
	}
}

func TestHead(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     int
	}{
		{"nothing", "", 0},
		{"a line", "SOURCE /m HTTP/1.0\r\n", 0},
		{"CRLF", "A\r\nb\r\n\r\nbody", 8},
		{"no fields", "A\r\n\r\nbody", 5},
		{"LF alone", "A\nb\n\nbody", 5},
		{"LF, ended by CRLF twice, as darkice does", "A\nb\r\n\r\nbody", 7},
		{"two CRs", "A\r\r\nb\r\r\n\r\r\nbody", 11},
		{"an end that is not whole", "A\r\nb\r\n\r", 0},
		{"the body has one too", "A\n\n\n\n", 3},
	} {
		if got := HeadLength([]byte(c.in)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestFixHead(t *testing.T) {
	const host = "192.0.2.1:8000"
	for _, c := range []struct{ name, in, want string }{
		{
			"what is well stays", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: N\r\n\r\n",
			"PUT /m HTTP/1.1\r\nHost: x\r\nice-name: N\r\n\r\n",
		},
		{"ICE", "SOURCE /m ICE/1.0\r\nice-name:N\r\n\r\n", "SOURCE /m HTTP/1.0\r\nice-name:N\r\n\r\n"},
		{"lower case", "source /M ice/1.0\n\n", "SOURCE /M HTTP/1.0\r\n\r\n"},
		{"LF alone", "SOURCE /m HTTP/1.0\na: b\n\n", "SOURCE /m HTTP/1.0\r\na: b\r\n\r\n"},
		{"two CRs", "SOURCE /m HTTP/1.0\r\r\na: b\r\r\n\r\r\n", "SOURCE /m HTTP/1.0\r\na: b\r\n\r\n"},
		{"an empty host", "PUT /m HTTP/1.1\r\nhost: \r\na: b\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: " + host + "\r\na: b\r\n\r\n"},
		{"no host", "PUT /m HTTP/1.1\r\na: b\r\n\r\n", "PUT /m HTTP/1.1\r\na: b\r\nHost: " + host + "\r\n\r\n"},
		{"HTTP/1.0 needs none", "GET /admin.cgi?x HTTP/1.0\r\n\r\n", "GET /admin.cgi?x HTTP/1.0\r\n\r\n"},
		{"a path with a space is not ours to judge", "PUT /a b HTTP/1.1\r\nHost: x\r\n\r\n", "PUT /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a CR within a line stays wrong", "PUT /m HTTP/1.1\r\nHost: x\ry\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\ry\r\n\r\n"},
		{"bytes beyond ASCII stay", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: \xc9\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: \xc9\r\n\r\n"},
	} {
		if got := string(FixHead([]byte(c.in), host)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseLogin(t *testing.T) {
	for _, c := range []struct{ in, mount, password string }{
		{"hackme", "", "hackme"},
		{"hack:me", "", "hack:me"},
		{"/m:hackme", "/m", "hackme"},
		{"/m:hack:me", "/m", "hack:me"},
		{"/m", "", "/m"},
		{"", "", ""},
	} {
		if mount, password := ParseLogin(c.in); mount != c.mount || password != c.password {
			t.Errorf("%q: %q, %q", c.in, mount, password)
		}
	}
}

func TestSourceRequestKeepsWhatTellsOfTheStream(t *testing.T) {
	const in = "icy-name:Caf\xe9\r\nicy-genre: Pop \r\n icy-br : 64\ncontent-type:audio/mpeg\r\r\nicy-url:http://x/:y\r\n" +
		"Authorization: Basic x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nHost: evil\r\n" +
		"no colon\r\nicy-: x\r\nicy-a b: x\r\nicy-pub:1\x00\x1b[31m\rX: y\r\n\r\n"
	const want = "SOURCE /m HTTP/1.0\r\nHost: radio.example\r\nicy-name: Café\r\nicy-genre: Pop\r\nicy-br: 64\r\ncontent-type: audio/mpeg\r\n" +
		"icy-url: http://x/:y\r\nicy-pub: 1[31m X: y\r\n\r\n"
	if got := string(SourceRequest("/m", "radio.example", []byte(in))); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// FuzzOpening checks beginnings of connections. The decision is final and needs bounded space. A
// head that net/http accepts has the same meaning after FixHead, and a second FixHead changes
// nothing. SourceRequest makes a request without a body.
func FuzzOpening(f *testing.F) {
	for _, o := range openings {
		f.Add([]byte(o.in))
		f.Add([]byte(o.in + "Host:\r\nicy-name:N\r\ncontent-type:audio/mpeg\r\n\r\nbody"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkDecidedOnce(t, b[:min(len(b), 2*MaxLine)])
		switch Sniff(b) {
		case Request:
			if n := HeadLength(b); n > 0 {
				checkMended(t, b[:n])
			}
		case Login, Audiocast:
			head := SourceRequest("/m", "radio.example", b)
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
			if err != nil || r.Method != "SOURCE" || r.URL.Path != "/m" || r.ContentLength != 0 || len(r.TransferEncoding) > 0 ||
				HeadLength(head) != len(head) || r.Header.Get("Authorization") != "" {
				t.Errorf("%q: %v, %+v", head, err, r)
			}
		}
	})
}

func checkMended(t *testing.T, head []byte) {
	t.Helper()
	mended := FixHead(head, "localhost")
	if again := FixHead(mended, "localhost"); !bytes.Equal(again, mended) {
		t.Errorf("mended twice, %q is %q", mended, again)
	}
	if n := HeadLength(mended); n != len(mended) {
		t.Errorf("the head of %q has %d bytes", mended, n)
	}
	before, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return
	}
	after, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(mended)))
	if err != nil {
		t.Errorf("%q was a request, %q is %v", head, mended, err)
		return
	}
	if before.Host == "" {
		before.Host = after.Host
	}
	if !strings.EqualFold(before.Method, after.Method) || before.RequestURI != after.RequestURI || before.Proto != after.Proto ||
		before.Host != after.Host || before.ContentLength != after.ContentLength || !reflect.DeepEqual(before.Header, after.Header) {
		t.Errorf("%q means %+v, %q means %+v", head, before, mended, after)
	}
}
