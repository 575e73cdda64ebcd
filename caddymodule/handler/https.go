package handler

import (
	"cmp"
	"net"
	"net/http"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// redirectToHTTPS returns the answer to a listener of a mount with require_tls over plain
// HTTP: a redirect to the station's HTTPS port, or a refusal if it has none.
func (h *Handler) redirectToHTTPS(r *request.Facts) error {
	port := h.station.SecurePort()
	if port == "" {
		return response.Refuse(http.StatusForbidden, "This mount requires HTTPS")
	}
	return &response.Redirect{Status: http.StatusTemporaryRedirect, URL: secureURL(r, h.station.HostnameOver("https"), port)}
}

// secureURL returns the HTTPS URL of a request. The host is the station's host name if there
// is one, with the port of that name if it has one.
func secureURL(r *request.Facts, hostname, port string) string {
	at := cmp.Or(hostname, r.AskedHost)
	host, own, err := net.SplitHostPort(at)
	if err != nil {
		host = strings.Trim(at, "[]")
	} else if hostname != "" {
		port = own
	}
	to := *r.URL
	to.Path, to.RawPath = r.Prefix+to.Path, ""
	to.Scheme, to.Host, to.User = "https", strings.TrimSuffix(net.JoinHostPort(host, port), ":443"), nil
	return to.String()
}
