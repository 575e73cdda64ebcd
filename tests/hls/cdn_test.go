package hls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// nginxConfig is a cache in front of a server, which logs from where each answer came.
const nginxConfig = `daemon off;
master_process off;
error_log stderr;
pid %[1]s/nginx.pid;
events {}
http {
	log_format status "$upstream_cache_status $uri";
	access_log %[1]s/access.log status;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	proxy_cache_path %[1]s/cache keys_zone=hls:1m;
	server {
		listen %[2]s;
		location / {
			proxy_pass http://%[3]s;
			proxy_cache hls;
			proxy_cache_lock on;
		}
	}
}
`

// startCache begins to run nginx as a cache in front of a server, and returns its address and its log.
func startCache(t *testing.T, s *harness.Server, at string) (log func() string) {
	dir := t.TempDir()
	harness.WriteFile(t, dir+"/nginx.conf", fmt.Sprintf(nginxConfig, dir, at, s.Plain))
	harness.Launch(t, "nginx", "-p", dir, "-c", dir+"/nginx.conf")
	harness.Eventually(t, "nginx answers", harness.At(t, at).Answers)
	return func() string { return harness.ReadFile(t, dir+"/access.log") }
}

// Segments come from a cache, which loads each of them once, and listeners are counted where their
// playlists come from.
func TestSegmentsComeFromACache(t *testing.T) {
	harness.Program(t, "nginx")
	at := harness.FreeAddress(t)
	hls := "{\n\t\thls {\n\t\t\tsegment 1s\n\t\t\trewind 10m\n\t\t\tsegments_from http://" + at + "\n\t\t}\n\t}"
	s := harness.Start(t, station("mount /live.aac "+hls+"\n\tmount /live.opus "+hls))
	log := startCache(t, s, at)
	for _, mount := range []string{"/live.aac", "/live.opus"} {
		encode(t, s, mount)
		harness.Eventually(t, mount+" is there", func() error { return answers(get(t, s, mount+".m3u8"), http.StatusOK) })
		base := "http://" + at + mount + ".hls/"
		for _, name := range []string{"index", "rewind"} {
			l := load(t, s, mount+".hls/"+name+".m3u8")
			if l.init != "" && !strings.HasPrefix(l.init, base+"init-") || l.init == "" && mount == "/live.opus" {
				t.Errorf("the init of %s is at %s", mount, l.init)
			}
			for _, segment := range l.segments {
				if !strings.HasPrefix(segment.name, base) {
					t.Errorf("a segment of %s is at %s", mount, segment.name)
				}
			}
		}
		if entry := text(t, get(t, s, mount+".m3u8")); !strings.Contains(entry, "\n."+mount+".hls/index.m3u8?s=") {
			t.Errorf("the entry is\n%s", entry)
		}
	}
	if csp := get(t, s, "/status.xsl").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' http://"+at+"; media-src *") {
		t.Errorf("the page may load from %s", csp)
	}
	s.WaitForListeners("/live.aac", 1) // the bookmark of this test
	urls := map[string]string{"/live.aac": "http://" + s.Plain + "/live.aac.m3u8"}
	for _, ear := range []ear{playFFmpeg(t, t.TempDir(), urls), playChromium("hls.js")(t, "", urls)} {
		harness.Eventually(t, "the tone is heard", func() error {
			if heard := ear.seconds("/live.aac", 440); heard < 5 {
				return fmt.Errorf("%g seconds are heard: %v", heard, ear)
			}
			return nil
		})
	}
	s.WaitForListeners("/live.aac", 3)
	loads := make(map[string]int)
	for line := range strings.Lines(log()) {
		status, uri, _ := strings.Cut(strings.TrimSpace(line), " ")
		loads[status]++
		if strings.HasSuffix(uri, ".m3u8") {
			t.Errorf("the cache was asked for %s", uri)
		}
		if status != "HIT" && strings.Contains(uri, ".hls/") {
			if loads[uri]++; loads[uri] > 1 {
				t.Errorf("the cache has loaded %s %d times", uri, loads[uri])
			}
		}
	}
	if loads["HIT"] < 3 {
		t.Errorf("the cache had %d of the segments, and loaded %d", loads["HIT"], loads["MISS"])
	}
}

// Playlists in caches are the same for all, and nobody is counted. Those of a mount that asks for
// credentials are not in caches, even if another block says so.
func TestPlaylistsInCaches(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("icecast-auth-user", "1") }))
	defer backend.Close()
	s := harness.Start(t, station("mount /*.mp3 {\n\t\thls {\n\t\t\tsegment 2s\n\t\t\trewind 10m\n\t\t\tcache playlists 1s\n\t\t}\n\t}\n\tmount /secret* {\n\t\tauth url {\n\t\t\tlistener_add "+backend.URL+"\n\t\t}\n\t}"))
	s.WaitForLog(map[string]any{"msg": "listeners by HLS are not counted, since caches may keep the playlists", "mount": "/*.mp3"})
	feed(t, s, "/live.mp3")
	feed(t, s, "/secret.mp3")
	for path, list := range map[string]string{"/live.mp3.m3u8": "index", "/live.mp3.m3u8?rewind": "rewind"} {
		entry := text(t, get(t, s, path))
		if !strings.HasSuffix(entry, "\n./live.mp3.hls/"+list+".m3u8\n") || entry != text(t, get(t, s, path, "User-Agent", "another")) {
			t.Errorf("the entry is\n%s", entry)
		}
		for _, at := range []string{path, "/live.mp3.hls/" + list + ".m3u8", "/live.mp3.hls/" + list + ".m3u8?s=" + strings.Repeat("A", 32)} {
			for _, agent := range []string{"one", "two"} {
				resp := get(t, s, at, "User-Agent", agent)
				if cache := resp.Header.Get("Cache-Control"); resp.StatusCode != http.StatusOK || cache != "public, max-age=1" || resp.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s: %s, %q", at, resp.Status, cache)
				}
			}
		}
	}
	for _, at := range []string{"/live.mp3.hls/1.mp3", "/none.mp3.m3u8", "/none.mp3.hls/index.m3u8"} {
		if resp := get(t, s, at); resp.StatusCode != http.StatusNotFound || !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %s, %q", at, resp.Status, resp.Header.Get("Cache-Control"))
		}
	}
	s.WaitForListeners("/live.mp3", 0)
	resp := get(t, s, "/secret.mp3.m3u8", "Authorization", "Basic YTpi")
	if entry := text(t, resp); !strings.Contains(entry, "?s=") || !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the entry of a protected mount has %q\n%s", resp.Header.Get("Cache-Control"), entry)
	}
	if err := answers(get(t, s, "/secret.mp3.hls/index.m3u8"), http.StatusUnauthorized); err != nil {
		t.Error(err)
	}
}
