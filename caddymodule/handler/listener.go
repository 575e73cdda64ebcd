package handler

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddycast/caddycast/streaming/relay"
)

// awaitTime is how long a listener waits for a source that is connected but has sent
// nothing yet.
const awaitTime = 10 * time.Second

// listenerRequest is a listener's request on its way through the checks.
type listenerRequest struct {
	*request.Facts
	path   string // of the requested mount
	policy *state.MountPolicy
	module auth.Module // decides on listeners of the mount; nil: none
	client streaming.Client
	mount  *streaming.Mount // set by awaitMount

	peer string // id of the node of the cluster that it is from; empty: of none

	authorized bool // the module was asked

	parsed url.Values // the query; see query
}

// query returns the query of the request, which is parsed once.
func (q *listenerRequest) query() url.Values {
	if q.parsed == nil {
		q.parsed = q.URL.Query()
	}
	return q.parsed
}

// serveListener serves a listener of the mount at a path. The error is errNotServed if the
// mount has no stream; nothing is written then.
func (h *Handler) serveListener(w http.ResponseWriter, r *request.Facts, path string) error {
	q := h.newListenerRequest(r, path)
	if err := h.checkAllowed(q); err != nil {
		return err
	}
	if err := h.checkRelayLoop(w, r, path); err != nil {
		return err
	}
	if err := h.checkSlave(q); err != nil {
		return err
	}
	if err := h.checkBanned(q); err != nil {
		return err
	}
	defer q.releaseAdmission()
	if err := h.checkDraining(q); err != nil {
		return err
	}
	if err := h.authenticateFirst(q); err != nil {
		return err
	}
	if err := h.awaitMount(w, q); err != nil {
		return err
	}
	if err := h.checkReachable(q, q.mount.Settings()); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return serveHead(w, q)
	}
	if full := q.mount.IsFull(); h.shouldRedirect(q, full) {
		if redirect := h.redirectToSlave(q, full); redirect != nil {
			return redirect
		}
	}
	if err := h.authorize(q); err != nil {
		return err
	}
	if peer := h.station.Peer(); peer != nil && q.peer != "" {
		end, ok := peer.Pull(q.path)
		if !ok {
			return response.Refuse(http.StatusServiceUnavailable, "fanout reached; expected a pull from another node").With("Retry-After", "1")
		}
		defer end()
	}
	l, err := h.admit(q)
	if err != nil {
		return h.notAdmitted(q, err)
	}
	return h.serveStream(w, q, l)
}

func (h *Handler) newListenerRequest(r *request.Facts, path string) *listenerRequest {
	q := h.newUnidentified(r, path)
	q.identify()
	return q
}

// newUnidentified returns a request of whose client is known only whether it is a relay. A player of HLS that
// is counted already needs no more, and loads files all the time.
func (h *Handler) newUnidentified(r *request.Facts, path string) *listenerRequest {
	q := &listenerRequest{Facts: r, path: path, policy: h.station.Policy(path), module: h.station.Gate.Module(path)}
	q.client.Relay = r.Header.Get(relay.PathHeader) != ""
	return q
}

// identify finds out who the client is.
func (q *listenerRequest) identify() {
	relay, slave := q.client.Relay, q.client.Slave
	q.client = clientOf(q.Facts)
	q.client.Relay, q.client.Slave = relay, slave
}

// checkAllowed refuses a client that is not allowed, if the mount has a stream.
func (h *Handler) checkAllowed(q *listenerRequest) error {
	err := h.station.Access.CheckListener(q.Addr, q.UserAgent())
	if err != nil && h.station.Mount(q.path) == nil && !h.station.Offers(q.path) {
		return errNotServed // the answer is 404, as for everybody
	}
	return h.sendOn(q, err, err)
}

// checkBanned refuses a client that is banned, if the mount has a stream.
func (h *Handler) checkBanned(q *listenerRequest) error {
	err := h.checkBan(q)
	if err != nil && h.station.Mount(q.path) == nil && !h.station.Offers(q.path) {
		return errNotServed
	}
	return err
}

// checkBan refuses a client that is banned. Slaves and other nodes are not.
func (h *Handler) checkBan(q *listenerRequest) error {
	if q.client.Slave || !h.station.HasBans() {
		return nil
	}
	return h.station.CheckBan(q.Addr, icy.Clean(q.UserAgent()), q.client.User)
}

// checkSlave finds out whether the client is a slave or another node of the cluster, which no limit of
// listeners applies to.
func (h *Handler) checkSlave(q *listenerRequest) (err error) {
	if peer := h.station.Peer(); peer != nil {
		if q.peer = peer.CheckToken(q.Header.Get("Authorization"), q.path); q.peer != "" {
			q.client.Slave = true
			return nil
		}
	}
	q.client.Slave, err = h.station.Gate.IsSlave(q.Facts)
	if err == nil && !q.client.Slave && q.module == nil { // a module logs it itself
		if failed := h.station.Gate.FailedSlave(q.Facts, q.path); failed != nil {
			h.station.LogRefusal(q.Facts, failed)
		}
	}
	return err
}

