// Package request holds the facts of a request that several checks need, computed
// once: the client's address, the scheme and the host as the client sees them.
//
// Facts are made by New when a request arrives, and do not change. They belong to the
// request's goroutine, as the request itself does. Parameters reads the parameters of
// an admin command leniently, as encoders need. The package decides nothing: it does not
// use stations or answers.
package request

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/text/encoding/charmap"
)

// Methods that are not HTTP's own.
const (
	MethodSource = "SOURCE" // of Icecast's sources
	MethodStats  = "STATS"  // asks for all statistics and each change of them
)

// Facts are a request, and what is derived from it once.
type Facts struct {
	*http.Request

	// ClientIP is the address of the client as text, from a header if the peer is a
	// trusted proxy. On a Unix socket it is what the server calls the peer.
	ClientIP string

	// Addr is ClientIP parsed. The zero value: there is none, as on a Unix socket.
	Addr netip.Addr

	// Scheme is "http" or "https", as the client sees it.
	Scheme string

	// AskedHost is the host of the request. Without a host, as in HTTP/1.0, it is the local
	// address of the connection.
	AskedHost string

	// Prefix is the beginning of the path that the site has cut off, such as /stream of
	// handle_path /stream/*. Empty: nothing was.
	Prefix string
}

// New returns the facts of a request.
func New(r *http.Request) *Facts {
	f := &Facts{Request: r, ClientIP: clientIP(r), Scheme: scheme(r), AskedHost: askedHost(r), Prefix: prefix(r)}
	f.Addr, _ = netip.ParseAddr(f.ClientIP)
	return f
}

// BasicAuth returns user and password of the request, as Text.
func (f *Facts) BasicAuth() (user, password string, ok bool) {
	user, password, ok = f.Request.BasicAuth()
	return Text(user), Text(password), ok
}

// Text returns what a client sent, in UTF-8. Bytes that are not UTF-8 are read as Windows-1252,
// which has all characters of ISO 8859-1: some clients send passwords in that.
func Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	decoded, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return s
	}
	return decoded
}

// IsEncrypted reports whether the client used TLS, to this server or to a trusted proxy.
func (f *Facts) IsEncrypted() bool { return f.Scheme == "https" }

// clientIP returns the address of the client, which Caddy takes from a header if
// the peer is a trusted proxy.
func clientIP(r *http.Request) string {
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// scheme returns the scheme of the request; behind a trusted proxy, the scheme there.
func scheme(r *http.Request) string {
	proto := r.Header.Get("X-Forwarded-Proto")
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted && proto != "" {
		if strings.EqualFold(proto, "https") {
			return "https"
		}
		return "http"
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func askedHost(r *http.Request) string {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && r.Host == "" {
		return addr.String()
	}
	return r.Host
}

// prefix returns what precedes the path in the original one, as the client sent it.
func prefix(r *http.Request) string {
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return ""
	}
	before, ok := strings.CutSuffix(original.URL.Path, r.URL.Path)
	if !ok || !strings.HasPrefix(before, "/") || !strings.HasPrefix(r.URL.Path, "/") {
		return ""
	}
	return before
}

// AddressText returns an address as text, empty for a Unix socket, which has none.
func AddressText(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}
