package handler

import (
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/streaming"
)

// A browser takes the last of several types in one field, so that a source could run scripts
// on the station's origin.
func TestAStreamIsSandboxedUnlessItsTypeIsListed(t *testing.T) {
	for in, want := range map[string]struct{ contentType, policy string }{
		"audio/mpeg":                      {"audio/mpeg", ""},
		"audio/ogg; codecs=opus":          {"audio/ogg; codecs=opus", ""},
		"application/ogg":                 {"application/ogg", ""},
		"video/webm":                      {"video/webm", ""},
		"video/x,text/html":               {"application/octet-stream", "sandbox"},
		"audio/mpeg,text/html":            {"application/octet-stream", "sandbox"},
		"audio/mpeg; a=b, text/html":      {"audio/mpeg", ""},
		"text/html":                       {"text/html", "sandbox"},
		"image/svg+xml":                   {"image/svg+xml", "sandbox"},
		"audio/x-unknown":                 {"audio/x-unknown", "sandbox"},
		"":                                {"application/octet-stream", "sandbox"},
		"audio/mpeg\r\nX-Evil: 1":         {"application/octet-stream", "sandbox"},
		"multipart/x-mixed-replace;bound": {"multipart/x-mixed-replace", "sandbox"},
	} {
		header := make(http.Header)
		listenerFields(header, streaming.Stream{Type: in}, 0)
		if got := header.Get("Content-Type"); got != want.contentType {
			t.Errorf("%q is sent as %q; want %q", in, got, want.contentType)
		}
		if got := header.Get("Content-Security-Policy"); got != want.policy {
			t.Errorf("%q has the policy %q; want %q", in, got, want.policy)
		}
	}
}
