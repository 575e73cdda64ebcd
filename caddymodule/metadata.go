package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

// serveMetadata sets the title of a mount: /admin/metadata, which every encoder
// knows. A song stands for artist and title; the two may come apart.
func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		return refuseHead(w, r)
	}
	q, err := parameters(r)
	if err != nil {
		return refuse(w, r, http.StatusRequestEntityTooLarge, "The parameters are too long")
	}
	path := q.Get("mount")
	if h.station.isInClear(r, path) {
		return refuse(w, r, http.StatusForbidden, "Titles of this mount come over TLS only")
	}
	if _, ok, err := h.admitSource(w, r, path, true, h.station.source(path), h.station.logins.admin); !ok {
		return err
	}
	if isOfAnotherSite(r) {
		return refuse(w, r, http.StatusForbidden, "A page of another site can't do this")
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
	if !setMetadata(mount, q) {
		return refuse(w, r, http.StatusBadRequest, "Missing parameter: song, or artist and title")
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
		streaming.DecodeText(artist, charset),
		streaming.DecodeText(title, charset),
		streaming.DecodeText(q.Get("url"), charset))
	return true
}

// maxForm is the length of parameters in the body of a request, as in Icecast 2.5.
const maxForm = 4 << 10

// parameters reads those of an admin command: from the URL and, if it was posted
// as a form, from the body. They are read leniently, since encoders leave
// percent signs and semicolons as they are.
func parameters(r *http.Request) (url.Values, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost && format.Canonical(r.Header.Get("Content-Type")) == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
		if err != nil {
			return nil, err
		}
		if len(body) > maxForm {
			return nil, errors.New("the form is too long")
		}
		raw += "&" + string(body)
	}
	raw = strings.ReplaceAll(raw, ";", "%3B")
	var b strings.Builder
	for i := range len(raw) {
		b.WriteByte(raw[i])
		if raw[i] == '%' && (i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2])) {
			b.WriteString("25")
		}
	}
	return url.ParseQuery(b.String())
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
