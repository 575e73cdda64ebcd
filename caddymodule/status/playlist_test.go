package status_test

import (
	"encoding/xml"
	"reflect"
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

// xspf is a playlist as a player reads it.
type xspf struct {
	Title  string  `xml:"http://xspf.org/ns/0/ title"`
	Tracks []track `xml:"trackList>track"`
}

type track struct {
	Location   string `xml:"location"`
	Title      string `xml:"title"`
	Creator    string `xml:"creator"`
	Annotation string `xml:"annotation"`
	Info       string `xml:"info"`
	Image      string `xml:"image"`
}

func TestXSPFDescribesTheStream(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/off.mp3", Name: "Off"}}})
	live := h.OnAir(t, "/live.mp3", map[string]string{
		"ice-name": "Radio <X>", "ice-description": "All day", "ice-genre": "various", "ice-bitrate": "128", "ice-url": "https://radio.example.org",
	})
	h.OnAir(t, "/plain.mp3", nil)
	live.Mount.SetMetadata("Ann & Bob", "Song", "https://radio.example.org/covers/1.JPG?x=1")
	for path, want := range map[string]xspf{
		"/live.mp3": {Title: "Radio <X>", Tracks: []track{{
			"http://example.com/live.mp3", "Song", "Ann & Bob",
			"Stream Title: Radio <X>\nStream Description: All day\nContent Type: audio/mpeg\nBitrate: 128\nStream Genre: various",
			"https://radio.example.org", "https://radio.example.org/covers/1.JPG?x=1",
		}}},
		"/plain.mp3": {Title: "/plain.mp3", Tracks: []track{{
			"http://example.com/plain.mp3", "/plain.mp3", "", "Stream Title: /plain.mp3\nContent Type: audio/mpeg", "", "",
		}}},
		"/off.mp3": {Title: "Off", Tracks: []track{{"http://example.com/off.mp3", "Off", "", "Stream Title: Off", "", ""}}},
	} {
		var got xspf
		body := moduletest.Body(t, h.Get(t, path+".xspf"))
		if err := xml.Unmarshal([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v: %+v; want %+v", path, err, got, want)
		}
	}
	for _, other := range []string{"https://radio.example.org/now", "javascript:alert(1).png", "/cover.png"} {
		live.Mount.SetMetadata("", "Song", other)
		var got xspf
		if err := xml.Unmarshal([]byte(moduletest.Body(t, h.Get(t, "/live.mp3.xspf"))), &got); err != nil || got.Tracks[0].Image != "" {
			t.Errorf("%v: %s is taken for an image", err, got.Tracks[0].Image)
		}
	}
}
