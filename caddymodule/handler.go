package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler puts a station on a site: sources send to it, listeners hear it. It
// takes what is the station's, which are its mounts, their playlists, its
// status page and its admin pages, and leaves all else to the next handler.
//
// The same station may be on any number of sites, over HTTP and HTTPS alike.
type Handler struct {
	// The name of the station. Default: `default`.
	Station string `json:"station,omitempty"`

	station *Station
	retired <-chan struct{} // closed when another configuration is in force
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.icecast",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the station.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.retired = ctx.Done()
	app, err := ctx.App("icecast")
	if err != nil {
		return fmt.Errorf("getting the icecast app: %w", err)
	}
	if h.station, err = app.(*App).station(h.Station); err != nil {
		return err
	}
	if srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		h.station.reign.sites.add(srv)
	}
	return nil
}

const (
	eventsPath = "/events"
)

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	path := r.URL.Path
	if !strings.HasPrefix(path, "/") { // as in GET http://host
		return h.serveNext(w, r, next)
	}
	switch r.Method {
	case response.MethodSource, http.MethodPut:
		if r.Method == response.MethodSource || !mountpath.IsReserved(path) {
			if !h.station.doors.admitsAddress(r) {
				return denied(w, r)
			}
			return h.serveSource(w, r)
		}
	case http.MethodGet, http.MethodHead, http.MethodPost:
		if page := h.page(path); page != nil {
			if !h.station.doors.admitsAddress(r) {
				return denied(w, r)
			}
			return page(w, r)
		}
		if r.Method != http.MethodPost && !mountpath.IsReserved(path) {
			if ok, err := h.serveListener(w, r); ok {
				return err
			}
		}
	case methodStats:
		if !h.station.doors.admitsAddress(r) {
			return denied(w, r)
		}
		return h.serveStatsStream(w, r)
	case http.MethodOptions:
		if h.station.live.Mount(path) != nil || mountpath.IsReserved(path) {
			return h.serveOptions(w)
		}
	}
	return h.serveNext(w, r, next)
}

// page returns what serves the page at a path, or nil.
func (h *Handler) page(path string) func(http.ResponseWriter, *http.Request) error {
	switch path {
	case mountpath.StatusJSON:
		return h.serveStatus
	case mountpath.StatusPage:
		return h.serveStatusPage
	case mountpath.AdminPrefix:
		return h.serveAdminPage
	case mountpath.AdminPrefix + "metadata", mountpath.AdminPrefix + "metadata.xsl", mountpath.AdminPrefix + "metadata.json":
		return h.serveMetadata
	case mountpath.AdminCGI, mountpath.AdminPrefix + "admin.cgi":
		return h.serveShoutcastMetadata
	case relay.ListPath:
		return h.serveStreamList
	case streamsPath:
		return h.serveStreams
	}
	if c, ok := h.command(path); ok {
		return h.serveCommand(c)
	}
	if _, _, ok := h.station.playlist(path); ok {
		return h.servePlaylist
	}
	return nil
}

// knows tells whether a path is that of a mount that lives, or has settings of
// its own.
func (s *Station) knows(path string) bool {
	return s.names(path) || s.live.Mount(path) != nil || slices.Contains(s.live.relays.Mounts(), path)
}

// serveOptions answers what may be done, to encoders and to browsers that ask
// before they fetch from another origin.
func (h *Handler) serveOptions(w http.ResponseWriter) error {
	header := w.Header()
	for _, f := range response.CorsHeader {
		response.SetDefault(header, f[0], f[1])
	}
	response.SetDefault(header, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	response.SetDefault(header, "Access-Control-Allow-Headers", "Authorization, Icy-MetaData, Origin, Range")
	response.SetDefault(header, "Access-Control-Max-Age", "86400")
	header.Set("Allow", response.Allowed)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveNext leaves the request to the handlers that follow. If none of them
// answers, the page does not exist.
func (h *Handler) serveNext(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	watch := &watchedWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	err := next.ServeHTTP(watch, r)
	if err != nil || watch.answered {
		return err
	}
	switch r.Method {
	case http.MethodOptions:
		return h.serveOptions(w)
	case http.MethodPost:
		if strings.HasPrefix(r.URL.Path, mountpath.AdminPrefix) {
			return unrecognised(w, r)
		}
	case http.MethodGet, http.MethodHead:
		if p := r.URL.Path; (p == "/" || p == eventsPath) && !h.station.doors.admitsAddress(r) {
			return denied(w, r)
		}
		switch r.URL.Path { // a site may have pages of its own there
		case "/":
			return h.serveStatusPage(w, r)
		case eventsPath:
			return h.serveEvents(w, r)
		case "/admin":
			w.Header().Set("Location", "admin/")
			w.WriteHeader(http.StatusFound)
			return nil
		}
		if mountpath.IsReserved(r.URL.Path) {
			return unrecognised(w, r)
		}
		return response.Refuse(w, r, http.StatusNotFound, "The file you requested could not be found: no source is on "+response.Printable(r.URL.Path))
	}
	w.Header().Set("Allow", response.Allowed)
	return response.Refuse(w, r, http.StatusMethodNotAllowed, "This takes "+response.Allowed)
}

// unrecognised answers a command that there is not. libshout's probe for old servers takes
// 400, but no 404.
func unrecognised(w http.ResponseWriter, r *http.Request) error {
	return response.Refuse(w, r, http.StatusBadRequest, "Unrecognised command")
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
