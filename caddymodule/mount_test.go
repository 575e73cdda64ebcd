package caddymodule

import (
	"fmt"
	"net/url"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddyserver/caddy/v2"
)

// fullMount has every field set, to values that differ from those of another n.
func fullMount(p string, n int) *Mount {
	text := func(name string) string { return fmt.Sprint(name, n) }
	on := n%2 == 0
	return &Mount{
		Path:                p,
		SourcePassword:      &Credential{User: text("user"), Password: "hackme"},
		MaxListeners:        new(n),
		MaxListenerDuration: new(caddy.Duration(n) * caddy.Duration(time.Hour)),
		Takeover:            new(on),
		Direct:              new(on),
		Hidden:              new(on),
		Linger:              new(caddy.Duration(n) * caddy.Duration(time.Second)),
		Burst:               &Burst{Bytes: n << 10},
		Queue:               n << 20,
		SourceTimeout:       caddy.Duration(n) * caddy.Duration(time.Minute),
		Name:                text("name"),
		Description:         text("description"),
		Genre:               text("genre"),
		URL:                 text("url"),
		Bitrate:             n,
		Public:              new(on),
		Type:                text("type"),
		Subtype:             text("subtype"),
		Charset:             text("charset"),
		MetadataInterval:    new(n << 10),
	}
}

// TestSettingsMergeFieldByField takes away one field after the other from the
// mount, then from the pattern, and looks where its value comes from then.
func TestSettingsMergeFieldByField(t *testing.T) {
	for f := range reflect.TypeFor[Mount]().Fields() {
		field := f.Name
		if field == "Path" {
			continue
		}
		t.Run(field, func(t *testing.T) {
			exact, first, second := fullMount("/live.ogg", 1), fullMount("/*.ogg", 2), fullMount("/live.*", 3)
			s := &Station{Mounts: []*Mount{first, second, exact, fullMount("/*.mp3", 4)}}
			check := func(from *Mount, where string) {
				t.Helper()
				merged := s.mount("/live.ogg")
				got := reflect.ValueOf(merged).FieldByName(field).Interface()
				want := reflect.ValueOf(from).Elem().FieldByName(field).Interface()
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%v; want that of %s, %v", got, where, want)
				}
				if merged.Path != "/live.ogg" {
					t.Errorf("the path became %s", merged.Path)
				}
			}
			check(exact, "the mount itself")
			reflect.ValueOf(exact).Elem().FieldByName(field).SetZero()
			check(first, "the pattern that stands first")
			reflect.ValueOf(first).Elem().FieldByName(field).SetZero()
			check(second, "the pattern that stands second")
			reflect.ValueOf(second).Elem().FieldByName(field).SetZero()
			check(new(Mount), "nothing")
		})
	}
}

func TestWhatASettingSaysOverAPattern(t *testing.T) {
	pattern := &Mount{
		Path: "/*", Hidden: new(true), Takeover: new(true), Direct: new(false), Public: new(true),
		MaxListeners: new(5), MaxListenerDuration: new(caddy.Duration(time.Hour)),
		Linger: new(caddy.Duration(time.Minute)), Burst: &Burst{Bytes: 1}, MetadataInterval: new(8192),
	}
	exact := &Mount{
		Path: "/live.mp3", Hidden: new(false), Takeover: new(false), Direct: new(true), Public: new(false),
		MaxListeners: new(0), MaxListenerDuration: new(caddy.Duration),
		Linger: new(caddy.Duration), Burst: new(Burst), MetadataInterval: new(0),
	}
	s := &Station{Mounts: []*Mount{pattern, exact}}

	got := s.mountSettings("/other.mp3")
	if want := (streaming.MountSettings{
		Hidden: true, Takeover: true, NoDirect: true, MaxListeners: 5, MaxListenerDuration: time.Hour,
		Linger: time.Minute, RelayLinger: time.Minute, Burst: blocklog.Burst{Bytes: 1}, MetadataInterval: 8192,
		StreamInfo: streaming.Info{Public: pattern.Public},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("by the pattern alone: %+v\nwant %+v", got, want)
	}
	got = s.mountSettings("/live.mp3")
	if want := (streaming.MountSettings{
		Named: true, NoBurst: true, MetadataInterval: -1, StreamInfo: streaming.Info{Public: exact.Public},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("off and zero over the pattern: %+v\nwant %+v", got, want)
	}
}

func TestLimitsAreTheDefaultsOfMounts(t *testing.T) {
	s := &Station{
		Limits: Limits{
			Listeners: 7, Sources: 3, Latency: caddy.Duration(time.Second),
			Burst: &Burst{Time: caddy.Duration(5 * time.Second)}, Queue: 1 << 20, SourceTimeout: caddy.Duration(time.Minute),
		},
		Mounts: []*Mount{{Path: "/*.ogg", Queue: 2 << 20}, {Path: "/live.ogg", Burst: &Burst{Bytes: 4096}}},
	}
	for _, tt := range []struct {
		path string
		want streaming.MountSettings
	}{
		{"/live.mp3", streaming.MountSettings{RelayLinger: relayLinger, Queue: 1 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Time: 5 * time.Second}}},
		{"/some.ogg", streaming.MountSettings{RelayLinger: relayLinger, Queue: 2 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Time: 5 * time.Second}}},
		{"/live.ogg", streaming.MountSettings{Named: true, RelayLinger: relayLinger, Queue: 2 << 20, SourceTimeout: time.Minute, Burst: blocklog.Burst{Bytes: 4096}}},
	} {
		if got := s.mountSettings(tt.path); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v\nwant %+v", tt.path, got, tt.want)
		}
	}
	s.live = new(live)
	got := s.settings()
	if got.MaxListeners != 7 || got.MaxSources != 3 || got.Latency != time.Second {
		t.Errorf("the station's own: %+v", got)
	}
}

