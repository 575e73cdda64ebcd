package caddymodule

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// request makes a request that came by the local address, as the server does.
func request(host, local string, encrypted bool) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	if encrypted {
		r.TLS = new(tls.ConnectionState)
	}
	if local != "" {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
	}
	return r
}

func TestBaseURL(t *testing.T) {
	for _, tt := range []struct {
		name            string
		hostname        string
		host, localAddr string
		encrypted       bool
		want            string
	}{
		{"the host of the request", "", "localhost:8000", "", false, "http://localhost:8000"},
		{"the host of the request, on the usual port", "", "radio.example.org", "", false, "http://radio.example.org"},
		{"over TLS", "", "radio.example.org", "", true, "https://radio.example.org"},
		{"over TLS on another port", "", "radio.example.org:8443", "", true, "https://radio.example.org:8443"},
		{"an address of IPv6", "", "[::1]:8000", "", false, "http://[::1]:8000"},
		{"without a Host header", "", "", "192.0.2.1:8000", false, "http://192.0.2.1:8000"},
		{"without a Host header, over IPv6", "", "", "[2001:db8::1]:8000", false, "http://[2001:db8::1]:8000"},
		{"the station's host, by the port of the request", "radio.example.org", "localhost:8000", "", false, "http://radio.example.org:8000"},
		{"the station's host, on the usual port", "radio.example.org", "localhost", "", false, "http://radio.example.org"},
		{"the station's host, over TLS", "radio.example.org", "localhost:8443", "", true, "https://radio.example.org:8443"},
		{"the station's host, without a Host header", "radio.example.org", "", "192.0.2.1:8000", false, "http://radio.example.org:8000"},
		{"the station's host and port", "radio.example.org:80", "localhost:8000", "", false, "http://radio.example.org:80"},
		{"the station's host and port of HTTP, over TLS", "radio.example.org:8000", "localhost:8443", "", true, "https://radio.example.org:8443"},
		{"the station's host and port of HTTP, over TLS on the usual port", "radio.example.org:8000", "localhost", "", true, "https://radio.example.org"},
		{"the station's host and port of TLS", "radio.example.org:8443", "localhost:8000", "", false, "http://radio.example.org:8000"},
		{"the station's host and port elsewhere, over TLS", "radio.example.org:9000", "localhost:8443", "", true, "https://radio.example.org:9000"},
		{"the station's host and HTTP's usual port elsewhere, over TLS", "radio.example.org:80", "localhost:8443", "", true, "https://radio.example.org:8443"},
		{"the station's address of IPv6 and port of HTTP, over TLS", "[2001:db8::1]:8000", "localhost:8443", "", true, "https://[2001:db8::1]:8443"},
		{"the station's address of IPv6", "[2001:db8::1]", "localhost:8000", "", false, "http://[2001:db8::1]:8000"},
		{"the station's address of IPv6, with a port", "[2001:db8::1]:80", "localhost:8000", "", false, "http://[2001:db8::1]:80"},
		{"the station's address of IPv6, on the usual port", "[2001:db8::1]", "localhost", "", false, "http://[2001:db8::1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := setting.CheckHostname(tt.hostname); err != nil {
				t.Fatal(err)
			}
			s := &Station{Hostname: tt.hostname, reign: &reign{sites: &sites{servers: []*caddyhttp.Server{
				{Listen: []string{":8000"}},
				{Listen: []string{":8443"}, TLSConnPolicies: caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}},
			}}}}
			if got := s.baseURL(request(tt.host, tt.localAddr, tt.encrypted)); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}

func TestCheckHostname(t *testing.T) {
	for host, ok := range map[string]bool{
		"": true, "localhost": true, "radio.example.org": true, "radio.example.org:8000": true,
		"192.0.2.1": true, "[::1]": true, "[::1]:8000": true, "bücher.example": true,
		"::1": false, ":8000": false, "https://radio.example.org": false, "//radio.example.org": false,
		"radio.example.org/": false, "radio.example.org/live": false, "dj@radio.example.org": false,
		"radio example": false, "radio.example.org:http": false, "radio?x": false, "radio#x": false, "radio\n": false,
	} {
		if err := setting.CheckHostname(host); (err == nil) != ok {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestPlaylist(t *testing.T) {
	h := newHandler(t, &Station{Mounts: []*Mount{{Path: "/live.mp3"}, {Path: "/*.ogg"}}})
	h.onAir(t, "/some.mp3", nil)
	h.onAir(t, "/a b%?#ü.mp3", nil)
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
		resp := h.get(t, tt.path)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %d; want %d", tt.path, resp.StatusCode, tt.status)
			continue
		}
		if tt.status != 200 {
			continue
		}
		if got := body(t, resp); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.path, got, tt.want)
		}
		if got := resp.Header.Get("Content-Type"); got != "audio/x-mpegurl" {
			t.Errorf("%s: content type %q", tt.path, got)
		}
	}
}

func TestStreamList(t *testing.T) {
	h := newHandler(t, &Station{
		SourcePassword: &Credential{Password: "source"},
		RelayPassword:  &Credential{Password: "relay"},
		AdminPassword:  &Credential{Password: "admin"},
		Mounts:         []*Mount{{Path: "/secret.mp3", HiddenFromSlaves: new(true)}, {Path: "/hidden.mp3", Hidden: new(true)}, {Path: "/off.mp3"}},
	})
	h.onAir(t, "/live.mp3", nil)
	h.onAir(t, "/a b.mp3", nil)
	h.onAir(t, "/secret.mp3", nil)
	h.onAir(t, "/hidden.mp3", nil)
	for _, tt := range []struct {
		user, password string
		status         int
	}{
		{"relay", "relay", 200},
		{"admin", "admin", 200},
		{"", "", 401},
		{"source", "source", 401},
		{"relay", "admin", 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "/admin/streamlist.txt", nil)
		if tt.user != "" {
			r.SetBasicAuth(tt.user, tt.password)
		}
		resp := h.do(t, r)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %d; want %d", tt.user, resp.StatusCode, tt.status)
		}
		if got := body(t, resp); tt.status == 200 && got != "/a%20b.mp3\r\n/hidden.mp3\r\n/live.mp3\r\n" {
			t.Errorf("%s: %q", tt.user, got)
		}
	}
}
