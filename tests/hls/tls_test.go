package hls_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// Over TLS a segment is that of plain HTTP, whatever the version of HTTP and wherever TLS begins, also one after
// another on a connection.
func TestSegmentsOverTLS(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\thls {\n\t\t\tsegment 4s\n\t\t}\n\t}"))
	source := play(t, s, "/live.mp3")
	source.Send(400)
	l := load(t, s, enter(t, s, "/live.mp3"))
	for name, version := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		for _, address := range []string{s.TLS, s.Wired} {
			client := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}, ForceAttemptHTTP2: version}
			for _, segment := range l.segments {
				path := "/live.mp3.hls/" + segment.name
				req, err := http.NewRequest(http.MethodGet, "https://"+address+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.RoundTrip(req)
				if err != nil {
					t.Fatalf("%s at %s: %v", name, address, err)
				}
				body := text(t, resp)
				resp.Body.Close()
				if body != text(t, get(t, s, path)) || len(body) < 20<<10 {
					t.Errorf("%s at %s: %s has %d bytes", name, address, path, len(body))
				}
			}
			client.CloseIdleConnections()
		}
	}
}
