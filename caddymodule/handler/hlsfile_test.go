package handler

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddycast/caddycast/streaming/hls"
)

// fileReader notes what it is to read from.
type fileReader struct {
	*httptest.ResponseRecorder
	from io.Reader
}

func (w *fileReader) ReadFrom(r io.Reader) (int64, error) {
	w.from = r
	return io.Copy(w.ResponseRecorder, r)
}

// A stored segment is handed over as a part of a file, which the kernel can copy.
func TestStoredSegmentsAreHandedOverAsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]string{http.MethodGet: "3456", http.MethodHead: ""} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := &fileReader{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(method, "/", nil)
		if err := answerHLSStored(w, r, "audio/mpeg", f, &hls.File{Size: 4, Place: hls.Place{Offset: 3}}); err != nil {
			t.Fatal(err)
		}
		if got := w.Body.String(); got != want || w.Header().Get("Content-Length") != "4" {
			t.Errorf("%s: %q, %q", method, got, w.Header())
		}
		if part, ok := w.from.(*io.LimitedReader); method == http.MethodGet && (!ok || part.R != io.Reader(f)) {
			t.Errorf("it is read from %T", w.from)
		}
	}
}
