package state

import (
	"fmt"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddycast/caddycast/streaming"
)

func TestWhereSitesListen(t *testing.T) {
	tls := caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}
	for _, tt := range []struct {
		name    string
		servers []*caddyhttp.Server
		want    []string
	}{
		{"none", nil, nil},
		{"every interface", []*caddyhttp.Server{{Listen: []string{":8000"}}}, []string{"http://localhost:8000"}},
		{"every interface, written out", []*caddyhttp.Server{{Listen: []string{"0.0.0.0:8000", "[::]:8001"}}}, []string{"http://localhost:8000", "http://localhost:8001"}},
		{"one interface", []*caddyhttp.Server{{Listen: []string{"192.0.2.1:8000", "[2001:db8::1]:8000"}}}, []string{"http://192.0.2.1:8000", "http://[2001:db8::1]:8000"}},
		{"plain comes before TLS", []*caddyhttp.Server{
			{Listen: []string{":443"}, TLSConnPolicies: tls},
			{Listen: []string{":8000"}},
		}, []string{"http://localhost:8000", "https://localhost:443"}},
		{"the first of a range", []*caddyhttp.Server{{Listen: []string{":8000-8010"}}}, []string{"http://localhost:8000"}},
		{"no place that a player could go to", []*caddyhttp.Server{{Listen: []string{"unix//run/radio.sock", "fd/3"}}}, nil},
		{"a port that is not known", []*caddyhttp.Server{{Listen: []string{":0"}}}, nil},
		{"an address that is none", []*caddyhttp.Server{{Listen: []string{":http"}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sites
			for _, srv := range tt.servers {
				s.add(srv)
				s.add(srv) // by another route of the same server
			}
			if got := s.urls(); !slices.Equal(got, tt.want) {
				t.Errorf("%q; want %q", got, tt.want)
			}
			if s.none() != (len(tt.servers) == 0) {
				t.Errorf("none: %t", s.none())
			}
		})
	}
}

func TestAStationTellsOnceWhereItIs(t *testing.T) {
	plain := &caddyhttp.Server{Listen: []string{":8000"}}
	encrypted := &caddyhttp.Server{
		Listen:          []string{":8443"},
		TLSConnPolicies: caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)},
	}
	socket := &caddyhttp.Server{Listen: []string{"unix//run/radio.sock"}}
	const homeless = "station on no site; add the icecast directive to one"
	for _, tt := range []struct {
		name string
		at   []*caddyhttp.Server
		want []string
		feed string
	}{
		{
			"plain HTTP",
			[]*caddyhttp.Server{plain, encrypted},
			[]string{"station ready"},
			"ffmpeg -re -i MUSIC -f mp3 icecast://source:PASSWORD@localhost:8000/live.mp3",
		},
		{
			"HTTPS alone",
			[]*caddyhttp.Server{encrypted},
			[]string{"station ready"},
			"ffmpeg -re -i MUSIC -tls 1 -f mp3 icecast://source:PASSWORD@localhost:8443/live.mp3",
		},
		{"no site, at each reload", nil, []string{homeless, homeless}, ""},
		{"a socket", []*caddyhttp.Server{socket}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, lines := publishLogged(t)
			for _, srv := range tt.at {
				g.AddSite(srv)
				g.WrapSite(srv)
			}
			for range 2 {
				g.LogReady()
			}
			var got []string
			for _, line := range lines.All() {
				got = append(got, line.Message)
				if feed := line.ContextMap()["feed_it_with"]; tt.feed != "" && feed != tt.feed {
					t.Errorf("feed it with %v\nwant %s", feed, tt.feed)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestAStationThatFindsASiteLaterTellsSo(t *testing.T) {
	g, lines := publishLogged(t)
	g.LogReady()
	g.AddSite(&caddyhttp.Server{Listen: []string{":8000"}})
	g.LogReady()
	all := lines.All()
	if len(all) != 2 || all[1].Message != "station ready" {
		t.Fatalf("%v", all)
	}
	if got := fmt.Sprint(all[1].ContextMap()["then_hear"]); got != "http://localhost:8000/live.mp3" {
		t.Errorf("then hear %s", got)
	}
}

func TestMoreListenersThanFilesAreWarnedOf(t *testing.T) {
	defer func() { maxFiles = streaming.MaxFiles }()
	for _, tt := range []struct{ files, listeners, want int }{{1000, 1001, 1}, {1000, 1000, 0}, {0, 1 << 30, 0}} {
		maxFiles = func() int { return tt.files }
		g, lines := publishLogged(t)
		g.Limits.Listeners = tt.listeners
		g.AddSite(&caddyhttp.Server{Listen: []string{":8000"}})
		g.LogReady()
		got := lines.FilterMessageSnippet("limits.listeners").All()
		if len(got) != tt.want {
			t.Errorf("%d listeners, %d files: %d warnings, want %d", tt.listeners, tt.files, len(got), tt.want)
		}
	}
}

func TestAnHTTPSSiteWithoutTheListenerWrapperIsWarnedOfOnce(t *testing.T) {
	wrapped := &caddyhttp.Server{Listen: []string{":443"}, TLSConnPolicies: caddytls.ConnectionPolicies{{}}}
	bare := &caddyhttp.Server{Listen: []string{":8443"}, TLSConnPolicies: caddytls.ConnectionPolicies{{}}}
	g, lines := publishLogged(t)
	for _, srv := range []*caddyhttp.Server{{Listen: []string{":8000"}}, wrapped, bare} {
		g.AddSite(srv)
	}
	g.WrapSite(wrapped)
	for range 2 {
		g.LogReady()
	}
	all := lines.FilterMessageSnippet("without the listener wrapper").All()
	if len(all) != 1 || fmt.Sprint(all[0].ContextMap()["sites"]) != "[:8443]" {
		t.Errorf("%v", all)
	}
}
