package tls

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// issued is a station with sites of several names, whose certificates are issued.
const issued = `{
	admin 127.0.0.1:2019
	storage file_system %[1]s
	skip_install_trust
	acme_ca %[2]s
	acme_ca_root %[3]s
	renew_interval 1s
	renewal_window_ratio 0.81
	on_demand_tls {
		ask %[4]s
	}
	servers :8443 {
		listener_wrappers {
			icecast
			tls
		}
	}
	icecast {
		source_password %[5]s
		mount /m {
			source_tls required
		}
	}
}
http://:8000 {
	icecast
}
radio.example.org, radio.example.org:8443 {
	tls {
		issuer acme {
			disable_http_challenge
		}
	}
	icecast
}
http://jazz.example.org {
	icecast
}
jazz.example.org {
	tls {
		issuer acme {
			disable_tlsalpn_challenge
		}
	}
	icecast
}
https:// {
	tls {
		on_demand
	}
	icecast
}
`

// The certificates of a station are issued by a real exchange, and renewed twice while
// five hundred listen and a source sends, all over TLS. None of them notices.
func TestCertificatesAreIssuedAndRenewedAndNobodyNotices(t *testing.T) {
	if !harness.InNetwork(t) {
		return
	}
	nameHere(t, "ca.example.org", "radio.example.org", "jazz.example.org", "friend.example.org", "stranger.example.org")
	ca := newAuthority(t)
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("domain") != "friend.example.org" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer ask.Close()
	home := t.TempDir()
	config := func(password string) string {
		return fmt.Sprintf(issued, home, ca.directory, ca.root, ask.URL, password)
	}
	harness.RunProcess(t, home, config("hackme"))
	s := &harness.Server{
		T: t, Name: "radio.example.org", Authority: ca.root, AdminAddress: "127.0.0.1:2019",
		Plain: "127.0.0.1:8000", TLS: "127.0.0.1:443", Wired: "127.0.0.1:8443",
	}
	renewed(s, nil)

	src := s.SourceOverTLS("/m")
	src.Send(100)
	stop := make(chan struct{})
	done := src.Run(numbered.Duration, stop)
	var listeners []*harness.Listener
	for i := range 500 {
		k := []harness.Kind{harness.HTTP1, harness.HTTP1Wired, harness.HTTP1WiredMetadata, harness.HTTP2, harness.HTTP3}[i%5]
		listeners = append(listeners, s.Listen("/m", k, true))
	}
	first, err := certificate(s, harness.HTTP3)
	if err != nil {
		t.Fatal(err)
	}
	second := renewed(s, first)
	if err := s.ReloadCaddyfile(config("another")); err != nil {
		t.Fatal(err)
	}
	renewed(s, second)
	namesOfAStation(s)
	redirectsUnlessThereIsASite(t)
	close(stop)
	<-done
	src.Finish()
	last := src.Next.Load() - 1
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != last || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes, want to %d", l.Kind, c.First, c.Last, c.Rest(), last)
		}
	}
	text := harness.ReadFile(t, filepath.Join(home, "log"))
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		if !strings.Contains(text, `"challenge_type":"`+challenge+`"`) {
			t.Errorf("no certificate was issued by %s", challenge)
		}
	}
}

// namesOfAStation checks that the station is heard by all its names, by those that get
// their certificate on demand too, and by no other.
func namesOfAStation(s *harness.Server) {
	s.T.Helper()
	for _, name := range []string{"jazz.example.org", "friend.example.org"} {
		other := *s
		other.Name = name
		harness.Eventually(s.T, name+" has a certificate", func() error {
			leaf, err := certificate(&other, harness.HTTP1)
			if err == nil {
				err = leaf.VerifyHostname(name)
			}
			return err
		})
		other.Listen("/m", harness.HTTP2, true).Stop()
	}
	stranger := *s
	stranger.Name = "stranger.example.org"
	if leaf, err := certificate(&stranger, harness.HTTP1); err == nil {
		s.T.Errorf("a name that is not ours was issued %v", leaf.DNSNames)
	}
}

// redirectsUnlessThereIsASite checks that port 80 of a host goes to HTTPS, unless it has a
// site there.
func redirectsUnlessThereIsASite(t testing.TB) {
	t.Helper()
	for name, want := range map[string]int{"radio.example.org": http.StatusPermanentRedirect, "jazz.example.org": http.StatusOK} {
		resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest(http.MethodGet, "http://"+name+"/m", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %s to HTTP", name, resp.Status)
		}
	}
}
