package handler

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/streaming/hls/origin"
	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	hlsList   = "index.m3u8"
	hlsRewind = "rewind.m3u8" // the long list

	// hlsWait is how long a request waits for a list: players give up after a few errors, but
	// bear ten seconds until the first byte.
	hlsWait = 9 * time.Second

	hlsRetry = "2" // seconds
)

// serveHLS serves a request for a path of a mount's HLS. The error is errNotServed if it is none.
func (h *Handler) serveHLS(w http.ResponseWriter, r *request.Facts) error {
	at := r.URL.Path
	if g := h.station.HLSGroup(at); g != nil && h.station.Mount(at) == nil {
		allowOrigins(w.Header())
		return h.serveHLSGroup(w, r, g)
	}
	mount, name, isFile := strings.Cut(at, mountpath.HLSFolder)
	if !isFile {
		mount = strings.TrimSuffix(at, mountpath.HLSEntry)
	}
	if h.station.Policy(mount).HLS == nil || h.station.Mount(at) != nil { // a live mount of that very name
		return errNotServed
	}
	allowOrigins(w.Header())
	q := h.newUnidentified(r, mount)
	if q.client.Relay {
		if err := h.checkSlave(q); err != nil {
			return err
		}
	}
	switch {
	case !isFile:
		q.identify()
		return h.serveHLSEntry(w, q)
	case name == hlsList, name == hlsRewind:
		return h.serveHLSList(w, q, name == hlsRewind && q.policy.HLS.Rewind > 0)
	}
	return h.serveHLSFile(w, q, name)
}

// allowOrigins lets pages of other origins read an answer, also one that is an error.
func allowOrigins(header http.Header) {
	response.SetDefault(header, "Access-Control-Allow-Origin", "*")
	response.SetDefault(header, "Access-Control-Expose-Headers", "Content-Length, Date")
}

// checkHLS refuses a listener as one of the stream is refused, but sends it nowhere else: players
// of HLS bear no redirects.
func (h *Handler) checkHLS(q *listenerRequest) error {
	if err := h.station.Access.CheckListener(q.Addr, q.UserAgent()); err != nil {
		return err
	}
	if q.policy.Engine.NoDirect && !q.client.Slave {
		return errStream(streaming.ErrNoDirect)
	}
	return h.checkBan(q)
}

// checkDrainingHLS refuses a listener while the node is drained.
func (h *Handler) checkDrainingHLS() error {
	if h.station.Draining() != nil {
		return drained()
	}
	return nil
}

// awaitHLS returns the list of the mount, or the long one. It waits for one if a source is there or
// if the configuration has the mount, so that players outlast a restart.
func (h *Handler) awaitHLS(q *listenerRequest, long bool) (*origin.Mount, *hls.Page, error) {
	if !h.station.Has(q.path) && !h.station.Offers(q.path) {
		return nil, nil, errNotServed
	}
	m := h.station.HLS().Open(q.path)
	if m == nil {
		return nil, nil, errNotServed
	}
	ctx, cancel := context.WithTimeout(q.Context(), hlsWait)
	defer cancel()
	page, err := m.Await(ctx, long)
	var unsupported *origin.UnsupportedError
	switch {
	case err == nil:
		return m, page, nil
	case errors.As(err, &unsupported):
		return nil, nil, response.Refuse(http.StatusNotFound, err.Error()).
			Warned("no HLS for the codec of this stream", zap.String("mount", response.Printable(q.path)), zap.String("codec", unsupported.Codec))
	case ctx.Err() == nil: // the configuration has changed
		return nil, nil, errNotServed
	}
	return nil, nil, response.Refuse(http.StatusServiceUnavailable, "There is nothing to hear on "+response.Printable(q.path)+" now").With("Retry-After", hlsRetry)
}

