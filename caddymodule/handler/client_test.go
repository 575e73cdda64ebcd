package handler

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

func TestWhoAsksForMetadata(t *testing.T) {
	for value, want := range map[string]bool{
		"1": true, " 1 ": true, "01": true, "2": true, "-1": true,
		"0": false, "00": false, "": false, "yes": false, "1.0": false, "1,1": false, "99999999999999999999": false,
	} {
		r := httptest.NewRequest("GET", "/live.mp3", nil)
		r.Header["Icy-Metadata"] = []string{value}
		if got := clientOf(request.New(r)).Metadata; got != want {
			t.Errorf("Icy-MetaData: %q: %t; want %t", value, got, want)
		}
	}
	if clientOf(request.New(httptest.NewRequest("GET", "/live.mp3", nil))).Metadata {
		t.Error("without the field: true")
	}
}

func TestClientOf(t *testing.T) {
	r := httptest.NewRequest("GET", "https://localhost/live.mp3", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", " Winamp\x00 5\r\n\u202e ")
	r.Header.Set("Referer", "https://example.org/\tplayer")
	repl := caddy.NewReplacer()
	repl.Set("http.auth.user.id", "lis\ntener")
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))

	got := clientOf(request.New(r))
	if got.IP.String() != "192.0.2.7" {
		t.Errorf("IP %s", got.IP)
	}
	got.IP = streaming.Client{}.IP
	want := streaming.Client{
		Agent: "Winamp 5", Referer: "https://example.org/ player", User: "lis tener", Protocol: "HTTP/1.1", Encrypted: true,
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestAStationThatClosesTakesNobody(t *testing.T) {
	refusal, ok := errors.AsType[*response.Refusal](errStream(streaming.ErrClosed))
	if !ok || refusal.Status != http.StatusServiceUnavailable {
		t.Errorf("%v; want a refusal with status 503", refusal)
	}
	if !errors.Is(refusal, streaming.ErrClosed) {
		t.Error("its cause is lost")
	}
}
