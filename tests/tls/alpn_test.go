package tls

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A site is kept to HTTP/1.1 by its alpn if HTTP/3, for which that does not hold, is not
// announced, and all of a port by protocols. Else browsers choose HTTP/2 and learn of HTTP/3.
func TestASiteIsKeptToHTTP1(t *testing.T) {
	for _, c := range []struct {
		name, global, tls, site string
		chosen                  string
		announced, http3        bool
	}{
		{name: "as it is", chosen: "h2", announced: true, http3: true},
		{name: "alpn", tls: " {\n alpn http/1.1\n }", chosen: "http/1.1", announced: true, http3: true},
		{name: "alpn, and HTTP/3 is not announced", tls: " {\n alpn http/1.1\n }", site: "header -Alt-Svc", chosen: "http/1.1", http3: true},
		{name: "protocols h1", global: "servers {\n protocols h1\n }", chosen: "http/1.1"},
		{name: "protocols h1 h2", global: "servers {\n protocols h1 h2\n }", chosen: "h2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := harness.NewServer(t)
			config := strings.ReplaceAll(s.Caddyfile(harness.Station+"\n"+c.global, c.site), "/key.pem", "/key.pem"+c.tls)
			if err := s.LoadCaddyfile(config); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { harness.StopCaddy(t) })
			src := s.Source("/m")
			src.Send(10)
			conn, err := tls.Dial("tcp", s.TLS, s.TLSConfig("h2", "http/1.1"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			if got := conn.ConnectionState().NegotiatedProtocol; got != c.chosen {
				t.Errorf("%q is chosen, want %q", got, c.chosen)
			}
			l := s.Listen("/m", harness.HTTP1, true)
			if got := l.Header.Get("Alt-Svc"); (got != "") != c.announced {
				t.Errorf("Alt-Svc is %q", got)
			}
			if socket, err := net.ListenPacket("udp", s.TLS); err == nil {
				_ = socket.Close()
				if c.http3 {
					t.Error("there is no HTTP/3")
				}
			} else if _, err := certificate(s, harness.HTTP3); err != nil || !c.http3 {
				t.Errorf("HTTP/3: %v", err)
			}
			src.Finish()
			if c := l.WaitForEnd(); c.Last != 9 {
				t.Errorf("heard to %d", c.Last)
			}
		})
	}
}