func TestTheBitrateThatListenersAreTold(t *testing.T) {
	s := &Station{Mounts: []*Mount{{Path: "/live.mp3", Bitrate: 128}, {Path: "/other.mp3"}}}
	if got := s.mountSettings("/live.mp3").StreamInfo.Bitrate; got != "128" {
		t.Errorf("%q; want 128", got)
	}
	if got := s.mountSettings("/other.mp3").StreamInfo.Bitrate; got != "" {
		t.Errorf("%q; want what the source says", got)
	}
}

func TestCheckInterval(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 256: true, 16000: true, 1 << 20: true, -1: false, 1: false, 255: false, 1<<20 + 1: false} {
		if err := checkInterval(n); (err == nil) != ok {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		fits          bool
	}{
		{"/*.ogg", "/live.ogg", true},
		{"/*.ogg", "/.ogg", true},
		{"/*.ogg", "/dj/live.ogg", false},
		{"/*.ogg", "/live.ogg.mp3", false},
		{"/dj/*", "/dj/live.ogg", true},
		{"/dj/*", "/dj", false},
		{"/dj/*", "/dj/night/live.ogg", false},
		{"/*/*.ogg", "/dj/live.ogg", true},
		{"/live?", "/live1", true},
		{"/live?", "/live", false},
		{"/live[12]", "/live2", true},
		{"/live[12]", "/live3", false},
		{"/live.ogg", "/live.ogg", true},
		{"/live.ogg", "/LIVE.ogg", false},
		{"/*.ogg", "/*.ogg", true},
		{`/a\b`, `/a\b`, true}, // no pattern: a backslash alone makes none
	} {
		s := &Station{Mounts: []*Mount{{Path: tt.pattern, Hidden: new(true)}}}
		if got := s.mountSettings(tt.path).Hidden; got != tt.fits {
			t.Errorf("%s fits %s: %t; want %t", tt.pattern, tt.path, got, tt.fits)
		}
	}
}

func TestCheckMountPath(t *testing.T) {
	const (
		slash   = "a mount begins with a slash, such as /live.mp3"
		name    = "a mount wants a name, without empty parts or dots between its slashes, such as /live.mp3"
		page    = "that is a page of the station; name the mount otherwise"
		visible = "the name of a mount has only characters that can be seen, in UTF-8, and no space at its end"
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
		{"/" + strings.Repeat("x", 255), "the name of a mount is 255 bytes at most; these are 256"},
		{"/" + strings.Repeat("ü", 128), "the name of a mount is 255 bytes at most; these are 257"},
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
		{"/live\n.mp3", visible},
		{"/live\x00", visible},
		{"/live\x7f", visible},
		{"/live\u0085", visible},
		{"/live\u202egnp.mp3", visible}, // would be shown backwards
		{"/live ", visible},
		{"/\xff", visible},
	} {
		t.Run(fmt.Sprintf("%.40q", tt.path), func(t *testing.T) { checkError(t, mountpath.Check(tt.path), tt.want) })
	}
}

// FuzzCheckMountPath: what is accepted can stand wherever mounts are shown.
func FuzzCheckMountPath(f *testing.F) {
	for _, seed := range []string{"/live.mp3", "/", "//", "/a/../b", "/admin/x", "/\xff\xfe", "/a b", "/%2e%2e", "/a?b#c", "/\u202e", "/*["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		_ = (&Mount{Path: p}).checkPath() // must not panic
		if mountpath.Check(p) != nil {
			return
		}
		if !strings.HasPrefix(p, "/") || len(p) < 2 || len(p) > mountpath.MaxLen || path.Clean(p) != p {
			t.Errorf("%q is no clean path", p)
		}
		if !utf8.ValidString(p) || icy.Clean(p) != p {
			t.Errorf("%q has what can't be seen", p)
		}
		if mountpath.IsReserved(p) {
			t.Errorf("%q is a page", p)
		}
		u, err := url.Parse("http://localhost" + mountpath.Escape(p))
		if err != nil || u.Path != p || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q is %q in a URL, which reads as %+v (%v)", p, mountpath.Escape(p), u, err)
		}
	})
}
