package caddymodule

import (
	"net/http"
	"net/url"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// serveMetadata sets the title of a mount: /admin/metadata, which every encoder
// knows. A song stands for artist and title; the two may come apart.
func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		return refuseHead(w, r)
	}
	q, err := response.Parameters(r)
	if err != nil {
		return response.Refuse(w, r, http.StatusRequestEntityTooLarge, "The parameters are too long")
	}
	path := q.Get("mount")
	if h.station.isInClear(r, path) {
		return response.Refuse(w, r, http.StatusForbidden, "Titles of this mount come over TLS only")
	}
	if _, ok, err := h.admitSource(w, r, path, true, h.station.source(path), h.station.logins.admin); !ok {
		return err
	}
	if isOfAnotherSite(r) {
		return response.Refuse(w, r, http.StatusForbidden, "A page of another site can't do this")
	}
	if path == "" {
		return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: mount")
	}
	mount := h.station.live.Mount(path)
	if mount == nil {
		return response.Refuse(w, r, http.StatusBadRequest, "Source does not exist")
	}
	if mode := q.Get("mode"); mode != "" && mode != "updinfo" {
		return iceResponse(w, r, "No such action", false)
	}
	if !setMetadata(mount, q) {
		return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: song, or artist and title")
	}
	return iceResponse(w, r, "Metadata update successful", true)
}

// setMetadata titles a mount as parameters say. It reports false if they don't.
func setMetadata(mount *streaming.Mount, q url.Values) bool {
	artist, title := q.Get("artist"), q.Get("title")
	switch {
	case q.Has("song"):
		artist, title = "", q.Get("song")
	case !q.Has("title") && !q.Has("artist"):
		return false
	}
	charset := q.Get("charset")
	if charset == "" {
		charset = mount.Settings().Charset
	}
	mount.SetMetadata(
		blocklog.DecodeText(artist, charset),
		blocklog.DecodeText(title, charset),
		blocklog.DecodeText(q.Get("url"), charset))
	return true
}
