package response

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// onServer makes a request come by a server.
func onServer(r *http.Request, srv *caddyhttp.Server) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.ServerCtxKey, srv))
}

func TestRefuseAnswersASentence(t *testing.T) {
	for name, srv := range map[string]*caddyhttp.Server{"without a server": nil, "on a site without error routes": {}} {
		t.Run(name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			if srv != nil {
				r = onServer(r, srv)
			}
			if err := Refuse(403, "Mountpoint in use").Write(w, r); err != nil {
				t.Fatal(err)
			}
			resp := w.Result()
			if resp.StatusCode != 403 {
				t.Fatalf("status %d", resp.StatusCode)
			}
			for name, want := range map[string]string{
				"Content-Type":                "text/plain; charset=utf-8",
				"Content-Length":              "19",
				"Cache-Control":               "no-cache, no-store",
				"X-Content-Type-Options":      "nosniff",
				"Access-Control-Allow-Origin": "*",
			} {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q; want %q", name, got, want)
				}
			}
			if got := w.Body.String(); got != "Mountpoint in use\r\n" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestASiteWithErrorRoutesGetsTheError(t *testing.T) {
	w := httptest.NewRecorder()
	r := onServer(httptest.NewRequest("GET", "/", nil), &caddyhttp.Server{Errors: new(caddyhttp.HTTPErrorConfig)})
	err := Refuse(403, "100% Mountpoint in use %s").Write(w, r)
	var he caddyhttp.HandlerError
	if !errors.As(err, &he) || he.StatusCode != 403 || he.Err.Error() != "100% Mountpoint in use %s" {
		t.Errorf("%v; want a 403 with the reason", err)
	}
	if len(w.Header()) > 0 || w.Body.Len() > 0 {
		t.Errorf("it was answered too: %v %q", w.Header(), w.Body)
	}
}

func TestCredentialsAreAskedForOnEverySite(t *testing.T) {
	for name, srv := range map[string]*caddyhttp.Server{
		"without error routes": {}, "with error routes": {Errors: new(caddyhttp.HTTPErrorConfig)},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := Challenge().Write(w, onServer(httptest.NewRequest("PUT", "/live.mp3", nil), srv)); err != nil {
				t.Fatal(err)
			}
			resp := w.Result()
			if resp.StatusCode != 401 {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if got := resp.Header.Get("WWW-Authenticate"); got != `Basic realm="Icecast2 Server", charset="UTF-8"` {
				t.Errorf("WWW-Authenticate %q", got)
			}
			if got := resp.Header.Get("Allow"); got != "GET, PUT, SOURCE, OPTIONS" {
				t.Errorf("Allow %q: libshout would not switch to PUT", got)
			}
		})
	}
}
