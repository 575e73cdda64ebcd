package handler

import (
	"net/http/httptest"
	"testing"
)

func TestOptionsTellBrowsersWhatTheyMay(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Access-Control-Allow-Origin", "https://example.org") // the site's own
	if err := serveOptions(w); err != nil {
		t.Fatal(err)
	}
	resp := w.Result()
	if resp.StatusCode != 204 {
		t.Fatalf("status %d", resp.StatusCode)
	}
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
