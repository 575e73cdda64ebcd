package hls_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// station is the configuration of most tests, with more lines in it.
func station(lines string) string {
	return "icecast {\n\tsource_password hackme\n\tadmin_password letmein\n\t" + lines + "\n}"
}

// transport adds no field to a request.
var transport = &http.Transport{DisableCompression: true}

// get requests a path of the plain site.
func get(t testing.TB, s *harness.Server, path string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := transport.RoundTrip(req) // follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// answers reports whether an answer has a status.
func answers(resp *http.Response, status int) error {
	resp.Body.Close()
	if resp.StatusCode != status {
		return fmt.Errorf("answered %s, want %d", resp.Status, status)
	}
	return nil
}

// text returns the body of an answer, which must be 200.
func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	return string(body)
}

// enter loads the entry of a mount and returns the path of its list.
func enter(t testing.TB, s *harness.Server, mount string, header ...string) string {
	t.Helper()
	lines := strings.Fields(text(t, get(t, s, mount+".m3u8", header...)))
	at, err := (&url.URL{Path: mount}).Parse(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}

// segment is a line of a list.
type segment struct {
	name    string
	seconds float64
	time    time.Time
	mark    bool
}

// list is a list as a player reads it.
type list struct {
	sequence, discontinuity, target int
	init                            string
	segments                        []segment
	ended                           bool
}

func parse(t testing.TB, body string) (l list) {
	t.Helper()
	var next segment
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		tag, value, _ := strings.Cut(lines.Text(), ":")
		number, _ := strconv.Atoi(value)
		switch tag {
		case "#EXT-X-MEDIA-SEQUENCE":
			l.sequence = number
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.discontinuity = number
		case "#EXT-X-TARGETDURATION":
			l.target = number
		case "#EXT-X-MAP":
			l.init = strings.Trim(strings.TrimPrefix(value, "URI="), `"`)
		case "#EXT-X-DISCONTINUITY":
			next.mark = true
		case "#EXT-X-ENDLIST":
			l.ended = true
		case "#EXT-X-PROGRAM-DATE-TIME":
			next.time, _ = time.Parse(time.RFC3339, value)
		case "#EXTINF":
			next.seconds, _ = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
		default:
			if !strings.HasPrefix(tag, "#") {
				next.name = lines.Text()
				l.segments, next = append(l.segments, next), segment{}
			}
		}
	}
	if len(l.segments) == 0 {
		t.Fatalf("an empty list:\n%s", body)
	}
	return l
}

// load loads a list.
func load(t testing.TB, s *harness.Server, path string) list {
	t.Helper()
	return parse(t, text(t, get(t, s, path)))
}

// player polls a list until the test ends it, and keeps all that it hears.
type player struct {
	t      testing.TB
	s      *harness.Server
	path   string
	folder string

	seen    map[string]bool
	last    list
	heard   []segment
	files   [][]byte
	polled  int
	newList int // how often MEDIA-SEQUENCE jumped over what it has not heard
}

func newPlayer(t testing.TB, s *harness.Server, mount string) *player {
	p := &player{t: t, s: s, path: enter(t, s, mount), folder: mount + ".hls/", seen: make(map[string]bool)}
	p.poll()
	return p
}

// poll loads the list, and what is new in it.
func (p *player) poll() list {
	p.t.Helper()
	before := p.last
	p.last = load(p.t, p.s, p.path)
	p.polled++
	switch {
	case p.polled == 1:
	case p.last.sequence < before.sequence || p.last.discontinuity < before.discontinuity || p.last.target != before.target:
		p.t.Fatalf("a list goes back, from %+v to %+v", before, p.last)
	case p.last.sequence > before.sequence+len(before.segments):
		p.newList++
	}
	for _, s := range p.last.segments {
		if p.seen[s.name] {
			continue
		}
		p.seen[s.name] = true
		data := text(p.t, get(p.t, p.s, p.folder+s.name))
		p.heard, p.files = append(p.heard, s), append(p.files, []byte(data))
	}
	return p.last
}

// until polls until a condition holds.
func (p *player) until(what string, holds func(list) bool) {
	p.t.Helper()
	harness.Eventually(p.t, what, func() error {
		if l := p.poll(); !holds(l) {
			return fmt.Errorf("the list has %d segments from %d on", len(l.segments), l.sequence)
		}
		return nil
	})
}

// gunzip decompresses a body.
func gunzip(t testing.TB, r io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
