package tests

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A mount may be kept from going out, or coming in, in clear.
func TestAMountIsHeardAndFedOverTLSOnly(t *testing.T) {
	s := start(t, `icecast {
		source_password hackme
		mount /safe.mp3 {
			require_tls
		}
		mount /fed.mp3 {
			source_tls required
		}
	}`)
	for _, mount := range []string{"/safe.mp3", "/open.mp3"} {
		live := s.numberedSource(mount, 1)
		defer live.down()
		s.witness(mount, http1, true).stop()
	}
	for path, want := range map[string]string{"/safe.mp3?a=b": "https://127.0.0.1:" + port(s.tls) + "/safe.mp3?a=b", "/open.mp3": ""} {
		resp, _ := asked(t, s.plain, path)
		if got := resp.Header.Get("Location"); !sameSite(got, want, s) || (resp.StatusCode == http.StatusTemporaryRedirect) != (want != "") {
			t.Errorf("%s is answered %s, %s", path, resp.Status, got)
		}
	}
	for _, encrypted := range []bool{false, true} {
		conn := s.dial(encrypted)
		resp, _ := head(t, conn, "SOURCE /fed.mp3 HTTP/1.0\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
		if (resp.StatusCode == http.StatusOK) != encrypted {
			body, _ := io.ReadAll(resp.Body)
			t.Errorf("a source is answered %s, %s", resp.Status, body)
		}
		_ = conn.Close()
	}
}

// sameSite tells whether a place is the one that is wanted, by either port of our HTTPS.
func sameSite(got, want string, s *server) bool {
	return got == want || got == strings.Replace(want, port(s.tls), port(s.wired), 1)
}
