package caddymodule

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// tlsRequired is what source_tls says to keep passwords from being sent in clear.
const tlsRequired = "required"

// checkSourceTLS refuses what source_tls can't say.
func (m *Mount) checkSourceTLS() error {
	if m.SourceTLS != "" && m.SourceTLS != tlsRequired && m.SourceTLS != "off" {
		return errors.New("source_tls: write source_tls required, or source_tls off where a pattern says required")
	}
	return nil
}

// isInClear tells whether who feeds a mount or titles it sends his password in clear, and must not.
func (s *Station) isInClear(r *http.Request, mount string) bool {
	return s.mount(mount).SourceTLS == tlsRequired && response.Scheme(r) != "https"
}

// secure sends a listener who came by plain HTTP to the station's HTTPS, or refuses him if
// it has none.
func (h *Handler) secure(w http.ResponseWriter, r *http.Request) error {
	port := h.station.reign.sites.securePort()
	if port == "" {
		return response.Refuse(w, r, http.StatusForbidden, "This mount is heard over HTTPS only")
	}
	sendTo(w, http.StatusTemporaryRedirect, secureURL(r, h.station.hostnameOver("https"), port))
	return nil
}

// secureURL returns where what was asked for is found over HTTPS: by the station's host name
// if it has one, and by that one's port if it has one.
func secureURL(r *http.Request, hostname, port string) string {
	at := cmp.Or(hostname, response.AskedHost(r))
	host, own, err := net.SplitHostPort(at)
	if err != nil {
		host = strings.Trim(at, "[]")
	} else if hostname != "" {
		port = own
	}
	to := *r.URL
	to.Scheme, to.Host, to.User = "https", strings.TrimSuffix(net.JoinHostPort(host, port), ":443"), nil
	return to.String()
}

// securePort returns the port of a site that is encrypted, empty if none is. Caddy names its
// servers in any order. Those come last that may want a certificate of who comes, then 443
// comes first, then the lowest.
func (s *sites) securePort() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best string
	var least [2]int
	for _, srv := range s.servers {
		if len(srv.TLSConnPolicies) == 0 {
			continue
		}
		var rank [2]int
		if slices.ContainsFunc(srv.TLSConnPolicies, wantsCertificate) {
			rank[0] = 1
		}
		for _, listen := range srv.Listen {
			addr, err := caddy.ParseNetworkAddress(listen)
			if err != nil || addr.IsUnixNetwork() || addr.IsFdNetwork() || addr.StartPort == 0 {
				continue
			}
			if rank[1] = int(addr.StartPort); rank[1] == 443 {
				rank[1] = 0
			}
			if best == "" || slices.Compare(rank[:], least[:]) < 0 {
				best, least = strconv.Itoa(int(addr.StartPort)), rank
			}
		}
	}
	return best
}

// wantsCertificate tells whether connections may have to show a certificate.
func wantsCertificate(p *caddytls.ConnectionPolicy) bool {
	return p.ClientAuthentication != nil && p.ClientAuthentication.Active()
}
