package response

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/streaming/format"
)

// methodSource is the method of Icecast's sources.
const MethodSource = "SOURCE"

// clientIP returns the address of the client, which Caddy takes from a header if
// the peer is a trusted proxy.
func ClientIP(r *http.Request) string {
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// scheme returns by which of them a request came, to a proxy that is trusted if there is
// one.
func Scheme(r *http.Request) string {
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

// askedHost returns the host that a request is for, or where it came in if it names none,
// as in HTTP/1.0.
func AskedHost(r *http.Request) string {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && r.Host == "" {
		return addr.String()
	}
	return r.Host
}

// maxForm is the length of parameters in the body of a request, as in Icecast 2.5.
const MaxForm = 4 << 10

// parameters reads those of an admin command: from the URL and, if it was posted
// as a form, from the body. They are read leniently, since encoders leave
// percent signs and semicolons as they are.
func Parameters(r *http.Request) (url.Values, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost && format.Canonical(r.Header.Get("Content-Type")) == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(io.LimitReader(r.Body, MaxForm+1))
		if err != nil {
			return nil, err
		}
		if len(body) > MaxForm {
			return nil, errors.New("the form is too long")
		}
		raw += "&" + string(body)
	}
	raw = strings.ReplaceAll(raw, ";", "%3B")
	var b strings.Builder
	for i := range len(raw) {
		b.WriteByte(raw[i])
		if raw[i] == '%' && (i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2])) {
			b.WriteString("25")
		}
	}
	return url.ParseQuery(b.String())
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// addressText writes an address, of which there is none on a unix socket.
func AddressText(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}
