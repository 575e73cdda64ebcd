package handler

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// The query parameters of listeners on their way between nodes.
const (
	redirected = "redirected" // how often the listener has been redirected
	except     = "except"     // base URL of the node that has refused it last
)

// hops returns how often the listener has been redirected.
func (q *listenerRequest) hops() int {
	query := q.URL.Query()
	if !query.Has(redirected) {
		return 0
	}
	n, err := strconv.Atoi(query.Get(redirected))
	if err != nil || n < 1 || n > state.MaxHops {
		return state.MaxHops
	}
	return n
}

// mayRedirect reports whether a listener may be redirected. Relays are not, since the other node
// could be the relay itself.
func (h *Handler) mayRedirect(q *listenerRequest) bool {
	return !q.client.Slave && !q.client.Relay && !q.policy.Engine.NoDirect && q.hops() < state.MaxHops &&
		!h.station.RedirectExcept.Matches(q.UserAgent())
}

// shouldRedirect reports whether a listener is to be redirected to a slave: always, or because
// there is no place here.
func (h *Handler) shouldRedirect(q *listenerRequest, full bool) bool {
	return h.station.Redirect.Sends(full, q.hops()) && h.mayRedirect(q)
}

// redirectToSlave returns the redirect to a slave that has room, nil if there is none.
func (h *Handler) redirectToSlave(q *listenerRequest, full bool) error {
	base, ok := h.pickSlave(q, false, full)
	if !ok {
		return nil
	}
	return redirectTo(q, base+mountpath.Escape(q.path), "")
}

// pickSlave chooses a slave that has room for a listener, of the stream or by HLS, and returns its base
// URL.
func (h *Handler) pickSlave(q *listenerRequest, byHLS, full bool) (base string, ok bool) {
	query := relay.PickQuery{Mount: q.path, Scheme: q.Scheme, Protected: h.station.IsProtected(q.path), Region: h.station.RegionOf(q.Request), HLS: byHLS}
	if q.mount != nil {
		query.Kbps = q.mount.Kbps
	}
	if base := q.URL.Query().Get(except); base != "" {
		query.Except = []string{base}
	}
	self := h.station.PublicURL(q.Scheme)
	base, ok = h.station.Slaves().Pick(h.station.Redirect.Aim(query, self, full, q.hops()))
	return base, ok && base != self // else it stays here
}

// redirectTo returns the redirect to a mount at another node. The query is kept, since it may be a
// listener's ticket. Credentials are not: a URL is written into logs, and shown. refused is the
// base URL of this node if the listener was refused here.
func redirectTo(q *listenerRequest, mount, refused string) error {
	pairs := slices.DeleteFunc(strings.Split(q.URL.RawQuery, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return name == "" || name == redirected || name == except
	})
	pairs = append(pairs, redirected+"="+strconv.Itoa(q.hops()+1))
	if refused != "" {
		pairs = append(pairs, except+"="+url.QueryEscape(refused))
	}
	return &response.Redirect{Status: http.StatusFound, URL: mount + "?" + strings.Join(pairs, "&")}
}

// sendOn returns the answer to a listener that was refused here because of an error: a redirect
// to a slave, or to the master that has the mount, where there may be room. For other errors, and
// at last, it is refusal; a listener that was sent here is to try again, since the room that
// another node knew of is taken.
func (h *Handler) sendOn(q *listenerRequest, err error, refusal error) error {
	if !q.mayFitElsewhere(err) || q.client.Slave || q.client.Relay {
		return refusal
	}
	if streaming.IsFull(err) {
		h.station.ListenerRefused()
	}
	if h.shouldRedirect(q, true) {
		if redirect := h.redirectToSlave(q, true); redirect != nil {
			return redirect
		}
	}
	if h.mayRedirect(q) {
		if at, ok := h.station.Relayer().UpstreamFor(q.path, q.Scheme); ok && (q.hops() > 0 || mayReach(q.Addr, at)) {
			return redirectTo(q, at, h.station.PublicURL(q.Scheme))
		}
	}
	if q.hops() > 0 {
		return response.Refuse(http.StatusServiceUnavailable, "No server has room for this mount").With("Retry-After", "5").Because(err)
	}
	return refusal
}

// mayReach reports whether a client may reach a URL, so that it may be named to it: one with the
// address of an internal network is named to clients of such networks only.
func mayReach(client netip.Addr, at string) bool {
	u, err := url.Parse(at)
	if err != nil {
		return false
	}
	server, err := netip.ParseAddr(u.Hostname())
	return err != nil || !isInternal(server) || isInternal(client)
}

func isInternal(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

// mayFitElsewhere reports whether another node may serve a listener that was refused because of
// an error. A client that is denied is sent back to the node that sent it, but no denied client
// is sent anywhere by the first node.
func (q *listenerRequest) mayFitElsewhere(err error) bool {
	if streaming.IsShared(err) {
		return false
	}
	return streaming.IsFull(err) || errors.Is(err, streaming.ErrTooManyFromAddress) || errors.Is(err, streaming.ErrClosed) ||
		errors.Is(err, errDrained) ||
		errors.Is(err, access.ErrDenied) && q.hops() > 0
}

// steerHLS chooses a slave where a listener is to play a mount: players bear no redirects, so its
// address is in the entry. Tickets of protected mounts are valid here only, and
// a slave has a long list of its own.
func (h *Handler) steerHLS(q *listenerRequest, long, full bool) (base string, ok bool) {
	if long || h.isCached(q) || q.module != nil || h.station.IsProtected(q.path) {
		return "", false
	}
	if !h.shouldRedirect(q, full) && (h.station.Draining() == nil || !h.mayRedirect(q)) {
		return "", false
	}
	return h.pickSlave(q, true, full || h.station.Draining() != nil)
}
