package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/streaming/relay"
)

// A slave answers only the challenge of one of its masters, and says nothing to anybody else.
func TestASlaveProvesItselfToItsMasters(t *testing.T) {
	slave := &caddymodule.Slave{Masters: []string{"http://127.0.0.1:1"}}
	slave.Password = "pullme"
	h := moduletest.New(t, &caddymodule.Station{Slave: slave, Deny: &access.Clients{IPs: []string{"192.0.2.0/24"}}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.Handler.ServeHTTP(w, r, moduletest.Unanswered); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	for _, tt := range []struct {
		name, id, password string
		ok                 bool
	}{
		{"its master", h.Relayer().ID, "pullme", true},
		{"another password", h.Relayer().ID, "guess", false},
		{"another slave is expected", "other", "pullme", false},
	} {
		err := relay.Prober("test")(t.Context(), relay.Probe{Base: srv.URL, ID: tt.id, Key: relay.ProofKey(tt.password)})
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
