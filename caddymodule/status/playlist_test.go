package status_test

import (
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

func TestPlaylist(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3"}, {Path: "/*.ogg"}}})
	h.OnAir(t, "/some.mp3", nil)
	h.OnAir(t, "/a b%?#ü.mp3", nil)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/live.mp3.m3u", 200, "http://example.com/live.mp3\r\n"},
		{"/some.mp3.m3u", 200, "http://example.com/some.mp3\r\n"},
		{"/a%20b%25%3f%23%c3%bc.mp3.m3u", 200, "http://example.com/a%20b%25%3F%23%C3%BC.mp3\r\n"},
		{"/live.ogg.m3u", 404, ""},
		{"/*.ogg.m3u", 404, ""},
		{"/live.mp3.M3U", 404, ""},
		{"/.m3u", 404, ""},
	} {
		resp := h.Get(t, tt.path)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %d; want %d", tt.path, resp.StatusCode, tt.status)
			continue
		}
		if tt.status != 200 {
			continue
		}
		if got := moduletest.Body(t, resp); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.path, got, tt.want)
		}
		if got := resp.Header.Get("Content-Type"); got != "audio/x-mpegurl" {
			t.Errorf("%s: content type %q", tt.path, got)
		}
	}
}
