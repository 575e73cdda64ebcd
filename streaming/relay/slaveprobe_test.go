package relay

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// discard is the log of servers whose clients refuse them.
var discard = log.New(io.Discard, "", 0)

func TestAProofIsForOneChallenge(t *testing.T) {
	q, want := newChallenge(ProofKey("secret"), "node1")
	if got, ok := Prove("secret", "node1", q); !ok || got != want {
		t.Fatalf("the proof is %q, %v; want %q", got, ok, want)
	}
	with := func(name, value string) url.Values {
		other := url.Values{"id": q["id"], "nonce": q["nonce"], "code": q["code"]}
		other.Set(name, value)
		return other
	}
	for name, tt := range map[string]struct {
		password, id string
		q            url.Values
	}{
		"another password":     {"other", "node1", q},
		"no password":          {"", "node1", q},
		"another node":         {"secret", "node2", q},
		"another node's query": {"secret", "node2", with("id", "node2")},
		"no code":              {"secret", "node1", with("code", "")},
		"another nonce":        {"secret", "node1", with("nonce", strings.Repeat("0", nonceSize))},
		"a long nonce":         {"secret", "node1", with("nonce", strings.Repeat("0", 1<<10))},
		"the proof as code":    {"secret", "node1", with("code", want)},
		"nothing":              {"secret", "node1", nil},
	} {
		if got, ok := Prove(tt.password, tt.id, tt.q); ok {
			t.Errorf("%s: proof %q", name, got)
		}
	}
}

func TestAURLIsVerifiedByAProof(t *testing.T) {
	proving := func(w http.ResponseWriter, r *http.Request) {
		proof, ok := Prove("secret", "node1", r.URL.Query())
		if !ok || r.URL.Path != "/radio"+NodePath {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(proof + "\n"))
	}
	honest := httptest.NewServer(http.HandlerFunc(proving))
	defer honest.Close()
	for _, tt := range []struct {
		name   string
		serve  http.HandlerFunc
		tls    bool
		id     string
		secret string
		listed bool
		want   string // part of the error; empty: none
	}{
		{"the slave", proving, false, "node1", "secret", false, ""},
		{"another password", proving, false, "node1", "other", false, "status 404"},
		{"another node", proving, false, "node2", "secret", false, "status 404"},
		{"any page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }, false, "node1", "secret", false, "wrong proof"},
		{"an endless page", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		}, false, "node1", "secret", false, "wrong proof"},
		{"a redirect to the slave", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, honest.URL+r.URL.String(), http.StatusFound)
		}, false, "node1", "secret", false, "status 302"},
		{"a certificate of an unknown authority", proving, true, "node1", "secret", false, "certificate"},
		{"a listed host with another server", http.NotFound, false, "node1", "secret", true, ""},
		{"a listed host with a wrong certificate", http.NotFound, true, "node1", "secret", true, "certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(tt.serve)
			srv.Config.ErrorLog = discard
			if tt.tls {
				srv.StartTLS()
			} else {
				srv.Start()
			}
			defer srv.Close()
			err := Prober("test")(t.Context(), Probe{srv.URL + "/radio", tt.id, ProofKey(tt.secret), tt.listed})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hello") {
				t.Errorf("%v: shows the answer", err)
			}
		})
	}
	honest.Close()
	if err := Prober("test")(t.Context(), Probe{honest.URL, "node1", nil, false}); err == nil || strings.Contains(err.Error(), "nonce") {
		t.Errorf("a dead server: %v; want an error without the query", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Prober("test")(ended, Probe{honest.URL, "node1", nil, true}); err == nil {
		t.Error("no error after the end")
	}
}

// A challenge carries a code by the password, which whoever gets it may try to guess.
func TestAListedHostGetsNoChallenge(t *testing.T) {
	var queries []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { queries = append(queries, r.URL.RawQuery) }))
	defer srv.Close()
	for _, listed := range []bool{true, false} {
		_ = Prober("test")(t.Context(), Probe{srv.URL, "node1", ProofKey("secret"), listed})
	}
	if len(queries) != 2 || queries[0] != "" || !strings.Contains(queries[1], "code=") {
		t.Errorf("the queries are %q; want none for the listed host, and a challenge", queries)
	}
}
