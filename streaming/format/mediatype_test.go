package format

import (
	"strings"
	"testing"
)

func TestAContentTypeIsOneTypeAndOneSubtype(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"  ":                         "",
		"audio/mpeg":                 "audio/mpeg",
		" Audio/MPEG ; Rate=44100":   "audio/mpeg",
		"audio/ogg;codecs=opus":      "audio/ogg",
		"application/x-a+b.c":        "application/x-a+b.c",
		"video/x,text/html":          OctetStream, // a list: browsers take the last
		"audio/mpeg,text/html":       OctetStream,
		"audio/mpeg text/html":       OctetStream,
		"audio/mpeg\r\nX: y":         OctetStream,
		"audio/mpeg\x00":             OctetStream,
		"audio":                      OctetStream,
		"audio/":                     OctetStream,
		"/mpeg":                      OctetStream,
		"audio/x/y":                  OctetStream,
		"audio/m\u00fcsik":           OctetStream,
		";audio/mpeg":                OctetStream,
		"text/html":                  "text/html",
		strings.Repeat("a", 9) + "/": OctetStream,
	} {
		if got := Canonical(in); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestOnlyListedTypesArePlayable(t *testing.T) {
	for in, want := range map[string]bool{
		"audio/mpeg": true, "AUDIO/AACP; x=y": true, "application/ogg": true, "audio/ogg": true, "video/webm": true,
		"audio/flac": true, "video/mp2t": true, "audio/wav": true, "video/ogg": true,
		"text/html": false, "image/svg+xml": false, "application/octet-stream": false, "": false,
		"audio/x-unknown": false, "video/x,text/html": false, "audio/mpegurl": false, "application/xhtml+xml": false,
	} {
		if got := IsPlayable(in); got != want {
			t.Errorf("%q: %v; want %v", in, got, want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("audio/mpeg; x=y")
	f.Add("video/x,text/html")
	f.Fuzz(func(t *testing.T, in string) {
		got := Canonical(in)
		if got != Canonical(got) {
			t.Errorf("%q: %q is not canonical itself", in, got)
		}
		if strings.ContainsAny(got, ", ;\r\n\t\x00<>\"") {
			t.Errorf("%q: %q has more than a type and a subtype", in, got)
		}
	})
}
