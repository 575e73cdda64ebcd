package hls_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// frame is how long a frame of a numbered source sounds, about.
const frame = 26 * time.Millisecond

// short makes segments of a second, so that tests take seconds.
const short = "hls {\n\t\t\tsegment 1s\n\t\t}"

// play begins to feed a mount, until the test ends.
func play(t testing.TB, s *harness.Server, mount string) *harness.Source {
	t.Helper()
	source := s.Source(mount)
	source.MayEnd = true
	source.Send(100)
	stop := make(chan struct{})
	done := source.Run(frame, stop)
	t.Cleanup(func() { close(stop); <-done })
	return source
}

// listeners returns the elements of a mount's listeners.
func listeners(s *harness.Server, mount string) []harness.Node {
	source, _ := s.Admin("listclients?mount=" + mount).Source(mount)
	var all []harness.Node
	for _, n := range source.Nodes {
		if n.XMLName.Local == "listener" {
			all = append(all, n)
		}
	}
	return all
}

func TestAPlayerIsOneListenerUntilItCeasesToPoll(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"), "metrics /metrics")
	play(t, s, "/live.mp3")

	for range 5 { // looking is not listening
		enter(t, s, "/live.mp3")
	}
	p, q := newPlayer(t, s, "/live.mp3"), newPlayer(t, s, "/live.mp3")
	s.WaitForListeners("/live.mp3", 2)
	q.until("another segment", func(l list) bool { return len(q.heard) > 3 })
	p.poll()
	got := listeners(s, "/live.mp3")
	if len(got) != 2 {
		t.Fatalf("%d listeners are listed, want 2", len(got))
	}
	for name, want := range map[string]string{"UserAgent": "Go-http-client/1.1", "protocol": "hls", "IP": "127.0.0.1"} {
		if n, _ := got[0].Child(name); n.Text != want {
			t.Errorf("%s is %q, want %q", name, n.Text, want)
		}
	}
	if n, _ := got[1].Child("bytes_sent"); n.Text == "0" || n.Text == "" {
		t.Errorf("%s bytes were sent", n.Text)
	}
	if body := text(t, get(t, s, "/metrics")); !strings.Contains(body, `icecast_listeners{mount="/live.mp3",protocol="hls",station="default",tls="false"} 2`) {
		t.Error("the metrics have not 2 listeners by HLS")
	}

	// A list without a session is played, too: as one listener by address and program.
	bare, _, _ := strings.Cut(p.path, "?")
	for range 3 {
		load(t, s, bare)
	}
	s.WaitForListeners("/live.mp3", 3)

	// An administrator ends one for good.
	id, _ := got[0].Child("ID")
	s.Admin("killclient?mount=/live.mp3&id=" + id.Text)
	s.WaitForListeners("/live.mp3", 2)
	if resp := get(t, s, p.path); resp.StatusCode != http.StatusForbidden || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the removed one is answered %s, %q", resp.Status, resp.Header)
	}
	q.poll()
	line := s.WaitForLog(map[string]any{"msg": "listener", "mount": "/live.mp3", "reason": "removed"})
	if line["proto"] != "hls" || fmt.Sprint(line["id"]) == "" {
		t.Errorf("its end is logged as %v", line)
	}
}

func TestLimitsHoldForPlayersOfHLS(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\tmax_listeners 2\n\t\t"+short+"\n\t}"))
	play(t, s, "/live.mp3")
	third := enter(t, s, "/live.mp3")
	newPlayer(t, s, "/live.mp3")
	l := s.Listen("/live.mp3", harness.HTTP1, false)
	defer l.Stop()
	s.WaitForListeners("/live.mp3", 2)
	if resp := get(t, s, third); resp.StatusCode != http.StatusForbidden {
		t.Errorf("the third is answered %s", resp.Status)
	}
	if resp := get(t, s, "/live.mp3.m3u8"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("the entry is answered %s", resp.Status)
	}
}

