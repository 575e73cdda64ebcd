package status_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

// The page names the playlists of mounts with HLS, and where the script is that plays them. Caches
// may keep the script; without scripts the streams are played.
func TestThePageNamesItsScript(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{
		{Path: "/*.mp3", HLS: new(caddymodule.HLS)}, {Path: "/off.mp3", HLS: &caddymodule.HLS{Off: true}},
	}})
	for _, mount := range []string{"/a b.mp3", "/off.mp3", "/live.ogg"} {
		h.OnAir(t, mount, nil)
	}
	r := httptest.NewRequest(http.MethodGet, "/status.xsl", nil)
	page := moduletest.Body(t, h.Do(t, r))
	players := regexp.MustCompile(`<audio [^>]*>`).FindAllString(page, -1)
	if len(players) != 3 || !strings.Contains(players[0], ` src="./a%20b.mp3" data-hls="./a%20b.mp3.m3u8" `) || strings.Contains(players[1]+players[2], "hls") ||
		!strings.Contains(page, `<a href="./a%20b.mp3.m3u8">HLS</a>`) {
		t.Errorf("the players are %q", players)
	}
	if !strings.Contains(page, `data-player=".`+mountpath.HLSScript+`"`) {
		t.Error("the page does not name the script")
	}
	var size counter
	z := gzip.NewWriter(&size)
	_, _ = io.WriteString(z, page)
	_ = z.Close()
	if size > 60<<10 {
		t.Errorf("compressed the page has %d bytes", size)
	}

	plain := h.Get(t, mountpath.HLSScript)
	script := moduletest.Body(t, plain)
	if !strings.HasPrefix(script, "/*! hls.js "+mountpath.HLSVersion+", Apache-2.0") || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("the script is %.80q, %q", script, plain.Header)
	}
	r = httptest.NewRequest(http.MethodGet, mountpath.HLSScript, nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	resp := h.Do(t, r)
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Content-Encoding": "gzip", "Vary": "Accept-Encoding",
		"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	unzip, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unzip); err != nil || string(text) != script {
		t.Errorf("decompressed it is another, %v", err)
	}
}

// counter counts the bytes written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
