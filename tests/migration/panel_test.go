package migration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// panelXML is as AzuraCast writes it for a station: mounts with fallbacks, listeners that are
// asked for, lists of clients that are not allowed, a relay.
const panelXML = `<icecast>
	<location>AzuraCast</location>
	<admin>icemaster@example.test</admin>
	<limits>
		<clients>250</clients><sources>20</sources><queue-size>524288</queue-size><client-timeout>30</client-timeout>
		<header-timeout>15</header-timeout><source-timeout>10</source-timeout><burst-size>65535</burst-size>
	</limits>
	<authentication>
		<source-password>hackme</source-password><relay-password>pullme</relay-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<mount type="normal">
		<mount-name>/radio.mp3</mount-name>
		<charset>UTF-8</charset>
		<stream-name>Radio Example</stream-name>
		<genre>Various</genre>
		<bitrate>128</bitrate>
		<fallback-mount>/autodj.mp3</fallback-mount>
		<fallback-override>1</fallback-override>
		<max-listener-duration>86400</max-listener-duration>
		<on-connect>DIR/script</on-connect>
		<on-disconnect>DIR/script</on-disconnect>
		<authentication type="url">
			<option name="listener_add" value="ENDPOINT/add"/>
			<option name="listener_remove" value="ENDPOINT/remove"/>
			<option name="auth_header" value="icecast-auth-user: 1"/>
			<option name="timelimit_header" value="icecast-auth-timelimit:"/>
		</authentication>
	</mount>
	<mount type="normal">
		<mount-name>/autodj.mp3</mount-name>
		<fallback-mount>/error.mp3</fallback-mount>
		<fallback-override>1</fallback-override>
		<username>dj</username>
		<password>autopass</password>
		<hidden>1</hidden>
	</mount>
	<mount type="normal">
		<mount-name>/small.mp3</mount-name>
		<max-listeners>1</max-listeners>
		<fallback-mount>/autodj.mp3</fallback-mount>
		<fallback-override>1</fallback-override>
		<fallback-when-full>1</fallback-when-full>
	</mount>
	<mount type="normal">
		<mount-name>/full.mp3</mount-name>
		<max-listeners>1</max-listeners>
		<mp3-metadata-interval>4096</mp3-metadata-interval>
	</mount>
	<mount type="normal">
		<mount-name>/members.mp3</mount-name>
		<authentication type="htpasswd">
			<option name="filename" value="DIR/members"/>
			<option name="allow_duplicate_users" value="0"/>
		</authentication>
	</mount>
	<mount type="normal"><mount-name>/closed.mp3</mount-name><no-mount>1</no-mount></mount>
	<relay>
		<server>127.0.0.1</server><port>UPSTREAM</port><mount>/jazz.mp3</mount><local-mount>/relayed.mp3</local-mount>
		<on-demand>0</on-demand>
	</relay>
	<http-headers><header name="Access-Control-Allow-Origin" value="*"/><header name="X-Station" value="one"/></http-headers>
	<fileserve>1</fileserve>
	<paths>
		<basedir>/usr/share/icecast2</basedir>
		<logdir>DIR</logdir><webroot>DIR/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
		<deny-ip>DIR/deny-ip</deny-ip>
		<alias source="/" destination="/hello.txt"/>
		<alias source="/listen" destination="/full.mp3"/>
	</paths>
	<logging>
		<accesslog>access.log</accesslog><errorlog>error.log</errorlog><playlistlog>playlist.log</playlistlog>
		<loglevel>3</loglevel><logsize>10000</logsize>
	</logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// A panel's file makes the same station of both.
func TestAPanelsConfigurationRunsAsItIs(t *testing.T) {
	upstream := harness.Start(t, harness.Station)
	jazz := upstream.NumberedSource("/jazz.mp3", 9)
	defer jazz.Down()
	loop := harness.ReadFile(t, harness.MakeMusic(t, "error.mp3", 2, harness.MP3[1:]...))
	var asked *harness.Endpoint
	fill := func(dir string) *strings.Replacer {
		asked = harness.NewEndpoint(t, func(w http.ResponseWriter, p harness.Post) bool {
			if p.Form(t).Get("pass") != "wrong" {
				return harness.Allow(w, p)
			}
			return true
		})
		for name, text := range map[string]string{
			"script": "#!/bin/sh\necho \"$#|$1\" >> " + dir + "/ran\n", "deny-ip": "192.0.2.1\n127.0.0.9\n", "web/hello.txt": "hello", "web/error.mp3": loop,
			"members": "bob:5f4dcc3b5aa765d61d8327deb882cf99\n", // MD5 of password
		} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			harness.WriteFile(t, path, text)
			harness.MakeExecutable(t, path) // and so all may read it
		}
		return strings.NewReplacer("ENDPOINT", asked.URL, "UPSTREAM", harness.Port(upstream.Plain))
	}
	compare(t, panelXML, fill, func(s *comparison) {
		s.dayOfAPanel()
		s.say("the script was run with\n%s", s.ran())
		asked.Bodies("/remove", 2)
		s.say("posted was\n%s", harness.PostedBodies(asked, harness.Port(s.Plain)))
	})
}

// dayOfAPanel is what happens to its station.
func (t *comparison) dayOfAPanel() {
	test := t.T
	live, small, full := t.NumberedSource("/radio.mp3", 1), t.NumberedSource("/small.mp3", 3), t.NumberedSource("/full.mp3", 4)
	closed := t.NumberedSource("/closed.mp3", 5)
	members := t.NumberedSource("/members.mp3", 6)
	t.answer("a source with the wrong password of its mount", "SOURCE /autodj.mp3 HTTP/1.0\r\nContent-Type: audio/mpeg\r\n"+harness.BasicAuth("source", "hackme"))
	autodj := t.SourceOf("/autodj.mp3", "dj", "autopass")
	autodj.Next.Store(2 * harness.SourceSpan)
	stop := make(chan struct{})
	sent := autodj.Run(numbered.Duration, stop)

	w := t.ListenVerifying("/radio.mp3", harness.HTTP1Metadata, false)
	harness.WaitForSource(test, "at home", 1, w)
	for _, field := range []string{"X-Station", "Access-Control-Allow-Origin"} {
		t.say("%s: %s", field, w.Header.Get(field))
	}
	var source harness.Node
	harness.Eventually(test, "the statistics are up to date", func() error { // those of icecast2 come late
		source, _ = t.Admin("stats").Source("/radio.mp3")
		if n, _ := source.Child("listeners"); n.Text != "1" {
			return fmt.Errorf("they have %q listeners", n.Text)
		}
		return nil
	})
	for _, name := range []string{"server_name", "genre", "bitrate", "authenticator", "listeners"} {
		value, _ := source.Child(name)
		t.say("%s: %s", name, value.Text)
	}
	t.answer("a listener who says nothing of itself", "GET /radio.mp3 HTTP/1.0\r\n"+harness.BasicAuth("ann", "right"))
	t.answer("a listener whom the endpoint does not want", "GET /radio.mp3 HTTP/1.0\r\n"+harness.BasicAuth("ann", "wrong"))
	live.Down()
	harness.WaitForSource(test, "without the source", 2, w)
	live.Up()
	harness.WaitForSource(test, "with the source again", 1, w)
	w.Stop()
	<-w.Ended

	first := t.ListenVerifying("/small.mp3", harness.HTTP1, false)
	harness.WaitForSource(test, "the first", 3, first)
	second := t.ListenVerifying("/small.mp3", harness.HTTP1, false)
	harness.WaitForSource(test, "the second, for whom there is no place", 2, second)
	only := t.ListenVerifying("/listen", harness.HTTP1Metadata, false)
	harness.WaitForSource(test, "by the alias", 4, only)
	t.say("its titles come each %s bytes", only.Header.Get("icy-metaint"))
	t.answer("another on the mount that is full", "GET /full.mp3 HTTP/1.0\r\n")
	t.answer("on a mount that is closed", "GET /closed.mp3 HTTP/1.0\r\n")
	t.membersOf("/members.mp3")
	relayed := t.ListenVerifying("/relayed.mp3", harness.HTTP1, false)
	harness.WaitForSource(test, "by the relay", 9, relayed)
	for _, path := range []string{"/", "/hello.txt", "/nothing", "/admin/listmounts"} {
		t.page("", path, path == "/" || path == "/hello.txt")
	}
	t.page("relay:pullme", "/admin/streamlist.txt", true)
	t.denied()

	for _, l := range []*harness.VerifyingListener{first, second, only, relayed} {
		l.Stop()
		<-l.Ended
	}
	for _, n := range []*harness.NumberedSource{live, small, full, closed, members} {
		n.Down()
	}
	close(stop)
	<-sent
	autodj.Finish()
	harness.Eventually(test, "the file is heard", t.hearsTheFile)
	t.say("without any source the file is heard")
	t.accessed("GET /hello.txt", "GET /nothing", "GET /small.mp3", "SOURCE /small.mp3", "SOURCE /autodj.mp3", "GET /closed.mp3")
}

// accessed says what the access log tells of requests, but for times and sizes: of several, of
// the last. The end of a source or a listener is written when it is noticed.
func (t *comparison) accessed(requests ...string) {
	for _, request := range requests {
		line := regexp.MustCompile(`^127\.0\.0\.1 - \S+ \[[^]]+\] "` + request + ` HTTP/1\.[01]" (\d+) \d+ "-" "[^"]*" \d+$`)
		harness.Eventually(t.T, request+" is in the access log", func() error {
			text, err := harness.TryReadFile(filepath.Join(t.dir, "access.log"))
			lines := strings.Split(text, "\n")
			for _, l := range slices.Backward(lines) {
				if m := line.FindStringSubmatch(l); m != nil {
					t.say("in the access log: %s, %s", request, m[1])
					return nil
				}
			}
			return fmt.Errorf("%s, %w", text, err)
		})
	}
}

