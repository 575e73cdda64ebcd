package handler

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// redirected is the query parameter of a listener that a master has redirected here; it is
// not redirected again.
const redirected = "redirected"

// shouldRedirect reports whether a listener may be sent to a slave: always, or since there is no
// place here. Relays are not redirected: they might be sent to themselves. Neither are listeners
// of a mount that is not for everybody: the slave may not know them.
func (h *Handler) shouldRedirect(q *listenerRequest, full bool) bool {
	if q.client.Slave || q.client.Relay || q.URL.Query().Has(redirected) || q.mount.Settings().NoDirect || !h.station.MayRedirect(q.path) {
		return false
	}
	redirect := h.station.Redirect
	return redirect == state.RedirectBalance || redirect == state.RedirectWhenFull && full
}

// redirectToSlave sends a listener to a slave that has room. It reports false if there is none.
func (h *Handler) redirectToSlave(w http.ResponseWriter, q *listenerRequest) bool {
	base, ok := h.station.Slaves().Pick(q.path, q.Scheme)
	if !ok {
		return false
	}
	// The query is kept, since it may be a listener's ticket. Credentials are not: a
	// URL is written into logs, and shown.
	to := base + mountpath.Escape(q.path) + "?"
	if q.URL.RawQuery != "" {
		to += q.URL.RawQuery + "&"
	}
	redirectTo(w, http.StatusFound, to+redirected+"=1")
	return true
}

// redirectTo answers where the mount is, for now. Browsers let pages of other origins
// follow only if the redirect itself says so.
func redirectTo(w http.ResponseWriter, status int, url string) {
	header := w.Header()
	setRedirectFields(header)
	header.Set("Location", url)
	w.WriteHeader(status)
}

func setRedirectFields(header http.Header) {
	for _, f := range response.CORSHeader {
		response.SetDefault(header, f[0], f[1])
	}
	response.SetDefault(header, "Cache-Control", "no-cache, no-store")
}
