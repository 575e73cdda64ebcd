package tests

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// retitleByCGI tells a title as SHOUTcast v1 sources do.
func (s *server) retitleByCGI(at, query string, want int) {
	s.t.Helper()
	conn := (&server{t: s.t, plain: at}).dial(false)
	resp, _ := head(s.t, conn, "GET /admin.cgi"+query+" HTTP/1.0\r\nUser-Agent: test (Mozilla Compatible)\r\n\r\n")
	if resp.StatusCode != want {
		body, _ := io.ReadAll(resp.Body)
		s.t.Errorf("%s is answered %s: %s", query, resp.Status, body)
	}
}

// v1 connects a SHOUTcast v1 source that sends sound.
func (s *server) v1(at, login string) net.Conn {
	s.t.Helper()
	conn := (&server{t: s.t, plain: at}).dial(false)
	_, _ = io.WriteString(conn, login+"\r\nicy-name:Test\r\n\r\n")
	expect(s.t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
	(&transmitter{t: s.t, out: conn}).send(10)
	return conn
}

func TestTitlesOfShoutcastSources(t *testing.T) {
	s, upper := startFor(t, wrapped, station)
	s.v1(upper, "hackme")
	s.v1(upper, "/other:hackme")
	s.listening("/m")
	s.listening("/other")
	for _, c := range []struct {
		name, at, query string
		status          int
		mount, title    string
	}{
		{"to the port below", s.plain, "?pass=hackme&mode=updinfo&song=One", 200, "/m", "One"},
		{"to the port itself", upper, "?mode=updinfo&pass=hackme&song=Two%20&+%C3%A4", 200, "/m", "Two"},
		{"in ISO 8859-1", s.plain, "?mode=updinfo&pass=hackme&song=Caf%E9", 200, "/m", "Café"},
		{"by the password that names the mount", s.plain, "?mode=updinfo&pass=%2Fother%3Ahackme&song=Three", 200, "/other", "Three"},
		{"with the mount", s.plain, "?mode=updinfo&pass=hackme&mount=/other&song=Four", 200, "/other", "Four"},
		{"by the administrator", s.plain, "?mode=updinfo&pass=letmein&song=Five", 200, "/m", "Five"},
		{"without a password", s.plain, "?mode=updinfo&song=No", 400, "/m", "Five"},
		{"with a wrong one", s.plain, "?mode=updinfo&pass=x&song=No", 401, "/m", "Five"},
		{"without a title", s.plain, "?mode=updinfo&pass=hackme", 400, "/m", "Five"},
		{"in another mode", s.plain, "?mode=viewlog&pass=hackme&song=No", 400, "/m", "Five"},
		{"of a mount that has no source", s.plain, "?mode=updinfo&pass=hackme&mount=/none&song=No", 400, "/m", "Five"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{t: t, plain: s.plain}
			s.retitleByCGI(c.at, c.query, c.status)
			if _, title := s.title(c.mount); title != c.title {
				t.Errorf("the title is %q, want %q", title, c.title)
			}
		})
	}
}

// Two ports with a mount each: a title goes to the stream that came to the port
// above, or not at all.
func TestTitlesGoToTheMountOfTheirPort(t *testing.T) {
	s, upper := newPair(t)
	third := freeAddress(t)
	const config = `{
	admin %s
	auto_https off
	servers 127.0.0.1:%[3]s {
		listener_wrappers {
			icecast {
				mount /one
			}
		}
	}
	servers 127.0.0.1:%[4]s {
		listener_wrappers {
			icecast {
				mount /two
			}
		}
	}
	%[5]s
}
http://:%[2]s {
	bind 127.0.0.1
	icecast
}
http://:%[3]s {
	bind 127.0.0.1
	icecast
}
http://:%[4]s {
	bind 127.0.0.1
	icecast
}`
	adapted, err := adapt(fmt.Sprintf(config, s.admin, port(s.plain), port(upper), port(third), station))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	s.v1(upper, "hackme")
	s.v1(third, "hackme")
	s.listening("/one")
	s.listening("/two")
	s.retitleByCGI(s.plain, "?mode=updinfo&pass=hackme&song=One", 200)
	s.retitleByCGI(third, "?mode=updinfo&pass=hackme&song=Two", 200)
	_, one := s.title("/one")
	_, two := s.title("/two")
	if one != "One" || two != "Two" {
		t.Errorf("the titles are %q and %q", one, two)
	}
}