// membersOf has a member and others come.
func (t *comparison) membersOf(mount string) {
	t.answer("a stranger", "GET "+mount+" HTTP/1.0\r\n")
	t.answer("a member who does not know the password", "GET "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("bob", "wrong"))
	conn := t.Dial(false)
	resp, _ := harness.SendHead(t.T, conn, "GET "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("bob", "password")+"\r\n")
	t.say("a member: %d", resp.StatusCode)
	again := t.Dial(false)
	resp, _ = harness.SendHead(t.T, again, "GET "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("bob", "password")+"\r\n")
	t.say("the same again is admitted: %v", resp.StatusCode == http.StatusOK)
	_, _ = conn.Close(), again.Close()
}

// denied comes from an address that is denied.
func (t *comparison) denied() {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	conn, err := d.Dial("tcp", t.Plain)
	if err != nil {
		t.T.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /full.mp3 HTTP/1.0\r\n\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	t.say("a denied client gets something: %v", strings.Contains(line, " 200 "))
}

// hearsTheFile reports whether a mount whose sources are gone is that of the file.
func (t *comparison) hearsTheFile() error {
	conn := t.Dial(false)
	defer conn.Close()
	resp, r := harness.SendHead(t.T, conn, "GET /small.mp3 HTTP/1.0\r\n\r\n")
	sound := make([]byte, 2000)
	if _, err := io.ReadFull(r, sound); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s, %w", resp.Status, err)
	}
	return nil
}

// ran returns what the script was run with, when it has run as often as the source has come
// and gone.
func (t *comparison) ran() string {
	t.T.Helper()
	var lines []string
	harness.Eventually(t.T, "the script has run", func() error {
		text, err := harness.TryReadFile(filepath.Join(t.dir, "ran"))
		if lines = slices.Collect(strings.Lines(text)); err != nil || len(lines) < 4 {
			return fmt.Errorf("%q, %w", lines, err)
		}
		return nil
	})
	return strings.Join(lines, "")
}
