// Package response has what all answers of a station share, and the facts of a
// request that several packages need: the client's address, the scheme, the host and
// the parameters of a command.
//
// An answer is a whole page that no cache keeps. A request that is refused gets one
// sentence of plain text, or the site's own error page. The functions hold no state
// and may be called from any goroutine.
package response

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/streaming/icy"
)

// allowed is what may be done to a mount. Encoders made with libshout switch to
// PUT when they see it here.
const Allowed = "GET, PUT, SOURCE, OPTIONS"

// realm is what Icecast has always called itself; some encoders look for it.
const realm = `Basic realm="Icecast2 Server", charset="UTF-8"`

// corsHeader lets pages of any origin play a mount and read its titles.
var CorsHeader = [][2]string{
	{"Access-Control-Allow-Origin", "*"},
	{"Access-Control-Expose-Headers", "Icy-Br, Icy-Description, Icy-Genre, Icy-MetaInt, Icy-Name, Icy-Pub, Icy-Url"},
}

// setDefault sets a field that the site's own configuration has not set.
func SetDefault(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

// refuse answers an error with a sentence of plain text. Sites with error routes
// of their own get the error instead.
func Refuse(w http.ResponseWriter, r *http.Request, status int, reason string) error {
	if srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok &&
		srv.Errors != nil && status != http.StatusUnauthorized {
		return caddyhttp.Error(status, fmt.Errorf("%s", reason))
	}
	return Answer(w, r, status, "text/plain; charset=utf-8", reason+"\r\n")
}

// challenge asks for credentials.
func Challenge(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("WWW-Authenticate", realm)
	w.Header().Set("Allow", Allowed)
	return Refuse(w, r, http.StatusUnauthorized, "You need to authenticate")
}

// answer sends a whole page. Nobody shall keep it.
func Answer(w http.ResponseWriter, r *http.Request, status int, contentType, body string) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	SetDefault(header, "Cache-Control", "no-cache, no-store")
	SetDefault(header, "Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, body)
	return err
}

// printable makes a text from a request fit for an answer.
func Printable(s string) string { return icy.Cut(icy.Clean(s), 256) }
