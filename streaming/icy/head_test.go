package icy

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

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
		{"ICE", "SOURCE /m ICE/1.0\r\nhost:x\r\nice-name:N\r\n\r\n", "SOURCE /m HTTP/1.0\r\nhost:x\r\nice-name:N\r\n\r\n"},
		{"lower case", "source /M ice/1.0\nHost: x\n\n", "SOURCE /M HTTP/1.0\r\nHost: x\r\n\r\n"},
		{"LF alone", "SOURCE /m HTTP/1.0\nHost: x\n\n", "SOURCE /m HTTP/1.0\r\nHost: x\r\n\r\n"},
		{"two CRs", "SOURCE /m HTTP/1.0\r\r\nHost: x\r\r\n\r\r\n", "SOURCE /m HTTP/1.0\r\nHost: x\r\n\r\n"},
		{"an empty host", "PUT /m HTTP/1.1\r\nhost: \r\na: b\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: " + host + "\r\na: b\r\n\r\n"},
		{"no host", "PUT /m HTTP/1.1\r\na: b\r\n\r\n", "PUT /m HTTP/1.1\r\na: b\r\nHost: " + host + "\r\n\r\n"},
		{"a probe of libshout", "SOURCE /m HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n", "SOURCE /m HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"},
		{"one of a later version", "SOURCE /m HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n", "SOURCE /m HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"},
		{"no host in HTTP/1.0", "GET /admin.cgi?x HTTP/1.0\r\n\r\n", "GET /admin.cgi?x HTTP/1.0\r\nHost: " + host + "\r\n\r\n"},
		{"control characters of a source", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: A\x00\x1b[B\x7f\tC\xe9\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: A[B\tC\xe9\r\n\r\n"},
		{"those in the length of a body stay wrong", "PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n"},
		{"those of a listener stay wrong", "GET /m HTTP/1.1\r\nHost: x\r\nX: A\x01\r\n\r\n", "GET /m HTTP/1.1\r\nHost: x\r\nX: A\x01\r\n\r\n"},
		{"a path with a space is not ours to judge", "PUT /a b HTTP/1.1\r\nHost: x\r\n\r\n", "PUT /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a CR within a line stays wrong", "PUT /m HTTP/1.1\r\nHost: x\ry\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\ry\r\n\r\n"},
		{"bytes beyond ASCII stay", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: \xc9\r\n\r\n", "PUT /m HTTP/1.1\r\nHost: x\r\nice-name: \xc9\r\n\r\n"},
	} {
		if got := string(FixHead([]byte(c.in), host)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestASoundHeadNeedsNoFix(t *testing.T) {
	const get = "GET /m HTTP/1.1\r\n"
	for head, want := range map[string]bool{
		get + "Host: x\r\n\r\n":                                true,
		get + "hOST:x:8000\r\nX: \ty\r\n\r\n":                  true,
		"GET /m HTTP/1.0\r\nHost: x\r\n\r\n":                   true,
		"PUT /m HTTP/1.1\r\nHost: x\r\nice-name: \xc9\r\n\r\n": true,
		get + "\r\n":                           false,
		get + "Host:\r\n\r\n":                  false,
		get + "Host: x\n\r\n":                  false,
		get + "Host: x\r\n\n":                  false,
		get + "Host: x\r\r\n\r\n":              false,
		get + "Host: x\r\nX: \x00\r\n\r\n":     false,
		get + "Host: x\r\nHost: y\r\n\r\n":     false,
		"get /m HTTP/1.1\r\nHost: x\r\n\r\n":   false,
		"SOURCE /m ICE/1.0\r\nHost: x\r\n\r\n": false,
		"BREW /m HTTP/1.1\r\nHost: x\r\n\r\n":  false,
		"GET /m HTTP/1.1\nHost: x\r\n\r\n":     false,
	} {
		if got := IsSound([]byte(head)); got != want {
			t.Errorf("%q: %v; want %v", head, got, want)
		}
	}
	head := []byte(get + "Host: radio.example\r\nUser-Agent: mpg123\r\nIcy-MetaData: 1\r\nAccept: */*\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { _ = IsSound(head) && BodyLength(head) == 0 }); n > 0 {
		t.Errorf("%v allocations; want 0", n)
	}
}

func TestBodyLength(t *testing.T) {
	for field, want := range map[string]int64{
		"Accept: */*\r\n":                          0,
		"Content-Length: 0\r\n":                    0,
		"content-length:5 \r\n":                    5,
		"Content-Length: -1\r\n":                   -1,
		"Content-Length: 5, 5\r\n":                 -1,
		"Content-Length: 99999999999999999999\r\n": -1,
		"Transfer-Encoding: chunked\r\n":           -1,
	} {
		if got := BodyLength([]byte("POST /m HTTP/1.1\r\nHost: x\r\n" + field + "\r\n")); got != want {
			t.Errorf("%q: %d; want %d", field, got, want)
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

func checkFixed(t *testing.T, head []byte) {
	t.Helper()
	fixed := FixHead(head, "localhost")
	if again := FixHead(fixed, "localhost"); !bytes.Equal(again, fixed) {
		t.Errorf("fixed twice, %q is %q", fixed, again)
	}
	if IsSound(head) && !bytes.Equal(fixed, head) {
		t.Errorf("%q is sound, but fixed it is %q", head, fixed)
	}
	if n := HeadLength(fixed); n != len(fixed) {
		t.Errorf("the head of %q has %d bytes", fixed, n)
	}
	before, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return
	}
	after, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(fixed)))
	if err != nil {
		t.Errorf("%q was a request, %q is %v", head, fixed, err)
		return
	}
	if before.Host == "" {
		before.Host = after.Host
	}
	if !strings.EqualFold(before.Method, after.Method) || before.RequestURI != after.RequestURI || before.Proto != after.Proto && after.Method != "SOURCE" ||
		before.Host != after.Host || before.ContentLength != after.ContentLength || !reflect.DeepEqual(before.Header, after.Header) {
		t.Errorf("%q means %+v, %q means %+v", head, before, fixed, after)
	}
}
