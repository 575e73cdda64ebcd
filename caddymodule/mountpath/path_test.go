package mountpath

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddycast/caddycast/streaming/icy"
)

func TestCheck(t *testing.T) {
	const (
		slash   = "path does not begin with a slash; expected one such as /live.mp3"
		name    = "path has empty parts, or dots between its slashes; expected one such as /live.mp3"
		page    = "path is a page of the station, or a playlist; expected another"
		visible = "path has invisible characters, or a space at its end; expected visible UTF-8"
	)
	for _, tt := range []struct{ path, want string }{
		{"/live.mp3", ""},
		{"/l", ""},
		{"/dj/live", ""},
		{"/Übertragung 1.ogg", ""},
		{"/administrator", ""},
		{"/...", ""},
		{`/a\b"'<>&%`, ""},
		{"/" + strings.Repeat("x", 254), ""},
		{"/" + strings.Repeat("x", 255), "path has 256 bytes; expected 255 at most"},
		{"/" + strings.Repeat("ü", 128), "path has 257 bytes; expected 255 at most"},
		{"", slash},
		{"live.mp3", slash},
		{"*", slash},
		{" /live.mp3", slash},
		{"/", name},
		{"/live.mp3/", name},
		{"//live.mp3", name},
		{"/dj//live.mp3", name},
		{"/./live.mp3", name},
		{"/dj/../live.mp3", name},
		{"/..", name},
		{"/admin", page},
		{"/admin/", name},
		{"/admin/metadata", page},
		{"/admin.cgi", page},
		{"/status-json.xsl", page},
		{"/events", page},
		{HLSScript, page},
		{"/live.mp3.m3u", page},
		{"/live.mp3.xspf", page},
		{"/live.vclt", page},
		{"/live\n.mp3", visible},
		{"/live\x00", visible},
		{"/live\x7f", visible},
		{"/live\u0085", visible},
		{"/live\u202egnp.mp3", visible}, // would be shown backwards
		{"/live ", visible},
		{"/\xff", visible},
	} {
		t.Run(fmt.Sprintf("%.40q", tt.path), func(t *testing.T) {
			got := ""
			if err := Check(tt.path); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error %q\nwant  %q", got, tt.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"/*.ogg", "/live.ogg", true},
		{"/*.ogg", "/dj/live.ogg", false},
		{"/live[12]", "/live3", false},
		{"/live[", "/live[", false}, // no pattern
		{All, "/dj/night/live.ogg", true},
		{All, "/live.ogg", true},
	} {
		if got := Matches(tt.pattern, tt.path); got != tt.want {
			t.Errorf("%s matches %s: %t; want %t", tt.pattern, tt.path, got, tt.want)
		}
	}
}

func TestAnIndexFindsTheExactPathThenTheFirstPattern(t *testing.T) {
	var index Index[string]
	for _, p := range []string{"/*.ogg", "/live.*", "/live.ogg", "/night[12].ogg"} {
		index.Add(p, p)
	}
	all := func(string) bool { return true }
	for _, tt := range []struct {
		path, want string
		will       func(string) bool
	}{
		{"/live.ogg", "/live.ogg", all},
		{"/live.ogg", "/*.ogg", IsPattern},
		{"/live.ogg", "/live.*", func(p string) bool { return p == "/live.*" }},
		{"/live.mp3", "/live.*", all},
		{"/other.ogg", "/*.ogg", all},
		{"/night1.ogg", "/*.ogg", all},
		{"/night[12].ogg", "/night[12].ogg", all}, // its own path wins, though it is a pattern
		{"/other.mp3", "", all},
		{"/live.ogg", "", func(string) bool { return false }},
	} {
		if got, ok := index.Find(tt.path, tt.will); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %t; want %q", tt.path, got, ok, tt.want)
		}
	}
}

// FuzzCheck: what is accepted can stand wherever mounts are shown.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"/live.mp3", "/", "//", "/a/../b", "/admin/x", "/\xff\xfe", "/a b", "/%2e%2e", "/a?b#c", "/\u202e", "/*["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		_ = IsPattern(p) && Matches(p, p) // must not panic
		if Check(p) != nil {
			return
		}
		if !strings.HasPrefix(p, "/") || len(p) < 2 || len(p) > MaxLen || path.Clean(p) != p {
			t.Errorf("%q is no clean path", p)
		}
		if !utf8.ValidString(p) || icy.Clean(p) != p {
			t.Errorf("%q has what can't be seen", p)
		}
		if IsReserved(p) {
			t.Errorf("%q is a page", p)
		}
		u, err := url.Parse("http://localhost" + Escape(p))
		if err != nil || u.Path != p || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q is %q in a URL, which reads as %+v (%v)", p, Escape(p), u, err)
		}
	})
}
