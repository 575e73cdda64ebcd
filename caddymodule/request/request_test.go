package request

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestClientIP(t *testing.T) {
	for _, tt := range []struct{ name, remote, trusted, want string }{
		{"the peer", "192.0.2.7:4711", "", "192.0.2.7"},
		{"the peer over IPv6", "[2001:db8::7]:4711", "", "2001:db8::7"},
		{"what Caddy found behind a trusted proxy", "192.0.2.7:4711", "198.51.100.1", "198.51.100.1"},
		{"a unix socket", "@", "", "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		vars := map[string]any{}
		if tt.trusted != "" {
			vars[caddyhttp.ClientIPVarKey] = tt.trusted
		}
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
		if got := New(r).ClientIP; got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}
