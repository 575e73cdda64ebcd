package hls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A group whose mounts may be in caches has the same entry for everybody, and counts nobody. If one of
// them asks for credentials, all are counted.
func TestAGroupInCaches(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("icecast-auth-user", "1") }))
	defer backend.Close()
	s := harness.Start(t, station("mount /*.mp3 {\n\t\thls {\n\t\t\tsegment 2s\n\t\t\tcache playlists 1s\n\t\t}\n\t}\n\tmount /secret* {\n\t\tauth url {\n\t\t\tlistener_add "+backend.URL+
		"\n\t\t}\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.mp3 /low.mp3\n\t}\n\thls /mixed.m3u8 {\n\t\tmounts /secret.mp3 /low.mp3\n\t}"))
	for _, mount := range []string{"/high.mp3", "/low.mp3", "/secret.mp3"} {
		feed(t, s, mount)
	}
	var lists []string
	harness.Eventually(t, "both mounts are in the entry", func() error {
		resp := get(t, s, "/live.m3u8")
		if cache := resp.Header.Get("Cache-Control"); cache != "public, max-age=1" {
			t.Fatalf("the entry has %q", cache)
		}
		if lists, _ = variants(text(t, resp)); strings.Join(lists, " ") != "/high.mp3.hls/index.m3u8 /low.mp3.hls/index.m3u8" {
			return fmt.Errorf("it has %q", lists)
		}
		return nil
	})
	for _, list := range lists {
		resp := get(t, s, list)
		if cache := resp.Header.Get("Cache-Control"); resp.StatusCode != http.StatusOK || cache != "public, max-age=1" {
			t.Errorf("%s: %s, %q", list, resp.Status, cache)
		}
	}
	s.WaitForListeners("/high.mp3", 0)
	resp := get(t, s, "/mixed.m3u8", "Authorization", "Basic YTpi")
	if cache := resp.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		t.Errorf("an entry with a protected mount has %q", cache)
	}
	lists, _ = variants(text(t, resp))
	if len(lists) != 2 || !strings.Contains(lists[0], "/secret.mp3.hls/index.m3u8?s=") {
		t.Fatalf("it has %q", lists)
	}
	load(t, s, lists[0])
	s.WaitForListeners("/secret.mp3", 1)
}
