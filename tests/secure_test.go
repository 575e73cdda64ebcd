package tests

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A mount may be kept from going out, or coming in, in clear.
func TestAMountIsHeardAndFedOverTLSOnly(t *testing.T) {
	s := start(t, `icecast {
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
	s.source("/fed-by-old.mp3").finish()
	for _, mount := range []string{"/safe.mp3", "/open.mp3"} {
		live := s.numberedSource(mount, 1)
		defer live.down()
		s.witness(mount, http1, true).stop()
	}
	lower := port(s.tls) // of the two ports that are encrypted
	if n := port(s.wired); len(n) < len(lower) || len(n) == len(lower) && n < lower {
		lower = n
	}
	for path, want := range map[string]string{"/safe.mp3?a=b": "https://127.0.0.1:" + lower + "/safe.mp3?a=b", "/open.mp3": ""} {
		resp, _ := asked(t, s.plain, path)
		if got := resp.Header.Get("Location"); got != want || (resp.StatusCode == http.StatusTemporaryRedirect) != (want != "") {
			t.Errorf("%s is answered %s, %s", path, resp.Status, got)
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "*" { // or pages of other origins can't follow
			t.Errorf("%s is for pages of %q", path, got)
		}
	}
	for _, encrypted := range []bool{false, true} {
		conn := s.dial(encrypted)
		resp, _ := head(t, conn, "SOURCE /fed.mp3 HTTP/1.0\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
		if (resp.StatusCode == http.StatusOK) != encrypted {
			body, _ := io.ReadAll(resp.Body)
			t.Errorf("a source is answered %s, %s", resp.Status, body)
		}
		for _, title := range []string{"/admin/metadata?mode=updinfo&mount=/fed.mp3&song=x", "/admin.cgi?mode=updinfo&mount=/fed.mp3&song=x&pass=hackme"} {
			titler := s.dial(encrypted)
			resp, _ := head(t, titler, "GET "+title+" HTTP/1.0\r\n"+basic("source", "hackme")+"\r\n")
			if want := map[bool]int{false: http.StatusForbidden, true: http.StatusOK}[encrypted]; resp.StatusCode != want {
				t.Errorf("a title over TLS=%v by %s is answered %s", encrypted, title, resp.Status)
			}
		}
		_ = conn.Close()
	}
}

// Who comes in clear is sent to HTTPS before he is asked for a password, and before an
// endpoint is asked about him, whether the mount plays or might be made to.
func TestNobodyIsAskedForAPasswordInClear(t *testing.T) {
	e := newEndpoint(t, nil) // which says no
	s := start(t, `icecast {
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
		src := s.source(mount)
		src.send(50)
		src.finish()
		s.logged(map[string]any{"msg": "source disconnected", "mount": mount})
	}
	live := s.source("/live.mp3")
	defer live.finish()
	live.send(50)
	for path, want := range map[string]int{"/summoned.mp3": 307, "/silent.mp3": 307, "/live.mp3": 307, "/inner.mp3": 403} {
		if resp, _ := asked(t, s.plain, path); resp.StatusCode != want {
			t.Errorf("%s is answered %s, want %d", path, resp.Status, want)
		}
	}
	if all := e.all(); len(all) > 0 {
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
		{"trusted, in clear", "servers {\n trusted_proxies static 127.0.0.0/8\n }", "http", http.StatusTemporaryRedirect, http.StatusForbidden},
		{"trusted, and says nothing", "servers {\n trusted_proxies static 127.0.0.0/8\n }", "", http.StatusTemporaryRedirect, http.StatusForbidden},
		{"not trusted", "", "https", http.StatusTemporaryRedirect, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, `icecast {
				source_password hackme
				mount /safe.mp3 {
					require_tls
				}
				mount /fed.mp3 {
					source_tls required
				}
			}
			`+c.global)
			live := s.numberedSource("/safe.mp3", 1)
			defer live.down()
			s.witness("/safe.mp3", http1, true).stop()
			for request, want := range map[string]int{
				"GET /safe.mp3": c.listener, "SOURCE /fed.mp3": c.source,
			} {
				conn := s.dial(false)
				said := "X-Forwarded-Proto: " + c.said + "\r\n"
				resp, _ := head(t, conn, request+" HTTP/1.0\r\n"+said+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
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
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, plain: freeAddress(t), tls: freeAddress(t), wired: freeAddress(t), admin: freeAddress(t)}
	studio := freeAddress(t)
	config := s.caddyfile(station, "@sources method PUT SOURCE", `route {
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
	}`, port(studio), storage, dir)
	if err := s.loadRaw(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopCaddy(t) })
	const request = "PUT /m HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\n"
	for _, encrypted := range []bool{false, true} {
		conn := s.dial(encrypted)
		if resp, _ := head(t, conn, request+basic("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("at another site a source is answered %s", resp.Status)
		}
		_ = conn.Close()
	}
	known := s.tlsConfig("http/1.1")
	known.ServerName = "localhost" // by an address Caddy would let nobody in who may have to show a certificate
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
		if resp, _ := head(t, conn, request+basic("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusOK {
			t.Fatalf("with a certificate a source is answered %s", resp.Status)
		}
		src := &transmitter{t: t, out: conn, finish: func() { _ = conn.Close() }}
		src.send(20)
		l := s.listen("/m", http1, false)
		src.finish()
		if c := l.toTheEnd(); c.Last != 19 {
			t.Errorf("heard to frame %d", c.Last)
		}
	}
}
