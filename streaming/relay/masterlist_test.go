package relay

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

var masterURL, _ = url.Parse("http://master.example:8000")

func TestReadList(t *testing.T) {
	for _, tt := range []struct {
		name, list string
		want       []listed
	}{
		{"Icecast", "/live.mp3\r\n/a%20b.ogg\r\n", []listed{{mount: "/live.mp3", url: "http://master.example:8000/live.mp3"}, {mount: "/a b.ogg", url: "http://master.example:8000/a%20b.ogg"}}},
		{"Icecast-KH", "/admin/streams?mount=/live\r\n", []listed{{mount: "/live", url: "http://master.example:8000/admin/streams?mount=/live"}}},
		{"whole URLs", "https://other.example/x.mp3\n", []listed{{mount: "/x.mp3", url: "https://other.example/x.mp3"}}},
		{"no end of line", "/live", []listed{{mount: "/live", url: "http://master.example:8000/live"}}},
		{"one twice", "/live\n/live\n", []listed{{mount: "/live", url: "http://master.example:8000/live"}}},
		{"what is no mount", "\n# word\n/\n/admin/stats\nftp://x/y\n::\n/a//b\nmailto:x\n/a%00b\n/a%ffb\n/status-json.xsl\n/admin.cgi\nlive.mp3\n/a%0ab\n", nil},
		{"user and password", "http://u:p@other.example/x\n", []listed{{mount: "/x", url: "http://other.example/x"}}},
		{"protected mounts", "/pay\tauth\r\n/in\tallow,tls\r\n/later\tsomething\r\n", []listed{
			{"/pay", "http://master.example:8000/pay", []Protection{ProtectedByAuth}},
			{"/in", "http://master.example:8000/in", []Protection{ProtectedByAllow, ProtectedByTLS}},
			{"/later", "http://master.example:8000/later", []Protection{"something"}},
		}},
		{"a tab without a mark", "/odd\t,\n", []listed{{"/odd", "http://master.example:8000/odd", []Protection{","}}}},
		{"one twice, protected once", "/a\n/a\tauth\n/a\tauth,tls\n/b\tauth\n/b\n", []listed{
			{"/a", "http://master.example:8000/a", []Protection{ProtectedByAuth, ProtectedByTLS}},
			{"/b", "http://master.example:8000/b", []Protection{ProtectedByAuth}},
		}},
		{"nothing", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readList(strings.NewReader(tt.list), masterURL)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestAMasterMayBeAnywhereOnItsSite(t *testing.T) {
	base, _ := url.Parse("https://host.example/radio")
	got, err := readList(strings.NewReader("/live.mp3\n/admin/streams?mount=/x\n"), base)
	want := []listed{{mount: "/live.mp3", url: "https://host.example/radio/live.mp3"}, {mount: "/x", url: "https://host.example/radio/admin/streams?mount=/x"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestALineWithoutEndIsAnError(t *testing.T) {
	if _, err := readList(strings.NewReader("/"+strings.Repeat("x", 2*maxLine)), masterURL); err == nil {
		t.Error("it is read")
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		patterns []string
		mount    string
		want     bool
	}{
		{nil, "/x", true},
		{[]string{"/live*"}, "/live.mp3", true},
		{[]string{"/live*", "/jazz.mp3"}, "/jazz.mp3", true},
		{[]string{"/live*"}, "/jazz.mp3", false},
		{[]string{"/*"}, "/dj/x", false},
	} {
		if got := matches(tt.patterns, tt.mount); got != tt.want {
			t.Errorf("%v of %v: %v", tt.mount, tt.patterns, got)
		}
	}
}

func FuzzReadList(f *testing.F) {
	f.Add("/live.mp3\r\nhttp://other.example/x\r\n/admin/streams?mount=/live\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := readList(strings.NewReader(text), masterURL)
		for _, l := range all {
			u, err := url.Parse(l.url)
			if err != nil || !IsMount(l.mount) || u.User != nil || u.Host == "" {
				t.Fatalf("%q: %+v, %v", text, l, err)
			}
		}
	})
}
