package tests

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
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
			s := &server{t: t, plain: freeAddress(t), tls: freeAddress(t), wired: freeAddress(t), admin: freeAddress(t)}
			config := strings.ReplaceAll(s.caddyfile(station+"\n"+c.global, c.site), "/key.pem", "/key.pem"+c.tls)
			if err := s.loadRaw(config); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stopCaddy(t) })
			src := s.source("/m")
			src.send(10)
			conn, err := tls.Dial("tcp", s.tls, s.tlsConfig("h2", "http/1.1"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			if got := conn.ConnectionState().NegotiatedProtocol; got != c.chosen {
				t.Errorf("%q is chosen, want %q", got, c.chosen)
			}
			l := s.listen("/m", http1, true)
			if got := l.header.Get("Alt-Svc"); (got != "") != c.announced {
				t.Errorf("Alt-Svc is %q", got)
			}
			if socket, err := net.ListenPacket("udp", s.tls); err == nil {
				_ = socket.Close()
				if c.http3 {
					t.Error("there is no HTTP/3")
				}
			} else if _, err := s.certificate(h3); err != nil || !c.http3 {
				t.Errorf("HTTP/3: %v", err)
			}
			src.finish()
			if c := l.toTheEnd(); c.Last != 9 {
				t.Errorf("heard to %d", c.Last)
			}
		})
	}
}