// authenticateFirst authorizes a listener of a silent mount before awaitMount: only an
// authenticated listener may start a relay.
func (h *Handler) authenticateFirst(q *listenerRequest) error {
	if q.client.Slave || q.module == nil {
		return nil
	}
	m := h.station.Mount(q.path)
	if m != nil && m.Heard() != "" {
		return nil
	}
	if q.Method == http.MethodHead || m == nil && !h.station.Offers(q.path) {
		return errNotServed
	}
	if err := h.checkReachable(q, &q.policy.Engine); err != nil {
		return err
	}
	return h.authorize(q)
}

// checkReachable refuses a listener of a mount that is not served directly, or not over plain
// HTTP. The check comes before authentication, so that no password is asked for in vain.
func (h *Handler) checkReachable(q *listenerRequest, m *streaming.MountSettings) error {
	switch {
	case !q.IsEncrypted() && (m.RequireTLS || h.station.RequiresTLS(q.path)):
		return h.redirectToHTTPS(q.Facts)
	case m.NoDirect && !q.client.Slave:
		return errStream(streaming.ErrNoDirect)
	}
	return nil
}

// awaitMount sets the mount once it has a stream. A relay gets no standby silence, since
// it would pass that on as a stream.
func (h *Handler) awaitMount(w http.ResponseWriter, q *listenerRequest) error {
	ctx, cancel := context.WithTimeout(q.Context(), awaitTime)
	defer cancel()
	field := q.Header.Get(relay.PathHeader)
	defer h.station.Relayer().AddDownstream(q.path, field)()
	q.mount = h.station.Await(ctx, q.path)
	if q.mount == nil || q.client.Relay && q.mount.Heard() == "" {
		w.Header().Del(relay.PathHeader)
		return errNotServed
	}
	if q.module == nil { // a master may protect the mount since
		q.module = h.station.Gate.Module(q.path)
	}
	if q.client.Relay {
		return h.checkRelayLoop(w, q.Facts, q.mount.Heard())
	}
	return nil
}

// authorize asks the mount's module about the listener, once per request.
func (h *Handler) authorize(q *listenerRequest) (err error) {
	if q.client.Slave || q.authorized {
		return nil
	}
	q.authorized = true
	q.client.Admission, err = auth.AuthorizeListener(q.Facts, q.module, q.path)
	if a := q.client.Admission; a != nil && a.User != "" {
		q.client.User = icy.Clean(a.User)
		return cmp.Or(err, h.station.CheckBan(q.Addr, "", q.client.User))
	}
	return err
}

// admit connects the listener to the engine, unless a limit forbids it. The engine ends the
// admission from then on.
func (h *Handler) admit(q *listenerRequest) (*streaming.Listener, error) {
	l, err := q.mount.Admit(q.client)
	if err == nil {
		q.client.Admission = nil
		if h.checkBan(q) != nil { // since a moment ago, so that nobody has ended it
			l.Remove(streaming.Removed)
		}
	}
	return l, err
}

// notAdmitted returns the answer to a listener that a limit keeps out. The limit may have
// been reached by another listener after IsFull, so a slave may still have room.
func (h *Handler) notAdmitted(q *listenerRequest, err error) error {
	return h.sendOn(q, err, errStream(err))
}

// releaseAdmission ends an admission that the engine did not take over.
func (q *listenerRequest) releaseAdmission() {
	if a := q.client.Admission; a != nil && a.OnEnd != nil {
		a.OnEnd(0)
	}
}

// errStream turns an error of the engine into the refusal of a source or a listener.
func errStream(err error) error {
	switch {
	case errors.Is(err, streaming.ErrNothing):
		return errNotServed
	case errors.Is(err, streaming.ErrClosed):
		return response.Refuse(http.StatusServiceUnavailable, "The server is shutting down").Because(err)
	}
	return response.Refuse(http.StatusForbidden, err.Error()).Because(err)
}

// clientOf returns what the engine records of a client.
func clientOf(r *request.Facts) streaming.Client {
	c := streaming.Client{
		IP:        r.Addr,
		Agent:     icy.Clean(r.UserAgent()),
		Referer:   icy.Clean(r.Referer()),
		Protocol:  r.Proto,
		Encrypted: r.TLS != nil,
	}
	if n, err := strconv.Atoi(strings.TrimSpace(r.Header.Get("Icy-MetaData"))); err == nil && n != 0 {
		c.Metadata = true
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		if user, ok := repl.GetString("http.auth.user.id"); ok {
			c.User = icy.Clean(user)
		}
	}
	return c
}
