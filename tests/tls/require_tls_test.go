package tls

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A mount may be kept from going out, or coming in, over plain HTTP.
func TestAMountIsHeardAndFedOverTLSOnly(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /safe.mp3 {
			require_tls
		}
		mount /fed* {
			source_tls required
		}
		mount /fed-by-old.mp3 {
			source_tls off
		}
	}`)
	s.Source("/fed-by-old.mp3").Finish()
	for _, mount := range []string{"/safe.mp3", "/open.mp3"} {
		live := s.NumberedSource(mount, 1)
		defer live.Down()
		s.ListenVerifying(mount, harness.HTTP1, true).Stop()
	}
	lower := harness.Port(s.TLS) // of the two ports that are encrypted
	if n := harness.Port(s.Wired); len(n) < len(lower) || len(n) == len(lower) && n < lower {
		lower = n
	}
	for path, want := range map[string]string{"/safe.mp3?a=b": "https://127.0.0.1:" + lower + "/safe.mp3?a=b", "/open.mp3": ""} {
		resp, _ := harness.MustAsk(t, s.Plain, path)
		if got := resp.Header.Get("Location"); got != want || (resp.StatusCode == http.StatusTemporaryRedirect) != (want != "") {
			t.Errorf("%s is answered %s, %s", path, resp.Status, got)
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "*" { // or pages of other origins can't follow
			t.Errorf("%s is for pages of %q", path, got)
		}
	}
	for _, encrypted := range []bool{false, true} {
		conn := s.Dial(encrypted)
		resp, _ := harness.SendHead(t, conn, "SOURCE /fed.mp3 HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
		if (resp.StatusCode == http.StatusOK) != encrypted {
			body, _ := io.ReadAll(resp.Body)
			t.Errorf("a source is answered %s, %s", resp.Status, body)
		}
		for _, title := range []string{"/admin/metadata?mode=updinfo&mount=/fed.mp3&song=x", "/admin.cgi?mode=updinfo&mount=/fed.mp3&song=x&pass=hackme"} {
			titler := s.Dial(encrypted)
			resp, _ := harness.SendHead(t, titler, "GET "+title+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"\r\n")
			if want := map[bool]int{false: http.StatusForbidden, true: http.StatusOK}[encrypted]; resp.StatusCode != want {
				t.Errorf("a title over TLS=%v by %s is answered %s", encrypted, title, resp.Status)
			}
		}
		_ = conn.Close()
	}
}

// A listener over plain HTTP is redirected to HTTPS before a password is requested, and before
// an endpoint is asked, whether the mount plays or could be started.
func TestNoPasswordIsRequestedOverPlainHTTP(t *testing.T) {
	e := harness.NewEndpoint(t, nil) // which says no
	s := harness.Start(t, `icecast {
		source_password hackme
		relay /summoned.mp3 http://127.0.0.1:1/ {
			on_demand
		}
		mount /** {
			auth url {
				listener_add `+e.URL+`
			}
		}
		mount /summoned.mp3 {
			require_tls
		}
		mount /silent.mp3 {
			require_tls
			linger 1m
		}
		mount /live.mp3 {
			require_tls
		}
		mount /inner.mp3 {
			direct off
			linger 1m
		}
	}`)
	for _, mount := range []string{"/silent.mp3", "/inner.mp3"} {
		src := s.Source(mount)
		src.Send(50)
		src.Finish()
		s.WaitForLog(map[string]any{"msg": "source disconnected", "mount": mount})
	}
	live := s.Source("/live.mp3")
	defer live.Finish()
	live.Send(50)
	for path, want := range map[string]int{"/summoned.mp3": 307, "/silent.mp3": 307, "/live.mp3": 307, "/inner.mp3": 403} {
		if resp, _ := harness.MustAsk(t, s.Plain, path); resp.StatusCode != want {
			t.Errorf("%s is answered %s, want %d", path, resp.Status, want)
		}
	}
	if all := e.All(); len(all) > 0 {
		t.Errorf("the endpoint was asked %v", all)
	}
}

// What a proxy says of how somebody came to it counts if it is one that is trusted.
func TestAProxyThatEndsTLSIsBelievedIfItIsTrusted(t *testing.T) {
	for _, c := range []struct {
		name, global, said string
		listener, source   int
	}{
		{"trusted, over TLS", "servers {\n trusted_proxies static 127.0.0.0/8\n }", "https", http.StatusOK, http.StatusOK},
		{"trusted, plain HTTP", "servers {\n trusted_proxies static 127.0.0.0/8\n }", "http", http.StatusTemporaryRedirect, http.StatusForbidden},
		{"trusted, and says nothing", "servers {\n trusted_proxies static 127.0.0.0/8\n }", "", http.StatusTemporaryRedirect, http.StatusForbidden},
		{"not trusted", "", "https", http.StatusTemporaryRedirect, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := harness.Start(t, `icecast {
				source_password hackme
				mount /safe.mp3 {
					require_tls
				}
				mount /fed.mp3 {
					source_tls required
				}
			}
			`+c.global)
			live := s.NumberedSource("/safe.mp3", 1)
			defer live.Down()
			s.ListenVerifying("/safe.mp3", harness.HTTP1, true).Stop()
			for request, want := range map[string]int{
				"GET /safe.mp3": c.listener, "SOURCE /fed.mp3": c.source,
			} {
				conn := s.Dial(false)
				said := "X-Forwarded-Proto: " + c.said + "\r\n"
				resp, _ := harness.SendHead(t, conn, request+" HTTP/1.0\r\n"+said+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
				if resp.StatusCode != want {
					t.Errorf("%s is answered %s, want %d", request, resp.Status, want)
				}
				_ = conn.Close()
			}
		})
	}
}

// Studios may have a site of their own, which wants a certificate of them, and be refused
// at all others, as docs/explained/https.md says.
func TestSourcesComeInWhereTheyShowACertificate(t *testing.T) {
	dir := t.TempDir() // of a studio
	if err := harness.MakeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	s := harness.NewServer(t)
	studio := harness.FreeAddress(t)
	config := s.Caddyfile(harness.Station, "@sources method PUT SOURCE", `route {
		error @sources "sources go to the studio's site" 403
		icecast
	}`) + fmt.Sprintf(`https://localhost:%[1]s {
		bind 127.0.0.1
		tls %[2]s/cert.pem %[2]s/key.pem {
			client_auth {
				mode require_and_verify
				trust_pool file %[3]s/cert.pem
			}
		}
		icecast
	}`, harness.Port(studio), harness.Storage, dir)
	if err := s.LoadCaddyfile(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { harness.StopCaddy(t) })
	const request = "PUT /m HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\n"
	for _, encrypted := range []bool{false, true} {
		conn := s.Dial(encrypted)
		if resp, _ := harness.SendHead(t, conn, request+harness.BasicAuth("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("at another site a source is answered %s", resp.Status)
		}
		_ = conn.Close()
	}
	known := s.TLSConfig("http/1.1")
	known.ServerName = "localhost" // by an address Caddy would refuse every client that may have to show a certificate
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, certificates := range [][]tls.Certificate{nil, {pair}} {
		known.Certificates = certificates
		conn, err := tls.Dial("tcp", studio, known)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if certificates == nil {
			_, err := io.ReadFull(conn, make([]byte, 1)) // that is when a client learns it
			if err == nil || !strings.Contains(err.Error(), "certificate required") {
				t.Errorf("without a certificate: %v", err)
			}
			continue
		}
		if resp, _ := harness.SendHead(t, conn, request+harness.BasicAuth("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusOK {
			t.Fatalf("with a certificate a source is answered %s", resp.Status)
		}
		src := &harness.Source{T: t, Out: conn, Finish: func() { _ = conn.Close() }}
		src.Send(20)
		l := s.Listen("/m", harness.HTTP1, false)
		src.Finish()
		if c := l.WaitForEnd(); c.Last != 19 {
			t.Errorf("heard to frame %d", c.Last)
		}
	}
}
