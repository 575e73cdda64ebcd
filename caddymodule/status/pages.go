package status

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// Pages are the pages of one configuration of a station.
type Pages struct {
	station *state.Generation
	retired <-chan struct{} // closed when another configuration is in force
}

// NewPages returns the pages of a station. Events end when retired is closed.
func NewPages(station *state.Generation, retired <-chan struct{}) *Pages {
	return &Pages{station, retired}
}

// Page returns the function that serves the page at a path, nil if there is none.
func (p *Pages) Page(path string) func(http.ResponseWriter, *request.Facts) error {
	switch path {
	case mountpath.StatusJSON:
		return p.serveJSON
	case mountpath.StatusPage:
		return p.serveStatusPage
	case mountpath.AdminPrefix:
		return p.serveAdminPage
	case mountpath.HLSScript:
		return serveHLSScript
	}
	if mount, kind, ok := p.playlist(path); ok {
		return func(w http.ResponseWriter, r *request.Facts) error { return p.servePlaylist(w, r, mount, kind) }
	}
	return nil
}

// Default returns the function that serves a page where the site has none, nil if there is
// none.
func (p *Pages) Default(path string) func(http.ResponseWriter, *request.Facts) error {
	switch path {
	case "/":
		return p.serveStatusPage
	case mountpath.Events:
		return p.serveEvents
	}
	return nil
}

// serveStatusPage answers with the public page.
func (p *Pages) serveStatusPage(w http.ResponseWriter, r *request.Facts) error {
	return p.servePage(w, r, p.station.Templates.Status, newView(p.station, p.station.Statuses()))
}

// serveAdminPage answers with the administrator's page.
func (p *Pages) serveAdminPage(w http.ResponseWriter, r *request.Facts) error {
	if err := auth.Authorize(r, p.station.Gate.Admin); err != nil {
		return err
	}
	v := newView(p.station, p.station.Statuses())
	v.Token = p.station.Gate.Admin.NewPageToken()
	return p.servePage(w, r, p.station.Templates.Admin, v)
}

// servePage answers with a page that may run only its own scripts.
func (p *Pages) servePage(w http.ResponseWriter, r *request.Facts, t *template.Template, v stationView) error {
	v.Nonce = rand.Text()
	var body bytes.Buffer
	if err := t.Execute(&body, v); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	// Media may have any source: a master redirects listeners to slaves. That of hls.js is a blob.
	response.SetDefault(w.Header(), "Content-Security-Policy", "default-src 'none'; connect-src "+p.connections()+"; media-src * blob:; img-src 'self' data:; "+
		"style-src 'self' 'unsafe-inline'; script-src 'nonce-"+v.Nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	response.SetDefault(w.Header(), "X-Content-Type-Options", "nosniff")
	return response.Answer(w, r.Request, http.StatusOK, "text/html; charset=utf-8", body.String())
}

// connections returns where scripts of a page may load from: this host, the caches of segments, and
// any slave that a master writes into the entry of a mount.
func (p *Pages) connections() string {
	if p.station.Redirect.IsOn() {
		return "*"
	}
	return strings.Join(append([]string{"'self'"}, p.station.SegmentOrigins...), " ")
}
