package caddymodule

import (
	"net"
	"net/http"
	"strings"
)

// servePlaylist answers a mount's playlist: the one URL that plays it, by the
// scheme that the request came by.
func (h *Handler) servePlaylist(w http.ResponseWriter, r *http.Request) error {
	mount := strings.TrimSuffix(r.URL.Path, ".m3u")
	return answer(w, r, http.StatusOK, "audio/x-mpegurl", h.station.baseURL(r)+escapePath(mount)+"\r\n")
}

// serveStreamList answers which mounts a slave may pull: /admin/streamlist.txt.
func (h *Handler) serveStreamList(w http.ResponseWriter, r *http.Request) error {
	if ok, err := admit(w, r, h.station.logins.relay, h.station.logins.admin); !ok {
		return err
	}
	var list strings.Builder
	for _, m := range h.station.live.Mounts() {
		if !m.Settings().Hidden {
			list.WriteString(escapePath(m.Path) + "\r\n")
		}
	}
	return answer(w, r, http.StatusOK, "text/plain; charset=utf-8", list.String())
}

// baseURL returns where listeners reach the station, without a path: by the
// scheme and port of the request, and by the station's host name if it has one.
func (s *Station) baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host := r.Host
	if host == "" { // HTTP/1.0
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = addr.String()
		}
	}
	if s.Hostname != "" {
		_, port, err := net.SplitHostPort(host)
		host = s.Hostname
		if _, _, own := net.SplitHostPort(host); own != nil && err == nil {
			host += ":" + port
		}
	}
	return scheme + "://" + host
}
