package handler_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

func TestStreamList(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{
		SourcePassword: &auth.Credential{Password: "source"},
		RelayPassword:  &auth.Credential{Password: "relay"},
		AdminPassword:  &auth.Credential{Password: "admin"},
		Mounts:         []*caddymodule.Mount{{Path: "/secret.mp3", HiddenFromSlaves: new(true)}, {Path: "/hidden.mp3", Hidden: new(true)}, {Path: "/off.mp3"}},
	})
	h.OnAir(t, "/live.mp3", nil)
	h.OnAir(t, "/a b.mp3", nil)
	h.OnAir(t, "/secret.mp3", nil)
	h.OnAir(t, "/hidden.mp3", nil)
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
		resp := h.Do(t, r)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %d; want %d", tt.user, resp.StatusCode, tt.status)
		}
		if got := moduletest.Body(t, resp); tt.status == 200 && got != "/a%20b.mp3\r\n/hidden.mp3\r\n/live.mp3\r\n" {
			t.Errorf("%s: %q", tt.user, got)
		}
	}
}

// A slave that ends its request for the next list early is no error, and no line of the log.
func TestASlaveThatGoesIsNoError(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{RelayPassword: &auth.Credential{Password: "relay"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/admin/streamlist.txt", strings.NewReader(`{"id": "edge", "interval": 5}`))
	r.SetBasicAuth("relay", "relay")
	r.Header.Set("Prefer", "wait=20")
	moduletest.CheckStatus(t, h.Do(t, r), http.StatusOK) // fails for an error
}
