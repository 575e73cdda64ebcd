package handler

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/relay"
)

// redirected is the query parameter of a listener that a master has redirected here; it is
// not redirected again.
const redirected = "redirected"

// shouldRedirect reports whether a listener may be redirected to a slave: always, or because
// there is no place here. Relays are not redirected, since the slave could be the relay
// itself.
func (h *Handler) shouldRedirect(q *listenerRequest, full bool) bool {
	if q.client.Slave || q.client.Relay || q.URL.Query().Has(redirected) || q.mount.Settings().NoDirect {
		return false
	}
	redirect := h.station.Redirect
	return redirect == state.RedirectBalance || redirect == state.RedirectWhenFull && full
}

// redirectToSlave returns the redirect to a slave that has room, nil if there is none.
func (h *Handler) redirectToSlave(q *listenerRequest) error {
	base, ok := h.station.Slaves().Pick(relay.PickQuery{Mount: q.path, Scheme: q.Scheme, Protected: h.station.IsProtected(q.path), Kbps: q.mount.Kbps})
	if !ok {
		return nil
	}
	// The query is kept, since it may be a listener's ticket. Credentials are not: a
	// URL is written into logs, and shown.
	to := base + mountpath.Escape(q.path) + "?"
	if q.URL.RawQuery != "" {
		to += q.URL.RawQuery + "&"
	}
	return &response.Redirect{Status: http.StatusFound, URL: to + redirected + "=1"}
}
