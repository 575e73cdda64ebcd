package sources

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// A port without the wrapper is not one for such encoders, and one with it still
// is one for everybody else.
func TestThePortServesAllOthersAsEver(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station, "respond /hello \"hello\"")
	v1(s, s.Plain, "hackme")
	s.WaitForMount("/m")
	get := func(request, want string) {
		t.Helper()
		for _, cut := range []bool{false, true} {
			conn := s.Dial(false)
			for i := 0; i < len(request); i++ {
				if cut {
					_, _ = io.WriteString(conn, request[i:i+1])
				} else {
					_, _ = io.WriteString(conn, request)
					break
				}
			}
			if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, want) {
				t.Errorf("%.60q is answered %q (%v), want %s", request, line, err, want)
			}
		}
	}
	get("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200")
	get("HEAD /m HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200")
	get("GET /m HTTP/1.0\n\n", "HTTP/1.0 200")
	get("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n\r\n", "HTTP/1.1 200")
	get("GET /admin/!POKE HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400")
	get("GET /admin/metadata?mount=/m&mode=updinfo&song=x HTTP/1.1\r\n\r\n", "HTTP/1.1 401") // without a host
	get("BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405")
	get("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n\n\n", "HTTP/1.1 400")
	get("GET / HTTP/9\r\n\r\n", "HTTP/1.1 ")
	resp, err := http.Get("http://" + s.Plain + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello" {
		t.Errorf("it says %q", body)
	}
}

// A source that gives the right password at another mount's port is not admitted by its
// connection: the right is for one mount of one station, and for one request.
func TestALoginIsGoodForItsMountAlone(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station, "rewrite /m /other")
	conn := s.Dial(false)
	_, _ = io.WriteString(conn, "hackme\r\n\r\n")
	harness.Expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\nHTTP/1.0 401 ")
}

// A port for TLS is none for passwords that come in plain.
func TestNobodyIsAskedForAPasswordInPlainWhereTLSIs(t *testing.T) {
	s := harness.Start(t, harness.Station)
	for _, opening := range []string{"hackme\r\n\r\n", "hackm\r\n\r\n", "SOURCE hackme /m\n\n", "!POKE\r\n"} {
		conn, err := net.Dial("tcp", s.Wired)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, opening)
		if answer, _ := io.ReadAll(conn); strings.Contains(string(answer), "OK") || strings.Contains(string(answer), "password") {
			t.Errorf("%q is answered %q", opening, answer)
		}
	}
}

// A source that came in without HTTP stays through a reload, with what wraps
// connections as it was, changed and gone; new ones find what is in force.
func TestSourcesWithoutHTTPStayThroughReloads(t *testing.T) {
	for _, protocols := range []string{"\n protocols h1 h2 h2c", "\n protocols h1"} {
		t.Run(strings.TrimSpace(protocols), func(t *testing.T) {
			s, upper := startFor(t, wrapped+protocols, harness.Station)
			conn := s.Dial(false)
			_, _ = io.WriteString(conn, "hackme\r\nicy-name:Test\r\n\r\n")
			harness.Expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
			src := &harness.Source{T: t, Out: conn}
			src.Send(40)
			s.WaitForMount("/m")
			l := follow(s, "/m")
			for i, c := range []struct{ wrapper, login, answer string }{
				{wrapped, "hackme", "OK2"},
				{"listener_wrappers {\n icecast {\n mount /v1\n password simple\n }\n }", "simple", "OK2"},
				{"", "hackme", "HTTP/1.1 400"},
			} {
				if err := s.ReloadCaddyfile(encoderCaddyfile(s, upper, c.wrapper+protocols, harness.Station)); err != nil {
					t.Fatal(err)
				}
				src.Send(10)
				l.hears(src.Next.Load() - 1)
				harness.Eventually(t, "a new one finds what is in force", func() error {
					other := s.Dial(false) // the old listener may accept one more
					defer other.Close()
					login := c.login
					if i == 0 {
						login = "/other:hackme"
					}
					_, _ = io.WriteString(other, login+"\r\nicy-name:Test\r\n\r\n")
					got := make([]byte, len(c.answer))
					if _, err := io.ReadFull(other, got); err != nil {
						return err
					}
					if string(got) != c.answer {
						return fmt.Errorf("it is answered %q", got)
					}
					return nil
				})
			}
			_ = conn.Close()
			if c := l.WaitForEnd(); c.Last != 69 {
				t.Errorf("heard to %d", c.Last)
			}
		})
	}
}

// Where a mount is taken, a source without HTTP is cut off, and one that is
// there stays.
func TestAMountThatIsTaken(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station)
	v1(s, s.Plain, "hackme")
	s.WaitForMount("/m")
	conn := s.Dial(false)
	_, _ = io.WriteString(conn, "hackme\r\n\r\n")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "OK2\r\nicy-caps:11\r\n\r\nHTTP/1.0 403 ") {
		t.Errorf("it is answered %q, %v", answer, err)
	}
	s.WaitForMount("/m")
}
