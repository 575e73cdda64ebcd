package handler

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming"
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

// A browser takes the last of several types in one field, so that a source could run scripts
// on the station's origin.
func TestAStreamIsSandboxedUnlessItsTypeIsListed(t *testing.T) {
	for in, want := range map[string]struct{ contentType, policy string }{
		"audio/mpeg":                      {"audio/mpeg", ""},
		"audio/ogg; codecs=opus":          {"audio/ogg; codecs=opus", ""},
		"application/ogg":                 {"application/ogg", ""},
		"video/webm":                      {"video/webm", ""},
		"video/x,text/html":               {"application/octet-stream", "sandbox"},
		"audio/mpeg,text/html":            {"application/octet-stream", "sandbox"},
		"audio/mpeg; a=b, text/html":      {"audio/mpeg", ""},
		"text/html":                       {"text/html", "sandbox"},
		"image/svg+xml":                   {"image/svg+xml", "sandbox"},
		"audio/x-unknown":                 {"audio/x-unknown", "sandbox"},
		"":                                {"application/octet-stream", "sandbox"},
		"audio/mpeg\r\nX-Evil: 1":         {"application/octet-stream", "sandbox"},
		"multipart/x-mixed-replace;bound": {"multipart/x-mixed-replace", "sandbox"},
	} {
		header := make(http.Header)
		listenerFields(header, streaming.Stream{Type: in}, 0)
		if got := header.Get("Content-Type"); got != want.contentType {
			t.Errorf("%q is sent as %q; want %q", in, got, want.contentType)
		}
		if got := header.Get("Content-Security-Policy"); got != want.policy {
			t.Errorf("%q has the policy %q; want %q", in, got, want.policy)
		}
	}
}
