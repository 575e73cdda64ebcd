package caddymodule

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

// command is an admin command of Icecast: /admin/<name>, with .xsl or .json behind it if
// the caller likes.
type command struct {
	serve   func(h *Handler, w http.ResponseWriter, r *http.Request, q url.Values) error
	mount   bool // it is about the mount that the parameter says
	changes bool // it does something, so pages of other sites must not cause it
	open    bool // anybody may
}

// commands are those of Icecast 2.4.4 that have a meaning here, and publicstats of 2.5.
// Metadata and the lists for slaves have other credentials and are served by themselves.
var commands = map[string]command{
	"stats":          {serve: (*Handler).serveStats},
	"publicstats":    {serve: (*Handler).servePublicStats, open: true},
	"listmounts":     {serve: (*Handler).serveMounts},
	"streamlist":     {serve: (*Handler).serveMounts},
	"listclients":    {serve: (*Handler).serveClients, mount: true},
	"listslaves":     {serve: (*Handler).serveSlaves},     // ours
	"listevents":     {serve: (*Handler).serveLastEvents}, // ours
	"manageauth":     {serve: (*Handler).manageAuth, mount: true, changes: true},
	"killclient":     {serve: (*Handler).killClient, mount: true, changes: true},
	"moveclients":    {serve: (*Handler).moveClients, mount: true, changes: true},
	"killsource":     {serve: (*Handler).killSource, mount: true, changes: true},
	"fallbacks":      {serve: (*Handler).setFallback, mount: true, changes: true},
	"updatemetadata": {serve: (*Handler).serveUpdateMetadata, mount: true},
	"buildm3u":       {serve: (*Handler).buildM3U, open: true},
}

// command returns the one that a path names.
func (h *Handler) command(p string) (command, bool) {
	name, ok := strings.CutPrefix(p, mountpath.AdminPrefix)
	if !ok {
		return command{}, false
	}
	switch ext := path.Ext(name); ext {
	case ".xsl", ".json":
		name = strings.TrimSuffix(name, ext)
	case ".xml":
		if name == "stats.xml" {
			name = "stats"
		}
	}
	c, ok := commands[name]
	return c, ok
}

// serveCommand lets the administrator do what a command says.
func (h *Handler) serveCommand(c command) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := response.Parameters(r)
		if err != nil {
			return response.Refuse(w, r, http.StatusRequestEntityTooLarge, "The parameters are too long")
		}
		if c.changes && r.Method == http.MethodHead {
			return refuseHead(w, r)
		}
		if !c.open {
			if ok, err := admit(w, r, h.station.logins.admin); !ok {
				return err
			}
		}
		if c.changes && (isOfAnotherSite(r) || isOfUnknownPage(r)) {
			return response.Refuse(w, r, http.StatusForbidden, "A page of another site can't do this; in a browser it is done on the page /admin/")
		}
		if c.mount {
			switch p := q.Get("mount"); {
			case p == "":
				return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: mount")
			case !h.station.knows(p):
				return response.Refuse(w, r, http.StatusBadRequest, "Source does not exist")
			}
		}
		return c.serve(h, w, r, q)
	}
}

// refuseHead answers who asks what a command would say: it would do what it says.
func refuseHead(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "GET, POST")
	return response.Refuse(w, r, http.StatusMethodNotAllowed, "This takes GET, POST")
}

// isOfAnotherSite tells whether a browser says that a page of another site asks.
func isOfAnotherSite(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "cross-site" }

// isOfUnknownPage tells whether a browser asks and does not say for which page. Over plain HTTP
// none does; our own page sends a field with it that pages of other sites can't send,
// since they would have to ask first, and are told that they may not.
func isOfUnknownPage(r *http.Request) bool {
	h := r.Header
	return strings.HasPrefix(h.Get("User-Agent"), "Mozilla/") && h.Get("Accept-Language") != "" &&
		h.Get("Sec-Fetch-Site") == "" && h.Get("X-Requested-With") == ""
}

// killSource ends what feeds a mount.
func (h *Handler) killSource(w http.ResponseWriter, r *http.Request, q url.Values) error {
	m := h.station.live.Mount(q.Get("mount"))
	if m == nil || m.Source() == nil {
		return response.Refuse(w, r, http.StatusBadRequest, "Source is not available")
	}
	m.Source().Stop(streaming.Removed)
	return iceResponse(w, r, "Source Removed", true)
}

// setFallback puts a fallback in the place of those that are configured, until the next
// configuration.
func (h *Handler) setFallback(w http.ResponseWriter, r *http.Request, q url.Values) error {
	to := q.Get("fallback")
	if err := mountpath.Check(to); err != nil && (to != "" || !q.Has("fallback")) { // an empty one takes it away
		return response.Refuse(w, r, http.StatusBadRequest, "fallback: "+err.Error())
	}
	h.station.overrideFallback(q.Get("mount"), to)
	if strings.HasSuffix(r.URL.Path, ".json") {
		return iceResponse(w, r, "Fallback configured", true)
	}
	return response.Answer(w, r, http.StatusOK, "text/html; charset=utf-8",
		"<html><head><title>Admin request successful</title></head><body><p>Fallback configured</p></body></html>\r\n")
}

// serveUpdateMetadata answers which mount a form for titles would be about.
func (h *Handler) serveUpdateMetadata(w http.ResponseWriter, r *http.Request, q url.Values) error {
	return answerElement(w, r, el("icestats", element{name: "source", mount: q.Get("mount")}))
}

// buildM3U answers a playlist that carries the listener's own user and password. Whether there is
// such a mount is not its business, so that it may be made before the source is there.
func (h *Handler) buildM3U(w http.ResponseWriter, r *http.Request, q url.Values) error {
	for _, name := range []string{"mount", "username", "password"} {
		if !q.Has(name) {
			return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: "+name)
		}
	}
	mount := q.Get("mount")
	if err := mountpath.Check(mount); err != nil {
		return response.Refuse(w, r, http.StatusBadRequest, err.Error())
	}
	at, err := url.Parse(h.station.baseURL(r))
	if err != nil {
		return response.Refuse(w, r, http.StatusBadRequest, "The host that was asked for is none")
	}
	at.User, at.Path = url.UserPassword(q.Get("username"), q.Get("password")), mount
	w.Header().Set("Content-Disposition", "attachment; filename=listen.m3u")
	return response.Answer(w, r, http.StatusOK, "audio/x-mpegurl", at.String()+"\r\n")
}
