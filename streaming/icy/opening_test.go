package icy

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// openings are beginnings of connections with the expected result.
var openings = []struct {
	name, in string
	want     Opening
}{
	{"nothing", "", Undecided},
	{"a listener", "GET /live.mp3 HTTP/1.1\r\n", Request},
	{"a listener is known before its line is whole", "GET /", Request},
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
	{"another method", "DELETE /m HTTP/1.1\r\n", Request},
	{"one that nobody knows", "BREW /pot HTTP/1.1\r\n", Plain},
	{"a browser's preflight", "OPTIONS * HTTP/1.1\r\n", Request},
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

func TestBeginsRequest(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "G": true, "get /": true, "PUT": true, "SOURCE /m ICE/1.0": true, "DELETE": true,
		"GETS": false, "OggS": false, "PRI *": false, "\xff\xfb": false, "ID3": false, "1f\r\n": false, "P ": false,
	} {
		if got := BeginsRequest([]byte(in)); got != want {
			t.Errorf("%q: %v; want %v", in, got, want)
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
				checkFixed(t, b[:n])
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
