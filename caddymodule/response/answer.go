// Package response has what all answers of a station share.
//
// Answer sends a whole page, which no cache keeps, and Send one that caches may keep. Checks
// return the other answers as errors, and the handler writes them: a Refusal is one sentence of
// plain text, or the site's own error page; a Redirect names the address where a listener finds
// the mount.
//
// The functions hold no state and may be called from any goroutine. A Refusal belongs to its
// request. The package decides nothing: it does not use stations or mounts.
package response

import (
	"io"
	"net/http"
	"strconv"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Allowed lists the methods of a mount. Encoders with libshout switch to PUT if PUT is here.
const Allowed = "GET, PUT, SOURCE, OPTIONS"

// realm is Icecast's; some encoders search for it.
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
	SetDefault(header, "Cache-Control", "no-cache, no-store")
	SetDefault(header, "Access-Control-Allow-Origin", "*")
	WriteHead(w, status, contentType, len(body))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, body)
	return err
}

// Send sends a whole body. What caches and pages of other origins may do is up to the caller.
func Send(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	WriteHead(w, http.StatusOK, contentType, len(body))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(body)
	return err
}

// WriteHead writes the head of an answer whose body has a length, in bytes.
func WriteHead(w http.ResponseWriter, status int, contentType string, length int) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(length))
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}

// Printable makes a text from a request fit for an answer or a log line.
func Printable(s string) string { return icy.Cut(icy.Clean(s), 256) }
