package caddymodule

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddycast/caddycast/streaming"
)

// serveMetadata sets the title of a mount: /admin/metadata, which every encoder
// knows. A song stands for artist and title; the two may come apart.
func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request) error {
	// Some encoders leave semicolons as they are, which Go would refuse.
	q, _ := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	path := q.Get("mount")
	if !h.station.logins.admin.allows(r) && !h.station.source(path).allows(r) {
		return challenge(w, r)
	}
	if path == "" {
		return refuse(w, r, http.StatusBadRequest, "Missing parameter: mount")
	}
	mount := h.station.live.Mount(path)
	if mount == nil {
		return refuse(w, r, http.StatusBadRequest, "Source does not exist")
	}
	if mode := q.Get("mode"); mode != "" && mode != "updinfo" {
		return iceResponse(w, r, "No such action", false)
	}
	artist, title := q.Get("artist"), q.Get("title")
	switch {
	case q.Has("song"):
		artist, title = "", q.Get("song")
	case !q.Has("title") && !q.Has("artist"):
		return refuse(w, r, http.StatusBadRequest, "Missing parameter: song, or artist and title")
	}
	charset := q.Get("charset")
	if charset == "" {
		charset = mount.Settings().Charset
	}
	mount.SetMetadata(
		streaming.DecodeText(artist, charset),
		streaming.DecodeText(title, charset),
		streaming.DecodeText(q.Get("url"), charset))
	return iceResponse(w, r, "Metadata update successful", true)
}

// iceResponse answers an admin command as Icecast does.
func iceResponse(w http.ResponseWriter, r *http.Request, message string, ok bool) error {
	response := struct {
		XMLName xml.Name `xml:"iceresponse"`
		Message string   `xml:"message"`
		Return  int      `xml:"return"`
	}{Message: message}
	if ok {
		response.Return = 1
	}
	body, err := xml.Marshal(response)
	if err != nil {
		return fmt.Errorf("rendering an answer: %w", err)
	}
	return answer(w, r, http.StatusOK, "text/xml; charset=utf-8",
		"<?xml version=\"1.0\"?>\n"+string(body)+"\n")
}