// The authentication is asked once, at the entry; the address of the list is the ticket then.
func TestAuthenticationIsAskedAtTheEntry(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Form.Get("action")+" "+r.Form.Get("user"))
		if r.Form.Get("pass") == "secret" || r.Form.Get("action") == "listener_remove" {
			w.Header().Set("icecast-auth-user", "1")
		}
	}))
	defer backend.Close()
	config := station("mount /* {\n\t\t" + short + "\n\t\tauth url {\n\t\t\tlistener_add " + backend.URL + "\n\t\t\tlistener_remove " + backend.URL + "\n\t\t}\n\t}")
	s := harness.Start(t, config)
	play(t, s, "/live.mp3")
	play(t, s, "/other.mp3")
	login := []string{"Authorization", strings.TrimSpace(strings.TrimPrefix(harness.BasicAuth("ann", "secret"), "Authorization: "))}

	if resp := get(t, s, "/live.mp3.m3u8"); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("without credentials: %s, %q", resp.Status, resp.Header)
	}
	at := enter(t, s, "/live.mp3", login...)
	l := load(t, s, at)
	if user, _ := listeners(s, "/live.mp3")[0].Child("username"); user.Text != "ann" {
		t.Errorf("the listener is %q", user.Text)
	}
	_, id, _ := strings.Cut(at, "?")
	if entry := text(t, get(t, s, "/live.mp3.m3u8?"+id)); !strings.HasSuffix(entry, id+"\n") { // it plays already
		t.Errorf("the entry for a ticket is\n%s", entry)
	}
	for path, want := range map[string]int{
		"/live.mp3.m3u8?s=" + strings.Repeat("A", 32):                            http.StatusUnauthorized,
		"/other.mp3.m3u8?" + id:                                                  http.StatusUnauthorized,
		"/live.mp3.hls/" + l.segments[0].name:                                    http.StatusOK,
		fmt.Sprintf("/live.mp3.hls/%d.mp3", l.sequence):                          http.StatusNotFound,
		fmt.Sprintf("/live.mp3.hls/%d-000000000000.mp3", l.sequence):             http.StatusNotFound,
		"/live.mp3.hls/index.m3u8":                                               http.StatusUnauthorized,
		"/live.mp3.hls/index.m3u8?s=" + strings.Repeat("A", 32):                  http.StatusForbidden,
		strings.Replace(enter(t, s, "/other.mp3", login...), "other", "live", 1): http.StatusForbidden,
	} {
		if resp := get(t, s, path); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
	if resp := get(t, s, "/live.mp3.hls/"+l.segments[0].name); resp.Header.Get("Cache-Control") != "private, max-age=600" {
		t.Errorf("a protected segment has %q", resp.Header.Get("Cache-Control"))
	}
	// Another process of the station, such as the next one, takes the ticket as well.
	harness.StopCaddy(t)
	last := l.sequence + len(l.segments) // what came at once was ahead of the clock
	harness.Eventually(t, "the clock has passed the list", func() error {
		if now := time.Now().Unix(); now <= int64(last) {
			return fmt.Errorf("it is %d", now)
		}
		return nil
	})
	if err := s.Load(config); err != nil {
		t.Fatal(err)
	}
	play(t, s, "/live.mp3")
	if after := load(t, s, at); after.sequence <= l.sequence {
		t.Errorf("after a restart the list begins with %d, before it had %d", after.sequence, l.sequence)
	}
	mu.Lock()
	defer mu.Unlock()
	count := make(map[string]int)
	for _, a := range asked {
		count[a]++
	}
	if count["listener_add ann"] != 2 || count["listener_remove ann"] < 1 { // of both mounts
		t.Errorf("asked %q", asked)
	}
}

