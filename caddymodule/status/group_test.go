package status_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// A group is one more stream on the page and in the status JSON, with those of its mounts that are live and
// not hidden. Readers that know mounts only find what they found before.
func TestAGroupIsAStreamOfItsOwn(t *testing.T) {
	rewind := &caddymodule.HLS{Rewind: caddy.Duration(2 * time.Hour)}
	h := moduletest.New(t, &caddymodule.Station{
		Mounts: []*caddymodule.Mount{{Path: "/*.aac", HLS: rewind}, {Path: "/hidden.aac", Hidden: new(true)}, {Path: "/short.aac", HLS: new(caddymodule.HLS)}},
		HLSGroups: []*caddymodule.HLSGroup{
			{Path: "/all <b>.m3u8", Name: "Our <b>", Mounts: []string{"/hidden.aac", "/high.aac", "/low.aac", "/off.aac"}},
			{Path: "/off.m3u8", Mounts: []string{"/hidden.aac", "/off.aac"}},
			{Path: "/short.m3u8", Mounts: []string{"/low.aac", "/short.aac"}},
		},
	})
	const page = "/status-json.xsl"
	icestats, source := statusOf(t, h, page)
	if _, ok := icestats["hls_groups"]; ok || source != nil {
		t.Errorf("without a stream there are %v, %v", icestats, source)
	}
	for _, mount := range []string{"/hidden.aac", "/high.aac", "/low.aac", "/short.aac"} {
		h.OnAir(t, mount, nil)
	}
	all := `{"listeners":0,"listenurl":"http://example.com/all%20%3Cb%3E.m3u8","mounts":["/high.aac","/low.aac"],"server_name":"Our \u003cb\u003e"}`
	short := `{"listeners":0,"listenurl":"http://example.com/short.m3u8","mounts":["/low.aac","/short.aac"],"server_name":"short.m3u8"}`
	for query, want := range map[string]string{"": "[" + all + "," + short + "]", "?mount=/short.m3u8": "[" + short + "]", "?mount=/low.aac": "null"} {
		icestats, source := statusOf(t, h, page+query)
		if got, _ := json.Marshal(icestats["hls_groups"]); string(got) != want {
			t.Errorf("%s: the groups are %s", query, got)
		}
		if urls := listenURLs(source); query == "" && !slices.Equal(urls, []string{"http://example.com/high.aac", "http://example.com/low.aac", "http://example.com/short.aac"}) {
			t.Errorf("the mounts are %q", urls)
		}
	}

	html := moduletest.Body(t, h.Do(t, httptest.NewRequest(http.MethodGet, "/status.xsl", nil)))
	article := func(mount string) string {
		t.Helper()
		_, from, _ := strings.Cut(html, `<article data-mount="`+mount+`">`)
		text, _, ok := strings.Cut(from, "</article>")
		if !ok {
			t.Fatalf("there is no %s in\n%s", mount, html)
		}
		return text
	}
	for mount, want := range map[string][]string{
		"/all &lt;b&gt;.m3u8": {`<h2>Our &lt;b&gt;</h2>`, ` src="./high.aac" data-hls="./all%20%3Cb%3E.m3u8" `, `min="-7160"`, `>HLS</a> of /high.aac, /low.aac</p>`},
		"/short.m3u8":         {` src="./low.aac" data-hls="./short.m3u8" `},
		"/low.aac":            {` src="./low.aac" data-hls="./low.aac.m3u8" `, `min="-7160"`, `"./low.aac.xspf"`},
	} {
		got := article(mount)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s has no %s:\n%s", mount, part, got)
			}
		}
		if controls := strings.Contains(got, `class="rewind" hidden`); controls == (mount == "/short.m3u8") {
			t.Errorf("%s has a rewind: %t", mount, controls)
		}
	}
	if n := len(regexp.MustCompile(`<article `).FindAllString(html, -1)); n != 5 || strings.Contains(html, "hidden.aac") {
		t.Errorf("%d streams are shown", n)
	}
	h.OnAir(t, "/short.m3u8", nil)
	html = moduletest.Body(t, h.Do(t, httptest.NewRequest(http.MethodGet, "/status.xsl", nil)))
	if n := strings.Count(html, `data-mount="/short.m3u8"`); n != 1 {
		t.Errorf("a source at the path of a group is shown %d times", n)
	}
}
