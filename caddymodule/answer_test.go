package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/response"
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
			if err := response.Refuse(w, r, 403, "Mountpoint in use"); err != nil {
				t.Fatal(err)
			}
			resp := w.Result()
			checkStatus(t, resp, 403)
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
			if got := body(t, resp); got != "Mountpoint in use\r\n" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestASiteWithErrorRoutesGetsTheError(t *testing.T) {
	w := httptest.NewRecorder()
	r := onServer(httptest.NewRequest("GET", "/", nil), &caddyhttp.Server{Errors: new(caddyhttp.HTTPErrorConfig)})
	err := response.Refuse(w, r, 403, "100% Mountpoint in use %s")
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
			if err := response.Challenge(w, onServer(httptest.NewRequest("PUT", "/live.mp3", nil), srv)); err != nil {
				t.Fatal(err)
			}
			resp := w.Result()
			checkStatus(t, resp, 401)
			if got := resp.Header.Get("WWW-Authenticate"); got != `Basic realm="Icecast2 Server", charset="UTF-8"` {
				t.Errorf("WWW-Authenticate %q", got)
			}
			if got := resp.Header.Get("Allow"); got != "GET, PUT, SOURCE, OPTIONS" {
				t.Errorf("Allow %q: libshout would not switch to PUT", got)
			}
		})
	}
}

func TestAnAnswerToHeadHasNoBody(t *testing.T) {
	w := httptest.NewRecorder()
	if err := response.Answer(w, httptest.NewRequest("HEAD", "/", nil), 200, "text/plain", "hello"); err != nil {
		t.Fatal(err)
	}
	if w.Body.Len() > 0 || w.Header().Get("Content-Length") != "5" {
		t.Errorf("%q, length %s; want none, of length 5", w.Body, w.Header().Get("Content-Length"))
	}
}

func TestOptionsTellBrowsersWhatTheyMay(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Access-Control-Allow-Origin", "https://example.org") // the site's own
	if err := new(Handler).serveOptions(w); err != nil {
		t.Fatal(err)
	}
	resp := w.Result()
	checkStatus(t, resp, 204)
	for name, want := range map[string]string{
		"Allow":                        "GET, PUT, SOURCE, OPTIONS",
		"Access-Control-Allow-Origin":  "https://example.org",
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
		"Access-Control-Allow-Headers": "Authorization, Icy-MetaData, Origin, Range",
		"Access-Control-Max-Age":       "86400",
	} {
		if got := resp.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"/live.mp3":               "/live.mp3",
		"/a\r\nb\x00\u202ec":      "/a  bc",
		"/\xff":                   "/ÿ",
		strings.Repeat("ü", 1000): strings.Repeat("ü", 128),
	} {
		if got := response.Printable(in); got != want {
			t.Errorf("%.20q: %q; want %q", in, got, want)
		}
	}
}
