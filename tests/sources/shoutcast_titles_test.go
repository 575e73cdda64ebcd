package sources

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// retitleByCGI tells a title as SHOUTcast v1 sources do.
func retitleByCGI(s *harness.Server, at, query string, want int) {
	s.T.Helper()
	conn := harness.At(s.T, at).Dial(false)
	resp, _ := harness.SendHead(s.T, conn, "GET /admin.cgi"+query+" HTTP/1.0\r\nUser-Agent: test (Mozilla Compatible)\r\n\r\n")
	if resp.StatusCode != want {
		body, _ := io.ReadAll(resp.Body)
		s.T.Errorf("%s is answered %s: %s", query, resp.Status, body)
	}
}

// v1 connects a SHOUTcast v1 source that sends sound.
func v1(s *harness.Server, at, login string) net.Conn {
	s.T.Helper()
	conn := harness.At(s.T, at).Dial(false)
	_, _ = io.WriteString(conn, login+"\r\nicy-name:Test\r\n\r\n")
	harness.Expect(s.T, conn, "OK2\r\nicy-caps:11\r\n\r\n")
	(&harness.Source{T: s.T, Out: conn}).Send(10)
	return conn
}

func TestTitlesOfShoutcastSources(t *testing.T) {
	s, upper := startFor(t, wrapped, harness.Station)
	v1(s, upper, "hackme")
	v1(s, upper, "/other:hackme")
	s.WaitForMount("/m")
	s.WaitForMount("/other")
	for _, c := range []struct {
		name, at, query string
		status          int
		mount, title    string
	}{
		{"to the port below", s.Plain, "?pass=hackme&mode=updinfo&song=One", 200, "/m", "One"},
		{"to the port itself", upper, "?mode=updinfo&pass=hackme&song=Two%20&+%C3%A4", 200, "/m", "Two"},
		{"in ISO 8859-1", s.Plain, "?mode=updinfo&pass=hackme&song=Caf%E9", 200, "/m", "Café"},
		{"by the password that names the mount", s.Plain, "?mode=updinfo&pass=%2Fother%3Ahackme&song=Three", 200, "/other", "Three"},
		{"with the mount", s.Plain, "?mode=updinfo&pass=hackme&mount=/other&song=Four", 200, "/other", "Four"},
		{"by the administrator", s.Plain, "?mode=updinfo&pass=letmein&song=Five", 200, "/m", "Five"},
		{"without a password", s.Plain, "?mode=updinfo&song=No", 400, "/m", "Five"},
		{"with a wrong one", s.Plain, "?mode=updinfo&pass=x&song=No", 401, "/m", "Five"},
		{"without a title", s.Plain, "?mode=updinfo&pass=hackme", 400, "/m", "Five"},
		{"in another mode", s.Plain, "?mode=viewlog&pass=hackme&song=No", 400, "/m", "Five"},
		{"of a mount that has no source", s.Plain, "?mode=updinfo&pass=hackme&mount=/none&song=No", 400, "/m", "Five"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.For(t)
			retitleByCGI(s, c.at, c.query, c.status)
			if _, title := s.Title(c.mount); title != c.title {
				t.Errorf("the title is %q, want %q", title, c.title)
			}
		})
	}
}

// Two ports with a mount each: a title goes to the stream that came to the port
// above, or not at all.
func TestTitlesGoToTheMountOfTheirPort(t *testing.T) {
	s, upper := harness.NewPair(t)
	third := harness.FreeAddress(t)
	const config = `{
	%[1]s
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
	if err := s.LoadCaddyfile(fmt.Sprintf(config, s.GlobalOptions(), harness.Port(s.Plain), harness.Port(upper), harness.Port(third), harness.Station)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	v1(s, upper, "hackme")
	v1(s, third, "hackme")
	s.WaitForMount("/one")
	s.WaitForMount("/two")
	retitleByCGI(s, s.Plain, "?mode=updinfo&pass=hackme&song=One", 200)
	retitleByCGI(s, third, "?mode=updinfo&pass=hackme&song=Two", 200)
	_, one := s.Title("/one")
	_, two := s.Title("/two")
	if one != "One" || two != "Two" {
		t.Errorf("the titles are %q and %q", one, two)
	}
}
