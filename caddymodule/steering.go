package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// redirected is the parameter in the query of a listener who was sent here by a
// master, and is not to be sent on.
const redirected = "redirected"

// steers tells whether a listener may be sent to a slave: always, or since there is no
// place here. Relays are sent nowhere: they might be sent to themselves.
func (h *Handler) steers(r *http.Request, mount *streaming.Mount, c streaming.Client, full bool) bool {
	m := h.station.Master
	if m == nil || c.Slave || r.Header.Get(relay.PathHeader) != "" || r.URL.Query().Has(redirected) || mount.Settings().NoDirect ||
		h.station.auth(mount.Path) != nil { // who is sent away is not asked for
		return false
	}
	return m.Redirect == redirectBalance || m.Redirect == redirectWhenFull && full
}

// isFull tells whether a listener was refused because of a limit.
func isFull(err error) bool {
	return errors.Is(err, streaming.ErrMountFull) || errors.Is(err, streaming.ErrStationFull)
}

// steer sends a listener to a slave that has room. It reports false if there is none.
func (h *Handler) steer(w http.ResponseWriter, r *http.Request, mount *streaming.Mount) bool {
	base, ok := h.station.live.slaves.Pick(mount.Path, response.Scheme(r))
	if !ok {
		return false
	}
	// The query goes along, for it may be a listener's ticket. Credentials don't: a
	// URL is written into logs, and shown.
	to := base + mountpath.Escape(mount.Path) + "?"
	if r.URL.RawQuery != "" {
		to += r.URL.RawQuery + "&"
	}
	sendTo(w, http.StatusFound, to+redirected+"=1")
	return true
}

// sendTo sends a listener to where the mount is, now. Browsers let pages of other origins
// follow only if that says so, too.
func sendTo(w http.ResponseWriter, status int, url string) {
	header := w.Header()
	for _, f := range response.CorsHeader {
		response.SetDefault(header, f[0], f[1])
	}
	response.SetDefault(header, "Cache-Control", "no-cache, no-store")
	header.Set("Location", url)
	w.WriteHeader(status)
}
