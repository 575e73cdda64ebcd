package caddymodule

import (
	"net/http"

	"github.com/caddycast/caddycast/streaming"
)

// redirected is the parameter in the query of a listener who was sent here by a
// master, and is not to be sent on.
const redirected = "redirected"

// steer sends a listener to a slave that has room, if the station does so now. It
// reports whether it has answered.
func (h *Handler) steer(w http.ResponseWriter, r *http.Request, mount *streaming.Mount, c streaming.Client) bool {
	m := h.station.Master
	if m == nil || c.Slave || r.URL.Query().Has(redirected) {
		return false
	}
	switch m.Redirect {
	case redirectBalance:
	case redirectWhenFull:
		if !mount.IsFull() {
			return false
		}
	default:
		return false
	}
	if mount.Settings().NoDirect {
		return false
	}
	base, ok := h.station.live.slaves.Pick(mount.Path, scheme(r))
	if !ok {
		return false
	}
	// The query goes along, for it may be a listener's ticket. Credentials don't: a
	// URL is written into logs, and shown.
	to := base + escapePath(mount.Path) + "?"
	if r.URL.RawQuery != "" {
		to += r.URL.RawQuery + "&"
	}
	header := w.Header()
	for _, f := range corsHeader {
		setDefault(header, f[0], f[1])
	}
	setDefault(header, "Cache-Control", "no-cache, no-store")
	header.Set("Location", to+redirected+"=1")
	w.WriteHeader(http.StatusFound)
	return true
}
