package listeners

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestListenersAreToldWhatIcecastTells(t *testing.T) {
	s := harness.Start(t, harness.Station, "header /m Cache-Control private", "header /m X-Ours \"a b\"", "header /other X-Other c")
	conn := s.Dial(false)
	resp, _ := harness.SendHead(t, conn, "SOURCE /m HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+
		"Content-Type: audio/mpeg\r\nice-name: Radio \xc3\x84ther\r\nice-genre: rock\r\nice-public: 1\r\n"+
		"icy-url: http://radio.test/\r\nx-audiocast-description: a station\r\nice-audio-info: bitrate=128;samplerate=44100\r\n\r\n")
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	src := &harness.Source{T: t, Out: conn}
	src.Send(10)
	for _, way := range harness.Ways {
		t.Run(fmt.Sprintf("%s/tls=%v", way.Kind, way.Encrypted), func(t *testing.T) {
			s := s.For(t)
			l := s.Listen("/m", way.Kind, way.Encrypted)
			l.Stop()
			for name, want := range map[string]string{
				"Content-Type":                "audio/mpeg",
				"icy-name":                    "Radio Äther",
				"icy-genre":                   "rock",
				"icy-pub":                     "1",
				"icy-url":                     "http://radio.test/",
				"icy-description":             "a station",
				"icy-br":                      "128",
				"ice-audio-info":              "bitrate=128;samplerate=44100",
				"Access-Control-Allow-Origin": "*",
				"Cache-Control":               "private", // as the site says
				"X-Ours":                      "a b",
				"X-Other":                     "",
				"Content-Length":              "",
				"Transfer-Encoding":           "",
			} {
				if got := l.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(l.Header.Get("Access-Control-Expose-Headers"), "Icy-MetaInt") {
				t.Error("pages can't read the metadata interval")
			}
			if got := l.Header.Get("icy-metaint"); (got == "16000") != way.TakesMetadata() {
				t.Errorf("icy-metaint: %q", got)
			}
			want := map[harness.Kind]string{harness.HTTP10: "HTTP/1.0", harness.HTTP1: "HTTP/1.1", harness.HTTP1Metadata: "HTTP/1.1", harness.HTTP1Wired: "HTTP/1.1", harness.HTTP1WiredMetadata: "HTTP/1.1", harness.HTTP2: "HTTP/2.0", harness.HTTP3: "HTTP/3.0"}[way.Kind]
			if l.Proto != want {
				t.Errorf("answered by %s, want %s", l.Proto, want)
			}
		})
	}
}

func TestTheHeadOfAStreamIsWhatTinyPlayersLookFor(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(2)
	conn := s.Dial(false)
	_, _ = io.WriteString(conn, "GET /m HTTP/1.1\r\nHost: x\r\nIcy-MetaData:1\r\n\r\n")
	var lines []string
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
	}
	if lines[0] != "HTTP/1.1 200 OK" {
		t.Errorf("the first line is %q", lines[0])
	}
	for _, want := range []string{"icy-name:Test", "icy-pub:0", "icy-metaint:16000", "Connection: close"} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no line %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

func TestOtherThingsThatAMountIsAsked(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(2)
	for _, c := range []struct {
		method, path string
		status       int
		header       map[string]string
		body         string
	}{
		{"HEAD", "/m", 200, map[string]string{"Content-Type": "audio/mpeg", "Icy-Name": "Test"}, ""},
		{"OPTIONS", "/m", 204, map[string]string{"Allow": "GET, PUT, SOURCE, OPTIONS", "Access-Control-Allow-Headers": "Authorization, Icy-MetaData, Origin, Range"}, ""},
		{"OPTIONS", "/other", 204, map[string]string{"Allow": "GET, PUT, SOURCE, OPTIONS"}, ""},
		{"GET", "/other", 404, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, "no source is on /other"},
		{"GET", "/<script>", 404, map[string]string{"X-Content-Type-Options": "nosniff"}, "no source is on"},
		{"HEAD", "/other", 404, nil, ""},
		{"DELETE", "/m", 405, map[string]string{"Allow": "GET, PUT, SOURCE, OPTIONS"}, ""},
		{"POST", "/m", 405, nil, ""},
		{"GET", "/m.m3u", 200, map[string]string{"Content-Type": "audio/x-mpegurl"}, "http://" + s.Plain + "/m\r\n"},
		{"GET", "/other.m3u", 404, nil, ""},
		{"GET", "/admin/!POKE", 400, nil, "Unrecognised command"}, // libshout's, for old servers
		{"POST", "/admin/nothing", 400, nil, "Unrecognised command"},
		{"GET", "/status-json.xsl", 200, map[string]string{"Content-Type": "application/json; charset=utf-8"}, `"listener_peak":0,`}, // in spite of HEAD
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			req, err := http.NewRequest(c.method, "http://"+s.Plain+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !bytes.Contains(body, []byte(c.body)) {
				t.Errorf("answered %s: %q", resp.Status, body)
			}
			for name, want := range c.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}
