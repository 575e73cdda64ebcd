package handler

import (
	"cmp"
	"net"
	"net/http"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// redirectToHTTPS is the answer to a listener that asked by plain HTTP for a mount with
// require_tls: a redirect to the station's HTTPS, or a refusal if it has none.
func (h *Handler) redirectToHTTPS(r *request.Facts) error {
	port := h.station.SecurePort()
	if port == "" {
		return response.Refuse(http.StatusForbidden, "This mount is heard over HTTPS only")
	}
	return &redirectError{http.StatusTemporaryRedirect, secureURL(r, h.station.HostnameOver("https"), port)}
}

// redirectError is a redirect that a check has found; serve answers it.
type redirectError struct {
	status int
	to     string
}

func (e *redirectError) Error() string { return "redirect to " + e.to }

// secureURL returns where what was asked for is found over HTTPS: by the station's host name
// if it has one, and by that one's port if it has one.
func secureURL(r *request.Facts, hostname, port string) string {
	at := cmp.Or(hostname, r.AskedHost)
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
