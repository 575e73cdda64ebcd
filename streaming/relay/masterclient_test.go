package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/streaming"
)

// connectionCounter notes the connections of the requests that a server gets.
type connectionCounter struct {
	answer http.HandlerFunc

	mu       sync.Mutex
	requests int
	from     map[string]bool // the other ends of the connections
	password string          // of the last request
}

func (c *connectionCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.from[r.RemoteAddr] = true
	_, c.password, _ = r.BasicAuth()
	c.answer(w, r)
}

// reporterTo returns a reporter to a master, which nothing else uses.
func reporterTo(t *testing.T, master Upstream) *reporter {
	t.Helper()
	s := &slave{manager: managed(t, streaming.MountSettings{}), shares: newShares(1)}
	s.settings.Store(&SlaveConfig{Report: func(string) Report { return Report{Mounts: map[string]int{"/m": 1}} }})
	w := newWatcher(s, 0, master)
	t.Cleanup(w.client.close)
	return &w.reporter
}

func TestReportsShareOneConnection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		start  func(http.Handler) *httptest.Server
		answer http.HandlerFunc
		failed bool // each report is
	}{
		{"plain", httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, false},
		{"TLS", httptest.NewTLSServer, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, false},
		{"refused with a reason", httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("too dull ", 200), http.StatusForbidden)
		}, true},
		{"redirected to the same host", httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == ListPath {
				http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			count := &connectionCounter{answer: tt.answer, from: make(map[string]bool)}
			master := tt.start(count)
			defer master.Close()
			u := Upstream{URL: master.URL, User: "relay", Password: "pullme"}
			if cert := master.Certificate(); cert != nil {
				u.TLS = &TLS{Config: &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}}
				u.TLS.Config.RootCAs.AddCert(cert)
			}
			p := reporterTo(t, u)
			for range 10 {
				if err := p.report(t.Context()); (err != nil) != tt.failed {
					t.Fatal(err)
				}
			}
			if count.requests < 10 || len(count.from) != 1 || count.password != "pullme" {
				t.Errorf("%d requests over %d connections, the last with the password %q; expected 10 or more, one, and pullme",
					count.requests, len(count.from), count.password)
			}
		})
	}
}

// A report, and still more a question about a listener, is for the master alone.
func TestReportsAreNotSentToAnotherHost(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	target := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	master := httptest.NewServer(http.RedirectHandler(target, http.StatusTemporaryRedirect))
	defer master.Close()
	err := reporterTo(t, Upstream{URL: master.URL}).report(context.Background())
	if err == nil || !strings.Contains(err.Error(), "redirect to "+target+"; expected one to the same host") || reached {
		t.Errorf("the error is %v; the other host was reached: %v", err, reached)
	}
}
