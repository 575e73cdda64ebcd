package moduletest

import (
	"io"
	"net/http"
	"testing"
)

// Body returns the body of an answer.
func Body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	return string(b)
}

// CheckStatus fails the test if an answer does not have the status.
func CheckStatus(t testing.TB, resp *http.Response, want int) {
	t.Helper()
	if resp.StatusCode != want {
		t.Fatalf("status %d (%q); want %d", resp.StatusCode, Body(t, resp), want)
	}
}

// CheckError fails the test if an error does not have the text; an empty text means no error.
func CheckError(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("error %q\nwant  %q", got, want)
	}
}
