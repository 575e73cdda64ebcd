package sources

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// encoderConfig is a Caddyfile with a station on two plain ports, one above the other, and
// listener wrappers on both.
const encoderConfig = `
{
	%[1]s
	servers {
		%[2]s
	}
	%[3]s
}
http://:%[4]s {
	bind 127.0.0.1
	%[6]s
	icecast
}
http://:%[5]s {
	bind 127.0.0.1
	%[6]s
	icecast
}
`

// wrapped is the listener wrapper with the mount of most tests.
const wrapped = "listener_wrappers {\n icecast {\n mount /m\n }\n }"

// startFor runs Caddy for encoders: the second port, upper, is above the plain one.
func startFor(t testing.TB, wrapper, station string, site ...string) (s *harness.Server, upper string) {
	t.Helper()
	s, upper = harness.NewPair(t)
	if err := s.LoadCaddyfile(encoderCaddyfile(s, upper, wrapper, station, site...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	return s, upper
}

// encoderCaddyfile fills in encoderConfig.
func encoderCaddyfile(s *harness.Server, upper, wrapper, station string, site ...string) string {
	return fmt.Sprintf(encoderConfig, s.GlobalOptions(), wrapper, station, harness.Port(s.Plain), harness.Port(upper), strings.Join(site, "\n\t"))
}

// foreign are the ways in which encoders open that net/http does not understand.
var foreign = []struct {
	name   string
	login  string // what comes first, if something must come back before more is sent
	early  string // what comes back then
	head   string
	answer string // what comes back at the end
}{
	{"SHOUTcast v1", "hackme\r\n", "OK2\r\nicy-caps:11\r\n\r\n", "icy-name:Test\r\nicy-br:128\r\ncontent-type:audio/mpeg\r\n\r\n", ""},
	{"SHOUTcast v1 with lines that end in LF", "hackme\n", "OK2\r\nicy-caps:11\r\n\r\n", "icy-name:Test\nicy-br:128\n\n", ""},
	{"SHOUTcast v1 that does not wait", "", "", "hackme\r\nicy-name:Test\r\n\r\n", "OK2\r\nicy-caps:11\r\n\r\n"},
	{"SHOUTcast v1 that names its mount", "/m:hackme\r\n", "OK2\r\nicy-caps:11\r\n\r\n", "icy-name:Test\r\n\r\n", ""},
	{"SHOUTcast v1 that tells nothing of itself", "hackme\r\n", "OK2\r\nicy-caps:11\r\n\r\n", "\r\n", ""},
	{"Icecast 1", "", "", "SOURCE hackme /m\nx-audiocast-name: Test\nx-audiocast-bitrate: 128\n\n", "OK\r\n\r\n"},
	{"ICE/1.0", "", "", "SOURCE /m ICE/1.0\nContent-Type: audio/mpeg\nice-name: Test\n" + basicLF + "\n", "HTTP/1.0 200 OK\r\n\r\n"},
	{"two CRs", "", "", "SOURCE /m HTTP/1.0\r\r\nContent-Type: audio/mpeg\r\r\nice-name: Test\r\r\n" + strings.TrimSpace(basicLF) + "\r\r\n\r\r\n", "HTTP/1.0 200 OK\r\n\r\n"},
	{
		"PUT with an empty host", "", "", "PUT /m HTTP/1.1\r\nHost: \r\nContent-Type: audio/mpeg\r\nice-name: Test\r\n" + basicLF + "\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	},
	{
		"PUT without a host", "", "", "PUT /m HTTP/1.1\r\nContent-Type: audio/mpeg\r\nice-name: Test\r\n" + basicLF + "\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	},
	{"lower case", "", "", "source /m http/1.0\r\nice-name: Test\r\n" + basicLF + "\r\n", "HTTP/1.0 200 OK\r\n\r\n"},
}

const basicLF = "Authorization: Basic c291cmNlOmhhY2ttZQ==\n" // source:hackme

// An encoder of any age is a source, on a port that serves listeners as well and
// on one above it, whether its opening comes whole or a byte at a time.
func TestEncodersThatHTTPDoesNotKnowAreSources(t *testing.T) {
	s, upper := startFor(t, wrapped, harness.Station)
	for _, f := range foreign {
		for _, cut := range []bool{false, true} {
			for _, at := range []string{s.Plain, upper} {
				t.Run(fmt.Sprintf("%s/cut=%v/upper=%v", f.name, cut, at == upper), func(t *testing.T) {
					s := s.For(t)
					to := harness.At(t, at)
					conn := to.Dial(false)
					send := func(what string) {
						for len(what) > 0 {
							n := len(what)
							if cut {
								n = 1
							}
							if _, err := io.WriteString(conn, what[:n]); err != nil {
								t.Fatal(err)
							}
							what = what[n:]
						}
					}
					send(f.login)
					harness.Expect(t, conn, f.early)
					var sound []byte
					for n := range uint64(20) {
						sound = numbered.AppendFrame(sound, n, time.Now())
					}
					send(f.head + string(sound[:500])) // encoders that don't wait send sound with the head
					harness.Expect(t, conn, f.answer)
					send(string(sound[500:]))
					s.WaitForMount("/m")
					l := s.Listen("/m", harness.HTTP1, false)
					if src := s.Status("/m"); f.head != "\r\n" && src["server_name"] != "Test" {
						t.Errorf("it is shown as %v", src)
					}
					_ = conn.Close()
					if c := l.WaitForEnd(); c.Last != 19 || c.Rest() != 0 {
						t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
					}
					s.WaitUntilGone("/m")
				})
			}
		}
	}
}

// Nothing is said to a SHOUTcast source but OK2: some take what follows for an
// error.
func TestAShoutcastSourceHearsNothingAfterItIsLetIn(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station)
	conn := s.Dial(false)
	_, _ = io.WriteString(conn, "hackme\r\n\r\n")
	harness.Expect(t, conn, "OK2\r\nicy-caps:11\r\n\r\n")
	src := &harness.Source{T: t, Out: conn}
	src.Send(10)
	s.WaitForMount("/m")
	_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // there is nothing to wait for
	if n, err := conn.Read(make([]byte, 100)); n > 0 || !strings.Contains(fmt.Sprint(err), "timeout") {
		t.Errorf("%d bytes came, and %v", n, err)
	}
}

func TestAWrongPasswordIsInvalid(t *testing.T) {
	s, upper := startFor(t, wrapped, "icecast {\n source_password hackme\n mount /own {\n source_password own\n }\n mount /safe {\n source_tls required\n }\n }")
	live := s.Source("/m") // which nobody may disturb
	live.Send(10)
	l := s.Listen("/m", harness.HTTP1, false)
	for _, login := range []string{
		"/own:hackme\r\n", // the first, since lines of an address are limited
		"hackm\r\n", "hackmee\n", "HACKME\r\n", " \r\n", "/m:\r\n", "/m:hackm\r\n", "/:hackme\r\n", "/../m:hackme\r\n",
		"/admin/metadata:hackme\r\n", "m:hackme\r\n", "SOURCE hackm /m\n\n", "SOURCE hackme /own\n\n", "SOURCE hackme /\n\n", "/safe:hackme\r\n", "SOURCE hackme /safe\n\n",
		"!POKE\r\n", "!POKE\nicy-name:libshout\n\n", "h\xc3\xa4ckme\r\nicy-name:x\r\n\r\n" + strings.Repeat("sound", 2000),
	} {
		for _, at := range []string{s.Plain, upper} {
			conn := harness.At(t, at).Dial(false)
			_, _ = io.WriteString(conn, login)
			if got, err := io.ReadAll(conn); string(got) != "invalid password\r\n" || err != nil {
				t.Errorf("%.40q is answered %q, %v", login, got, err)
			}
		}
	}
	s.WaitForLog(map[string]any{"level": "warn", "msg": "authentication failed", "mount": "/own", "credential": "mount"})
	s.WaitForLog(map[string]any{"level": "warn", "msg": "source rejected: source_tls is required", "mount": "/safe"})
	live.Send(10)
	live.Finish()
	if c := l.WaitForEnd(); c.Last != 19 {
		t.Errorf("the live stream was heard to frame %d", c.Last)
	}
}

// The port's own password is for its own mount alone.
func TestAPortMayHaveAPasswordOfItsOwn(t *testing.T) {
	s, _ := startFor(t, "listener_wrappers {\n icecast {\n mount /v1\n password dj simple\n }\n }", harness.Station)
	for _, c := range []struct{ login, answer string }{
		{"simple", "OK2\r\nicy-caps:11\r\n\r\n"},
		{"/v1:simple", "OK2\r\nicy-caps:11\r\n\r\n"},
		{"hackme", "invalid password\r\n"},
		{"/other:simple", "invalid password\r\n"},
		{"/other:hackme", "OK2\r\nicy-caps:11\r\n\r\n"},
	} {
		conn := s.Dial(false)
		_, _ = io.WriteString(conn, c.login+"\r\n\r\n")
		harness.Expect(t, conn, c.answer)
		if strings.HasPrefix(c.answer, "OK") {
			(&harness.Source{T: t, Out: conn}).Send(10)
			path := "/v1"
			if strings.HasPrefix(c.login, "/other") {
				path = "/other"
			}
			s.WaitForMount(path)
			if !strings.HasPrefix(c.login, "/") {
				retitleByCGI(s, s.Plain, "?mode=updinfo&pass=simple&song=Easy", http.StatusOK)
				retitleByCGI(s, s.Plain, "?mode=updinfo&pass=hackme&song=Hard", http.StatusOK) // by the mount's password, too
				retitleByCGI(s, s.Plain, "?mode=updinfo&pass=letmein&song=Admin", http.StatusOK)
				retitleByCGI(s, s.Plain, "?mode=updinfo&pass=wrong&song=No", http.StatusUnauthorized)
				if _, title := s.Title("/v1"); title != "Admin" {
					t.Errorf("it is titled %q", title)
				}
			}
		}
		_ = conn.Close()
		s.WaitUntilGone("/v1")
		s.WaitUntilGone("/other")
	}
}

// The name of a mount that comes without HTTP is not one that is escaped.
func TestAMountThatIsNamedWithoutHTTP(t *testing.T) {
	s, _ := startFor(t, wrapped, harness.Station)
	v1(s, s.Plain, "/a b?c#d%41ü:hackme")
	s.WaitForMount("/a%20b%3Fc%23d%2541%C3%BC")
}

// Who may send is asked of the endpoint, however the source comes, and for its titles, too.
func TestAnEndpointIsAskedForSourcesWithoutHTTP(t *testing.T) {
	e := harness.NewEndpoint(t, func(w http.ResponseWriter, p harness.Post) bool {
		if p.Form(t).Get("pass") == "dj" {
			w.Header().Set("Icecast-Auth-User", "1")
		}
		return true
	})
	s, _ := startFor(t, wrapped, "icecast {\n source_password hackme\n admin_password letmein\n mount /paid {\n auth url {\n stream_auth "+e.URL+"/source\n }\n }\n }")
	for _, c := range []struct {
		login string
		ok    bool
	}{
		{"/paid:hackme\r\n", false},
		{"SOURCE hackme /paid\n\n", false},
		{"/paid:dj\r\n", true},
	} {
		conn := s.Dial(false)
		_, _ = io.WriteString(conn, c.login)
		answer := make([]byte, 3)
		if _, err := io.ReadFull(conn, answer); err != nil || (string(answer) == "OK2") != c.ok {
			t.Errorf("%q is answered %q, %v", c.login, answer, err)
		}
		_ = conn.Close()
	}
	live := s.SourceOf("/paid", "source", "dj")
	defer live.Finish()
	live.Send(10)
	s.WaitForMount("/paid")
	for pass, want := range map[string]int{"hackme": 401, "dj": 200, "letmein": 200} {
		resp, err := http.Get("http://" + s.Plain + "/admin.cgi?mode=updinfo&mount=/paid&song=x&pass=" + pass)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a title by %s is answered %s", pass, resp.Status)
		}
	}
}
