package listeners

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// Apple's players ask for two bytes first, to see whether they may ask for pieces, and
// then for all. A piece (206) would make them forget that they want titles.
func TestApplesPlayersAskForAPieceAndThenForAll(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(100)
	for _, c := range []struct {
		name, url string
		transport *http.Transport
	}{
		{"HTTP/1.1", "http://" + s.Plain, &http.Transport{}},
		{"HTTP/1.1 over TLS", "https://" + s.TLS, &http.Transport{TLSClientConfig: s.TLSConfig("http/1.1")}},
		{"HTTP/2", "https://" + s.TLS, s.HTTP2Transport()},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer c.transport.CloseIdleConnections()
			ask := func(piece string) (*http.Response, func()) {
				ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/m", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header = http.Header{
					"Range": {piece}, "Icy-Metadata": {"1"}, "X-Playback-Session-Id": {"B0D9"}, "Accept-Encoding": {"identity"},
					"User-Agent": {"AppleCoreMedia/1.0.0.19E266 (iPhone; U; CPU OS 15_4 like Mac OS X; en_us)"},
				}
				resp, err := c.transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				h := resp.Header
				if resp.StatusCode != http.StatusOK || h.Get("Content-Range") != "" || h.Get("Accept-Ranges") == "bytes" || h.Get("icy-metaint") == "" {
					t.Errorf("%s is answered %s, %v", piece, resp.Status, h)
				}
				return resp, func() { cancel(); _ = resp.Body.Close() }
			}
			first, leave := ask("bytes=0-1")
			_, _ = io.ReadFull(first.Body, make([]byte, 2))
			leave()
			second, leave := ask("bytes=0-")
			defer leave()
			var heard numbered.Checker
			if _, err := io.CopyN(&heard, second.Body, 10*numbered.MaxFrame); err != nil || heard.Frames < 9 {
				t.Errorf("it heard %d frames, %v", heard.Frames, err)
			}
			harness.Eventually(t, "one listener is left", func() error {
				src.Send(1)
				if n := s.Status("/m")["listeners"]; fmt.Sprint(n) != "1" {
					return fmt.Errorf("there are %v", n)
				}
				return nil
			})
		})
	}
	src.Finish()
}
