package caddymodule

import (
	"errors"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// tlsRequired is what source_tls says to keep passwords from being sent in clear.
const tlsRequired = "required"

// checkSourceTLS refuses what source_tls can't say.
func (m *Mount) checkSourceTLS() error {
	if m.SourceTLS != "" && m.SourceTLS != tlsRequired {
		return errors.New("source_tls: write source_tls required, or leave it out")
	}
	return nil
}

// secure sends a listener who came by plain HTTP to the station's HTTPS, or refuses him if
// it has none.
func (h *Handler) secure(w http.ResponseWriter, r *http.Request) error {
	port := h.station.reign.sites.securePort()
	if port == "" {
		return refuse(w, r, http.StatusForbidden, "This mount is heard over HTTPS only")
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if h.station.Hostname != "" {
		host = h.station.Hostname
		if name, own, err := net.SplitHostPort(host); err == nil {
			host, port = name, own
		}
	}
	if port != "443" {
		host = net.JoinHostPort(host, port)
	}
	to := *r.URL
	to.Scheme, to.Host, to.User = "https", host, nil
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// securePort returns the port of the first site that is encrypted, empty if none is.
func (s *sites) securePort() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		if len(srv.TLSConnPolicies) == 0 {
			continue
		}
		for _, listen := range srv.Listen {
			addr, err := caddy.ParseNetworkAddress(listen)
			if err != nil || addr.IsUnixNetwork() || addr.IsFdNetwork() || addr.StartPort == 0 {
				continue
			}
			if _, port, err := net.SplitHostPort(addr.JoinHostPort(0)); err == nil {
				return port
			}
		}
	}
	return ""
}
