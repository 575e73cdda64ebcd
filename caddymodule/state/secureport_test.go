package state

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// Caddy goes through its servers in any order: listeners of a mount that is heard over TLS
// only could be sent to the port of the studios, by chance at each reload.
func TestWhichPortHTTPSIsAt(t *testing.T) {
	public := caddytls.ConnectionPolicies{new(caddytls.ConnectionPolicy)}
	studios := caddytls.ConnectionPolicies{
		{ClientAuthentication: &caddytls.ClientAuthentication{Mode: "require"}},
		new(caddytls.ConnectionPolicy), // the Caddyfile adds one for all other names
	}
	at := func(policies caddytls.ConnectionPolicies, listen ...string) *caddyhttp.Server {
		return &caddyhttp.Server{Listen: listen, TLSConnPolicies: policies}
	}
	for _, tt := range []struct {
		name    string
		servers []*caddyhttp.Server
		want    string
	}{
		{"none", nil, ""},
		{"plain only", []*caddyhttp.Server{at(nil, ":8000")}, ""},
		{"one", []*caddyhttp.Server{at(nil, ":443"), at(public, ":8443")}, "8443"},
		{"443 and another", []*caddyhttp.Server{at(public, ":442"), at(public, ":443"), at(public, ":8443")}, "443"},
		{"443 of several of a server", []*caddyhttp.Server{at(public, ":442", ":443")}, "443"},
		{"two others", []*caddyhttp.Server{at(public, ":8444"), at(public, ":8443")}, "8443"},
		{"studios at a lower port", []*caddyhttp.Server{at(studios, ":443"), at(public, ":8443")}, "8443"},
		{"studios only", []*caddyhttp.Server{at(studios, ":8444")}, "8444"},
		{"a port that is not known", []*caddyhttp.Server{at(public, ":0", "unix//run/radio.sock", ":http")}, ""},
		{"the first of a range", []*caddyhttp.Server{at(public, ":8443-8450")}, "8443"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				var s sites
				for _, srv := range tt.servers {
					s.servers = append([]*caddyhttp.Server{srv}, s.servers...)
				}
				if got := s.securePort(); got != tt.want {
					t.Errorf("%q; want %q", got, tt.want)
				}
				tt.servers = s.servers // in the other order
			}
		})
	}
}
