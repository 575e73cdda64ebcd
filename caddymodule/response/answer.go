// Package response has what all answers of a station share. An answer is a whole page that no cache keeps. A request that is refused gets one
// sentence of plain text, or the site's own error page: checks return a *Refusal, and the
// handler writes it. The functions hold no state and may be called from any goroutine.
package response

import (
	"io"
	"net/http"
	"strconv"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Allowed lists the methods of a mount. Encoders made with libshout switch to PUT when
// they see it here.
const Allowed = "GET, PUT, SOURCE, OPTIONS"

// realm is what Icecast has always called itself; some encoders look for it.
const realm = `Basic realm="Icecast2 Server", charset="UTF-8"`

// CORSHeader lets pages of any origin play a mount and read its titles.
var CORSHeader = [][2]string{
	{"Access-Control-Allow-Origin", "*"},
	{"Access-Control-Expose-Headers", "Icy-Br, Icy-Description, Icy-Genre, Icy-MetaInt, Icy-Name, Icy-Pub, Icy-Url"},
}

// SetDefault sets a field unless the site's configuration has set it.
func SetDefault(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

// Answer sends a whole page, which no cache may keep.
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

// Printable makes a text from a request fit for an answer or a log line.
func Printable(s string) string { return icy.Cut(icy.Clean(s), 256) }