// serveHLSList answers with the list, and counts who plays it.
func (h *Handler) serveHLSList(w http.ResponseWriter, q *listenerRequest, long bool) error {
	switch {
	case q.client.Slave:
		return h.serveMirror(w, q)
	case h.isCached(q):
		return h.serveCachedList(w, q, long)
	}
	id := q.query().Get(hlsSession)
	group := h.groupOf(q.path, id)
	h.keepVariants(group, q.path)
	if group == nil && !h.station.HLS().IsID(q.path, id) {
		switch {
		case q.module == nil: // it is played from a bookmark, or by way of a cache
			id = anonymousID(q)
		case id == "":
			return response.Challenge()
		default:
			return response.Refuse(http.StatusForbidden, "The id in s is not valid any more; expected one from the entry of the mount")
		}
	}
	m := h.station.HLS().Mount(q.path)
	if m != nil {
		if err := awaitHLSUpdate(q, m, long); err != nil {
			return err
		}
		page, err := m.Poll(id, long)
		switch {
		case err == nil:
			return answerHLSList(w, q, page)
		case errors.Is(err, origin.ErrOver):
			return errHLSOver()
		}
	}
	return h.beginHLSSession(w, q, group, id, long)
}

// beginHLSSession counts a session in and answers with the list.
func (h *Handler) beginHLSSession(w http.ResponseWriter, q *listenerRequest, g *state.HLSGroup, id string, long bool) error {
	if err := cmp.Or(h.checkHLS(q), h.checkDrainingHLS()); err != nil {
		return err
	}
	if !q.IsEncrypted() && (q.policy.Engine.RequireTLS || h.station.RequiresTLS(q.path)) {
		return response.Refuse(http.StatusForbidden, "This mount requires HTTPS")
	}
	m, current, err := h.awaitHLS(q, long)
	if err != nil {
		return err
	}
	if q.Method == http.MethodHead {
		return answerHLSList(w, q, current)
	}
	if err := h.moveHLSSession(g, q, m, id); err != nil {
		return err
	}
	q.identify()
	switch err := m.Admit(id, q.client); {
	case err == nil, errors.Is(err, streaming.ErrNothing):
	case errors.Is(err, origin.ErrCrowded):
		h.station.LogRefusal(q.Facts, response.Refuse(http.StatusOK, err.Error()).
			Warned("too many HLS sessions from one address; more are not counted", zap.String("mount", response.Printable(q.path))))
	default:
		return errStream(err)
	}
	if page, err := m.Poll(id, long); err == nil {
		return answerHLSList(w, q, page)
	}
	return answerHLSList(w, q, current) // nothing is heard now, but will be
}

func errHLSOver() error {
	return response.Refuse(http.StatusForbidden, "This listener was disconnected")
}

// anonymousID returns the id of a player that has none of this node: the same for its next request. The
// id of another node, which has sent it here, tells it from others.
func anonymousID(q *listenerRequest) string {
	player := q.ClientIP + "\n" + icy.Clean(q.UserAgent())
	if id := q.query().Get(hlsSession); origin.IsWellFormed(id) {
		player = id
	}
	sum := sha256.Sum256([]byte(player))
	return "anonymous " + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// answerHLSList answers with a list, compressed if the player takes that.
func answerHLSList(w http.ResponseWriter, q *listenerRequest, page *hls.Page) error {
	if q.client.Relay {
		return answerPlaylist(w, q.Request, page.Relative())
	}
	if start, err := strconv.Atoi(q.query().Get(hlsStart)); err == nil {
		page = page.Starting(start)
	}
	list := page.Full()
	if skip := q.query().Get("_HLS_skip"); skip == "YES" || skip == "v2" {
		list = page.Delta()
	}
	return answerPlaylist(w, q.Request, list)
}

// answerPlaylist answers with a playlist, compressed if the client takes that.
func answerPlaylist(w http.ResponseWriter, r *http.Request, list *hls.Playlist) error {
	header, body := w.Header(), list.Text
	header.Add("Vary", "Accept-Encoding")
	if response.AcceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = list.Gzip
	}
	response.SetDefault(header, "Cache-Control", "no-cache")
	return response.Send(w, r, hls.PlaylistType, body)
}
