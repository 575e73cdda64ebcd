package response

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnAnswerToHeadHasNoBody(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Answer(w, httptest.NewRequest("HEAD", "/", nil), 200, "text/plain", "hello"); err != nil {
		t.Fatal(err)
	}
	if w.Body.Len() > 0 || w.Header().Get("Content-Length") != "5" {
		t.Errorf("%q, length %s; want none, of length 5", w.Body, w.Header().Get("Content-Length"))
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"/live.mp3":               "/live.mp3",
		"/a\r\nb\x00\u202ec":      "/a  bc",
		"/\xff":                   "/ÿ",
		strings.Repeat("ü", 1000): strings.Repeat("ü", 128),
	} {
		if got := Printable(in); got != want {
			t.Errorf("%.20q: %q; want %q", in, got, want)
		}
	}
}
