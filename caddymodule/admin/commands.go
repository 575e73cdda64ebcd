package admin

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// command is an admin command of Icecast: /admin/<name>, optionally with .xsl or .json.
type command struct {
	serve   func(c *Commands, w http.ResponseWriter, r *request.Facts, q url.Values) error
	mount   bool // needs the parameter mount
	changes bool // changes something; a browser needs the token of the page
	open    bool // needs no authentication
}

// commands are those of Icecast 2.4.4 that apply here, and publicstats and the id of manageauth of 2.5. Metadata and the
// lists for slaves have other credentials and are served apart.
var commands = map[string]command{
	"stats":          {serve: (*Commands).serveStats},
	"publicstats":    {serve: (*Commands).servePublicStats, open: true},
	"listmounts":     {serve: (*Commands).serveMounts},
	"streamlist":     {serve: (*Commands).serveMounts},
	"listclients":    {serve: (*Commands).serveClients, mount: true},
	"listslaves":     {serve: (*Commands).serveSlaves},                // ours
	"listmasters":    {serve: (*Commands).serveMasters},               // ours
	"drainslave":     {serve: (*Commands).drainSlave, changes: true},  // ours
	"removeslave":    {serve: (*Commands).removeSlave, changes: true}, // ours
	"drain":          {serve: (*Commands).drain, changes: true},       // ours
	"undrain":        {serve: (*Commands).undrain, changes: true},     // ours
	"listevents":     {serve: (*Commands).serveLastEvents},            // ours
	"manageauth":     {serve: (*Commands).manageAuth, changes: true},
	"killclient":     {serve: (*Commands).killClient, mount: true, changes: true},
	"moveclients":    {serve: (*Commands).moveClients, mount: true, changes: true},
	"killsource":     {serve: (*Commands).killSource, mount: true, changes: true},
	"fallbacks":      {serve: (*Commands).setFallback, mount: true, changes: true},
	"updatemetadata": {serve: (*Commands).serveUpdateMetadata, mount: true},
	"buildm3u":       {serve: (*Commands).buildM3U, open: true},
}

// Commands are Icecast's admin commands of a station.
type Commands struct {
	station *state.Generation
	retired <-chan struct{} // closed when another configuration is in force
}

// NewCommands returns the commands of a station, which end when retired is closed.
func NewCommands(station *state.Generation, retired <-chan struct{}) *Commands {
	return &Commands{station, retired}
}

// Command returns the function that serves the command at a path, nil if there is none.
func (c *Commands) Command(p string) func(http.ResponseWriter, *request.Facts) error {
	name, ok := strings.CutPrefix(p, mountpath.AdminPrefix)
	switch {
	case p == mountpath.AdminCGI || name == "admin.cgi":
		return c.serveShoutcastMetadata
	case !ok:
		return nil
	case name == "metadata" || name == "metadata.xsl" || name == "metadata.json":
		return c.serveMetadata
	}
	switch ext := path.Ext(name); ext {
	case ".xsl", ".json":
		name = strings.TrimSuffix(name, ext)
	case ".xml":
		if name == "stats.xml" {
			name = "stats"
		}
	}
	if one, ok := commands[name]; ok {
		return func(w http.ResponseWriter, r *request.Facts) error { return c.serve(w, r, one) }
	}
	return nil
}

// serve checks what all commands share, and runs the command.
func (c *Commands) serve(w http.ResponseWriter, r *request.Facts, one command) error {
	q, err := parameters(r)
	if err != nil {
		return err
	}
	if one.changes && r.Method == http.MethodHead {
		return errHead()
	}
	if !one.open {
		if err := auth.Authorize(r, c.station.Gate.Admin); err != nil {
			return err
		}
	}
	if one.changes {
		if err := c.checkPage(r); err != nil {
			return err
		}
	}
	if one.mount {
		if err := c.checkMount(q); err != nil {
			return err
		}
	}
	return one.serve(c, w, r, q)
}

// checkMount refuses a command without a mount, or with one that is not there.
func (c *Commands) checkMount(q url.Values) error {
	switch p := q.Get("mount"); {
	case p == "":
		return response.Refuse(http.StatusBadRequest, "Missing parameter: mount")
	case !c.station.Has(p):
		return response.Refuse(http.StatusBadRequest, "Source does not exist")
	}
	return nil
}

// parameters reads the parameters of a command.
func parameters(r *request.Facts) (url.Values, error) {
	q, err := request.Parameters(r.Request)
	if err != nil {
		return nil, response.Refuse(http.StatusRequestEntityTooLarge, "The parameters are too long")
	}
	return q, nil
}

// errHead refuses HEAD: the command would be executed.
func errHead() error {
	return response.Refuse(http.StatusMethodNotAllowed, "This takes GET, POST").With("Allow", "GET, POST")
}

// killSource disconnects the source of a mount.
func (c *Commands) killSource(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	o := orderOf(r, q, state.OrderKill)
	if sent, err := c.sendElsewhere(o); err != nil {
		return err
	} else if sent {
		return iceResponse(w, r, "Source Removed", true)
	}
	m := c.station.Mount(q.Get("mount"))
	if m == nil || m.Source() == nil {
		return response.Refuse(http.StatusBadRequest, "Source is not available")
	}
	m.Source().Stop(streaming.Removed)
	c.station.Note(o, nil)
	return iceResponse(w, r, "Source Removed", true)
}

// setFallback replaces the configured fallbacks of a mount until the next configuration.
func (c *Commands) setFallback(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	to := q.Get("fallback")
	if err := mountpath.Check(to); err != nil && (to != "" || !q.Has("fallback")) { // an empty one removes the fallbacks
		return response.Refuse(http.StatusBadRequest, "fallback: "+err.Error())
	}
	c.station.OverrideFallback(q.Get("mount"), to)
	if strings.HasSuffix(r.URL.Path, ".json") {
		return iceResponse(w, r, "Fallback configured", true)
	}
	return response.Answer(w, r.Request, http.StatusOK, "text/html; charset=utf-8",
		"<html><head><title>Admin request successful</title></head><body><p>Fallback configured</p></body></html>\r\n")
}

// serveUpdateMetadata answers with the mount, as Icecast's form for titles does.
func (c *Commands) serveUpdateMetadata(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	return answerElement(w, r, el("icestats", ofMount(q.Get("mount"))))
}

// buildM3U answers with a playlist that contains the listener's own user and password. The mount
// need not exist yet.
func (c *Commands) buildM3U(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	for _, name := range []string{"mount", "username", "password"} {
		if !q.Has(name) {
			return response.Refuse(http.StatusBadRequest, "Missing parameter: "+name)
		}
	}
	mount := q.Get("mount")
	if err := mountpath.Check(mount); err != nil {
		return response.Refuse(http.StatusBadRequest, err.Error())
	}
	at, err := url.Parse(c.station.ListenURL(r, mount))
	if err != nil {
		return response.Refuse(http.StatusBadRequest, "Invalid host")
	}
	at.User = url.UserPassword(q.Get("username"), q.Get("password"))
	w.Header().Set("Content-Disposition", "attachment; filename=listen.m3u")
	return response.Answer(w, r.Request, http.StatusOK, "audio/x-mpegurl", at.String()+"\r\n")
}
