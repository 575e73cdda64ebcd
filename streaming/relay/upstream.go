package relay

import (
	"crypto/tls"
	"net/url"
	"strings"
)

// Upstream is a place from which a mount is pulled.
type Upstream struct {
	// URL is http or https, without user and password.
	URL string

	// User and Password are sent to the host of URL only. Empty: none.
	User, Password string

	// TLS verifies an https server; nil: by the system's authorities.
	TLS *TLS

	// Authorize returns the field Authorization of a request, in place of User and Password. Upstreams
	// with the same URL have the same one. Nil: there is none.
	Authorize func() string

	// Node is the server's id. Empty: it is unknown.
	Node string
}

// TLS configures the verification of servers, and the client certificate.
type TLS struct {
	// Key is equal for equal configurations.
	Key    string
	Config *tls.Config
}

func (t *TLS) key() string {
	if t == nil {
		return ""
	}
	return t.Key
}

// label returns the URL for logs, without its query, which may hold a ticket.
func (u Upstream) label() string {
	before, _, _ := strings.Cut(u.URL, "?")
	return before
}

// same reports whether two upstreams have the same URL, credentials and verification.
func (u Upstream) same(o Upstream) bool {
	return u.URL == o.URL && u.User == o.User && u.Password == o.Password && u.TLS.key() == o.TLS.key()
}

// trusts reports whether credentials for home may be sent to a URL to which home refers:
// only to the same host, and never from https to http. Another port is allowed, since it
// may be that of HTTPS.
func trusts(home, at *url.URL) bool {
	return strings.EqualFold(home.Hostname(), at.Hostname()) && (home.Scheme == "http" || at.Scheme == "https")
}
