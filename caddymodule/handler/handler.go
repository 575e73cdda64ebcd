package handler

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddycast/caddycast/caddymodule/admin"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/status"
	"github.com/caddycast/caddycast/streaming/relay"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("icecast", parseHandler)
	// Requests that are not for the station go on to the directives that answer.
	httpcaddyfile.RegisterDirectiveOrder("icecast", httpcaddyfile.Before, "respond")
}

// Handler puts a station on a site, for sources and listeners. It serves the station's
// mounts, their playlists, its status page and its admin commands. Every other request goes on to
// the next handler.
//
// The same station may be on any number of sites, over HTTP and HTTPS alike.
type Handler struct {
	// The name of the station. Default: `default`.
	Station string `json:"station,omitempty"`

	// The path at which health checks are answered, such as `/health`. Default: none.
	Health string `json:"health,omitempty"`

	station  *state.Generation
	pages    *status.Pages
	commands *admin.Commands
	retired  <-chan struct{} // closed when another configuration is in force
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
	app, err := ctx.App("icecast")
	if err != nil {
		return fmt.Errorf("getting the icecast app: %w", err)
	}
	g, err := app.(state.Provider).Generation(h.Station)
	if err != nil {
		return err
	}
	if h.Health != "" {
		if err := mountpath.Check(h.Health); err != nil {
			return fmt.Errorf("health %q: %w", h.Health, err)
		}
	}
	h.Use(g, ctx.Done())
	if srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		g.AddSite(srv)
	}
	return nil
}

// Use sets the station of the handler. retired is closed when the configuration is replaced.
func (h *Handler) Use(g *state.Generation, retired <-chan struct{}) {
	h.station, h.retired = g, retired
	h.pages, h.commands = status.NewPages(g, retired), admin.NewCommands(g, retired)
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. It is the one place where a redirect or
// a refusal is written, and where refusals are logged and counted.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	h.station.PublishFirst()
	f, err := request.New(r), errNotServed
	if strings.HasPrefix(r.URL.Path, "/") || isSource(f) { // not as in GET http://host
		err = h.serve(w, f)
	}
	if err != nil {
		w.Header().Del(relay.PathHeader) // of the stream that is not sent
	}
	if errors.Is(err, errNotServed) {
		err = h.serveNext(w, f, next)
	}
	if redirect, ok := errors.AsType[*response.Redirect](err); ok {
		redirect.Write(w)
		return nil
	}
	if refusal, ok := errors.AsType[*response.Refusal](err); ok {
		h.station.Refused(f, refusal)
		return refusal.Write(w, r)
	}
	return err
}

// errNotServed is returned for a request that the station does not serve, before anything is
// written.
var errNotServed = errors.New("not a request of the station")

// serve serves a request for the station. Addresses are checked first, except those of
// listeners: their check includes the user agent.
func (h *Handler) serve(w http.ResponseWriter, r *request.Facts) error {
	path := r.URL.Path
	switch r.Method {
	case request.MethodSource, http.MethodPut:
		return h.allowed(r, func() error { return h.serveSource(w, r) })
	case http.MethodGet, http.MethodHead, http.MethodPost:
		if check := h.healthCheck(path); check != nil && r.Method != http.MethodPost {
			return check(w, r) // for balancers, whichever listeners are allowed
		}
		if path == relay.NodePath {
			return h.serveNode(w, r) // for masters, whichever listeners are allowed
		}
		if page := h.page(path); page != nil {
			return h.allowed(r, func() error { return page(w, r) })
		}
		if r.Method != http.MethodPost && !mountpath.IsReserved(path) {
			if strings.HasSuffix(path, mountpath.HLSEntry) || strings.Contains(path, mountpath.HLSFolder) {
				if err := h.serveHLS(w, r); !errors.Is(err, errNotServed) {
					return err
				}
			}
			return h.serveListener(w, r, path)
		}
	case request.MethodStats:
		return h.allowed(r, func() error { return h.commands.ServeStatsStream(w, r) })
	case http.MethodOptions:
		if h.station.Mount(path) != nil || mountpath.IsReserved(path) {
			return serveOptions(w)
		}
	}
	return errNotServed
}

// isSource reports whether a request is one of a source, by whatever path.
func isSource(r *request.Facts) bool {
	return r.Method == request.MethodSource || r.Method == http.MethodPut
}

// allowed calls serve if the client's address is allowed.
func (h *Handler) allowed(r *request.Facts, serve func() error) error {
	if err := h.station.Access.CheckAddress(r.Addr); err != nil {
		return err
	}
	return serve()
}

// page returns the function that serves the page at a path, nil if there is none.
func (h *Handler) page(path string) func(http.ResponseWriter, *request.Facts) error {
	switch path {
	case listPath:
		return h.serveStreamList
	case streamsPath:
		return h.serveStreams
	case relay.QuestionPath:
		return h.serveQuestion
	case relay.EndedPath:
		return h.serveEnded
	}
	if page := h.pages.Page(path); page != nil {
		return page
	}
	return h.commands.Command(path)
}

// parseHandler parses the directive that puts a station on a site.
//
//	icecast [<matcher>] [<station>] {
//		health [<path>]
//	}
func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler; see parseHandler.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	d.Args(&h.Station)
	if d.NextArg() {
		return d.Errf("icecast: unexpected argument %q; usage: icecast [<station>]", d.Val())
	}
	for d.NextBlock(0) {
		if d.Val() != "health" {
			return d.Errf("icecast: unexpected %q on a site; expected health, and the settings of the station in the global options, in { icecast { … } }", d.Val())
		}
		h.Health = defaultHealth
		if d.NextArg() {
			h.Health = d.Val()
		}
		if d.NextArg() {
			return d.Errf("health: unexpected argument %q; usage: health [<path>]", d.Val())
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)
