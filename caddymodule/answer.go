package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/streaming/icy"
)

// allowed is what may be done to a mount. Encoders made with libshout switch to
// PUT when they see it here.
const allowed = "GET, PUT, SOURCE, OPTIONS"

// realm is what Icecast has always called itself; some encoders look for it.
const realm = `Basic realm="Icecast2 Server", charset="UTF-8"`

// corsHeader lets pages of any origin play a mount and read its titles.
var corsHeader = [][2]string{
	{"Access-Control-Allow-Origin", "*"},
	{"Access-Control-Expose-Headers", "Icy-Br, Icy-Description, Icy-Genre, Icy-MetaInt, Icy-Name, Icy-Pub, Icy-Url"},
}

// serveOptions answers what may be done, to encoders and to browsers that ask
// before they fetch from another origin.
func (h *Handler) serveOptions(w http.ResponseWriter) error {
	header := w.Header()
	for _, f := range corsHeader {
		setDefault(header, f[0], f[1])
	}
	setDefault(header, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	setDefault(header, "Access-Control-Allow-Headers", "Authorization, Icy-MetaData, Origin, Range")
	setDefault(header, "Access-Control-Max-Age", "86400")
	header.Set("Allow", allowed)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// setDefault sets a field that the site's own configuration has not set.
func setDefault(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

// refuse answers an error with a sentence of plain text. Sites with error routes
// of their own get the error instead.
func refuse(w http.ResponseWriter, r *http.Request, status int, reason string) error {
	if srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok &&
		srv.Errors != nil && status != http.StatusUnauthorized {
		return caddyhttp.Error(status, fmt.Errorf("%s", reason))
	}
	return answer(w, r, status, "text/plain; charset=utf-8", reason+"\r\n")
}

// challenge asks for credentials.
func challenge(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("WWW-Authenticate", realm)
	w.Header().Set("Allow", allowed)
	return refuse(w, r, http.StatusUnauthorized, "You need to authenticate")
}

// answer sends a whole page. Nobody shall keep it.
func answer(w http.ResponseWriter, r *http.Request, status int, contentType, body string) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	setDefault(header, "Cache-Control", "no-cache, no-store")
	setDefault(header, "Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, body)
	return err
}

// printable makes a text from a request fit for an answer.
func printable(s string) string { return icy.Cut(icy.Clean(s), 256) }

// watchedWriter notices whether a handler has answered.
type watchedWriter struct {
	*caddyhttp.ResponseWriterWrapper
	answered bool
}

func (w *watchedWriter) WriteHeader(status int) {
	w.answered = w.answered || status >= 200 || status == http.StatusSwitchingProtocols
	w.ResponseWriter.WriteHeader(status)
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.answered = true
	return w.ResponseWriter.Write(p)
}

func (w *watchedWriter) ReadFrom(r io.Reader) (int64, error) {
	w.answered = true
	return w.ResponseWriterWrapper.ReadFrom(r)
}

func (w *watchedWriter) FlushError() error {
	w.answered = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.answered = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
