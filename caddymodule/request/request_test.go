package request

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestCredentialsInLatin1(t *testing.T) {
	for sent, want := range map[string]string{
		"hackme": "hackme", "häckmé": "häckmé", "h\xe4ckm\xe9": "häckmé", "\x80": "€", "": "",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(sent, sent)
		if user, password, ok := New(r).BasicAuth(); user != want || password != want || !ok {
			t.Errorf("%q: %q, %q; want %q", sent, user, password, want)
		}
	}
}

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
