package handler

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// serveNext passes the request to the next handlers. If none of them answers, the station's
// default pages do, or the answer is an error.
func (h *Handler) serveNext(w http.ResponseWriter, r *request.Facts, next caddyhttp.Handler) error {
	watch := &watchedWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	err := next.ServeHTTP(watch, r.Request)
	if err != nil || watch.answered {
		return err
	}
	path := r.URL.Path
	switch r.Method {
	case http.MethodOptions:
		return serveOptions(w)
	case http.MethodPost:
		if strings.HasPrefix(path, mountpath.AdminPrefix) {
			return errUnrecognised()
		}
	case http.MethodGet, http.MethodHead:
		if page := h.pages.Default(path); page != nil { // a site may have pages of its own there
			return h.allowed(r, func() error { return page(w, r) })
		}
		if path == "/admin" {
			w.Header().Set("Location", "admin/")
			w.WriteHeader(http.StatusFound)
			return nil
		}
		if mountpath.IsAdmin(path) {
			return errUnrecognised()
		}
		return errNoSource(path)
	}
	return response.Refuse(http.StatusMethodNotAllowed, "This takes "+response.Allowed).With("Allow", response.Allowed)
}

// errUnrecognised refuses a command that does not exist. libshout's probe for old servers
// accepts 400, but not 404.
func errUnrecognised() error { return response.Refuse(http.StatusBadRequest, "Unrecognised command") }

// errNoSource refuses a path without a stream.
func errNoSource(path string) error {
	return response.Refuse(http.StatusNotFound, "The file you requested could not be found: no source is on "+response.Printable(path))
}

// serveOptions answers with the allowed methods, for encoders and for the preflight requests of
// browsers.
func serveOptions(w http.ResponseWriter) error {
	header := w.Header()
	for _, f := range response.CORSHeader {
		response.SetDefault(header, f[0], f[1])
	}
	response.SetDefault(header, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	response.SetDefault(header, "Access-Control-Allow-Headers", "Authorization, Icy-MetaData, Origin, Range")
	response.SetDefault(header, "Access-Control-Max-Age", "86400")
	header.Set("Allow", response.Allowed)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
