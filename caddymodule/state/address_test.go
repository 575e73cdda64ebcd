package state

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/setting"
)

// newRequest makes a request that came by the local address, as the server does.
func newRequest(host, local string, encrypted bool) *request.Facts {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	if encrypted {
		r.TLS = new(tls.ConnectionState)
	}
	if local != "" {
		addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
	}
	return request.New(r)
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
			g := &Generation{Identity: Identity{Hostname: tt.hostname}, sites: sites{servers: []*caddyhttp.Server{
				{Listen: []string{":8000"}},
				{Listen: []string{":8443"}, TLSConnPolicies: caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}},
			}}}
			if got := g.BaseURL(newRequest(tt.host, tt.localAddr, tt.encrypted)); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}