// What caches and pages of other origins need.
func TestHeadersOfAnswers(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"))
	play(t, s, "/live.mp3")
	at := enter(t, s, "/live.mp3")
	l := load(t, s, at)
	segment := "/live.mp3.hls/" + l.segments[0].name
	for _, c := range []struct {
		path                       string
		status                     int
		contentType, cache, length string
	}{
		{"/live.mp3.m3u8", 200, "application/vnd.apple.mpegurl", "no-cache, no-store", ""},
		{at, 200, "application/vnd.apple.mpegurl", "no-cache", ""},
		{segment, 200, "audio/mpeg", "public, max-age=86400, immutable", ""},
		{"/live.mp3.hls/1.mp3", 404, "text/plain; charset=utf-8", "no-cache, no-store", ""},
		{"/live.mp3.hls/index.m3u8x", 404, "text/plain; charset=utf-8", "no-cache, no-store", ""},
		{"/none.mp3.m3u8", 404, "text/plain; charset=utf-8", "no-cache, no-store", ""},
	} {
		resp := get(t, s, c.path)
		h := resp.Header
		if resp.StatusCode != c.status || h.Get("Content-Type") != c.contentType || h.Get("Cache-Control") != c.cache ||
			h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Length") == "" {
			t.Errorf("%s: %s, %q", c.path, resp.Status, h)
		}
	}
	zipped := get(t, s, at, "Accept-Encoding", "gzip, identity;q=1, *;q=0")
	if zipped.Header.Get("Content-Encoding") != "gzip" || zipped.Header.Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(gunzip(t, zipped.Body), "#EXTM3U\n") {
		t.Errorf("compressed: %q", zipped.Header)
	}
	if plain := get(t, s, at, "Accept-Encoding", "gzip;q=0, identity"); plain.Header.Get("Content-Encoding") != "" {
		t.Error("compressed for a player that refuses it")
	}
	part := get(t, s, segment, "Range", "bytes=3-6")
	if body, _ := io.ReadAll(part.Body); part.StatusCode != http.StatusPartialContent || string(body) != "\x04\x00\x00\x00"[:4] && len(body) != 4 {
		t.Errorf("a range: %s, %q", part.Status, body)
	}
	whole, err := http.Head("http://" + s.Plain + segment)
	if err != nil || whole.ContentLength != int64(len(text(t, get(t, s, segment)))) {
		t.Errorf("HEAD: %d bytes, %v", whole.ContentLength, err)
	}
}

// A name of a mount that looks like something else in a URL is found all the same.
func TestAnyNameOfAMount(t *testing.T) {
	s := harness.Start(t, station("mount /** {\n\t\t"+short+"\n\t}"))
	for _, name := range []string{"/a:b.mp3", "/dj/live+1.mp3"} {
		play(t, s, name)
		entry := (&url.URL{Path: name + ".m3u8"}).EscapedPath()
		lines := strings.Fields(text(t, get(t, s, entry)))
		base, _ := url.Parse(entry)
		list, err := base.Parse(lines[len(lines)-1])
		if err != nil {
			t.Fatal(err)
		}
		l := load(t, s, list.String())
		file, _ := list.Parse(l.segments[0].name)
		text(t, get(t, s, file.String()))
		s.WaitForListeners(name, 1)
	}
}

// A playlist without hls is none, and the paths are those of other mounts or of the site.
func TestMountsWithoutHLSHaveNone(t *testing.T) {
	s := harness.Start(t, station("mount /on.mp3 {\n\t\thls\n\t}\n\tmount /*.mp3 {\n\t\thls off\n\t}"), "handle /page.m3u8 {\n\t\trespond page\n\t}")
	play(t, s, "/live.mp3")
	play(t, s, "/on.mp3.m3u8") // a mount may have that name
	for path, want := range map[string]int{"/live.mp3.m3u8": 404, "/live.mp3.hls/index.m3u8": 404, "/page.m3u8": 200} {
		if resp := get(t, s, path); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
	resp, conn := harness.MustAsk(t, s.Plain, "/on.mp3.m3u8")
	defer conn.Close()
	if resp.Header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("the mount is answered %q", resp.Header)
	}
}
