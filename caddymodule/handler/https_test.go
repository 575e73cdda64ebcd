package handler

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/request"
)

func TestWhereAMountIsHeardOverHTTPS(t *testing.T) {
	for _, tt := range []struct {
		name, host, hostname, port, want string
	}{
		{"443", "radio.example.org", "", "443", "https://radio.example.org/m?a=b"},
		{"443, and the port asked at", "radio.example.org:8000", "", "443", "https://radio.example.org/m?a=b"},
		{"another", "radio.example.org:8000", "", "8443", "https://radio.example.org:8443/m?a=b"},
		{"IPv6, 443", "[2001:db8::1]:8000", "", "443", "https://[2001:db8::1]/m?a=b"},
		{"IPv6 without a port", "[2001:db8::1]", "", "8443", "https://[2001:db8::1]:8443/m?a=b"},
		{"a host name", "192.0.2.1:8000", "radio.example.org", "8443", "https://radio.example.org:8443/m?a=b"},
		{"a host name with its port", "192.0.2.1:8000", "radio.example.org:9443", "8443", "https://radio.example.org:9443/m?a=b"},
		{"no host, as in HTTP/1.0", "", "", "8443", "https://192.0.2.7:8443/m?a=b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := requestAt(tt.host, "192.0.2.7:8000")
			r.URL.Path, r.URL.RawQuery = "/m", "a=b"
			if got := secureURL(r, tt.hostname, tt.port); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
		})
	}
}

// requestAt returns the facts of a request for a host that arrived at a local address.
func requestAt(host, local string) *request.Facts {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	addr := net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local)))
	return request.New(r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr)))
}
