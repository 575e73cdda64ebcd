package harness

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// recordingTB notes what a helper does to its test.
type recordingTB struct {
	testing.TB
	errors, fatal int
}

func (r *recordingTB) Helper()               {}
func (r *recordingTB) Errorf(string, ...any) { r.errors++ }
func (r *recordingTB) Fatal(...any)          { r.fatal++ }
func (r *recordingTB) Fatalf(string, ...any) { r.fatal++ }

// Encoders are followed on goroutines of their own, on which no test may be ended: a server
// that fails is an error there.
func TestHelpersForOtherGoroutinesEndNoTest(t *testing.T) {
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer failing.Close()
	rec := &recordingTB{TB: t}
	s := &Server{T: rec, Plain: strings.TrimPrefix(failing.URL, "http://"), AdminAddress: "127.0.0.1:1"}
	errs := make(chan error)
	for what, try := range map[string]func() error{
		"CheckTitle":  func() error { return s.CheckTitle("/m", "x") },
		"TrySetTitle": func() error { return s.TrySetTitle("source", "hackme", "/m", "x") },
		"TryStatus":   func() error { _, err := s.TryStatus("/m"); return err },
		"CheckMount":  func() error { return s.CheckMount("/m") },
	} {
		go func() { errs <- try() }()
		if err := <-errs; err == nil {
			t.Errorf("%s returns no error", what)
		}
	}
	Post{Body: "%"}.Form(rec)
	if rec.fatal != 0 || rec.errors != 1 {
		t.Errorf("the test was ended %d times, with %d errors; want one error alone", rec.fatal, rec.errors)
	}
}
