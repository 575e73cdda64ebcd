package migration

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// khXML is as Icecast-KH has it: relays of several hosts, proxies that are trusted, logs with
// settings of their own. icecast2 takes no notice of what it does not know. The socket with
// TLS has key and certificate in one file.
const khXML = `<icecast>
	<limits><clients>100</clients><max-bandwidth>100M</max-bandwidth><sources>10</sources><queue-size>524288</queue-size></limits>
	<authentication>
		<source-password>hackme</source-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<hostname>127.0.0.1</hostname>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<listen-socket><port>SECURE</port><bind-address>127.0.0.1</bind-address><ssl>1</ssl></listen-socket>
	<relay>
		<local-mount>/relayed.mp3</local-mount>
		<host><ip>127.0.0.1</ip><port>NOBODY</port><mount>/jazz.mp3</mount></host>
		<host><ip>127.0.0.1</ip><port>UPSTREAM</port><mount>/jazz.mp3</mount></host>
	</relay>
	<mount>
		<mount-name>/live.mp3</mount-name>
		<fallback-mount>/backup.mp3</fallback-mount>
		<fallback-override>1</fallback-override>
		<max-bandwidth>10M</max-bandwidth>
		<on-connect>DIR/script ${mount} up</on-connect>
		<http-headers><header name="X-Mount" value="live"/></http-headers>
	</mount>
	<mount type="default"><genre>Jazz</genre></mount>
	<http-headers><header name="X-Mount" value="any"/></http-headers>
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
		<x-forwarded-for>127.0.0.1</x-forwarded-for>
		<ssl-certificate>DIR/bundle.pem</ssl-certificate>
		<alias source="/there" destination="/status-json.xsl" port="SECURE"/>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

func TestAConfigurationOfIcecastKHRunsAsItIs(t *testing.T) {
	upstream := harness.Start(t, harness.Station)
	jazz := upstream.NumberedSource("/jazz.mp3", 9)
	defer jazz.Down()
	secure := ""
	fill := func(dir string) *strings.Replacer {
		bundle := harness.ReadFile(t, filepath.Join(harness.Storage, "key.pem")) + harness.ReadFile(t, filepath.Join(harness.Storage, "cert.pem"))
		harness.WriteFile(t, filepath.Join(dir, "bundle.pem"), bundle)
		harness.WriteFile(t, filepath.Join(dir, "script"), "#!/bin/sh\necho \"$#|$1|$2\" >> "+dir+"/ran\n")
		for _, name := range []string{"bundle.pem", "script"} {
			harness.MakeExecutable(t, filepath.Join(dir, name)) // and so icecast2 may read it
		}
		secure = harness.Port(harness.FreeAddress(t))
		return strings.NewReplacer("SECURE", secure, "NOBODY", harness.Port(harness.FreeAddress(t)), "UPSTREAM", harness.Port(upstream.Plain))
	}
	compare(t, khXML, fill, func(s *comparison) {
		s.TLS = "127.0.0.1:" + secure
		live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
		w := s.ListenVerifying("/live.mp3", harness.HTTP1, true) // over TLS
		harness.WaitForSource(t, "over TLS", 1, w)
		live.Down()
		harness.WaitForSource(t, "without the source", 2, w)
		live.Up()
		harness.WaitForSource(t, "with it again", 1, w)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		for _, at := range []string{"https://" + s.TLS + "/there", "http://" + s.Plain + "/there", "https://" + s.TLS + "/status-json.xsl"} {
			status := 0
			// icecast2 sometimes writes the end of TLS into a connection that came since.
			harness.Eventually(t, at+" is answered", func() error {
				resp, err := client.Get(at)
				if err == nil {
					status = resp.StatusCode
					_ = resp.Body.Close()
				}
				return err
			})
			s.say("%s: %d", at[strings.LastIndex(at, "/"):], status)
		}
		client.CloseIdleConnections()
		if s.caddy {
			s.knowsWhatIsKHs()
		}
		w.Stop()
		live.Down()
		backup.Down()
	})
}

// knowsWhatIsKHs looks at what icecast2 leaves out.
func (t *comparison) knowsWhatIsKHs() {
	test := t.T
	relayed := t.ListenVerifying("/relayed.mp3", harness.HTTP1, false)
	harness.WaitForSource(test, "from the second host", 9, relayed)
	relayed.Stop()
	conn := t.Dial(false)
	defer conn.Close()
	resp, _ := harness.SendHead(test, conn, "GET /live.mp3 HTTP/1.0\r\n"+harness.ForwardedFor("198.51.100.7")+"\r\n")
	if got := resp.Header["X-Mount"]; len(got) != 1 || got[0] != "live" {
		test.Errorf("X-Mount is %q", got)
	}
	harness.Eventually(test, "the listener is where the proxy says", func() error {
		if _, list := t.AdminCommand("admin", "letmein", "listclients?mount=/live.mp3"); !strings.Contains(list, "<IP>198.51.100.7</IP>") {
			return fmt.Errorf("%s", list)
		}
		return nil
	})
	harness.Eventually(test, "the script has run with its arguments", func() error {
		if text, err := os.ReadFile(filepath.Join(t.dir, "ran")); err != nil || !strings.HasPrefix(string(text), "2|/live.mp3|up\n") {
			return fmt.Errorf("%q, %w", text, err)
		}
		return nil
	})
	if source, _ := t.Admin("stats").Source("/backup.mp3"); true {
		if genre, _ := source.Child("genre"); genre.Text != "Jazz" {
			test.Errorf("the genre is %q", genre.Text)
		}
	}
}
