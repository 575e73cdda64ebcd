package handler

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/streaming/hls/origin"
)

// The queries of an entry and of its lists.
const (
	hlsLong    = "rewind" // leads to the long list; with a number, so many seconds before its usual start
	hlsSession = "s"      // the id of the listener
	hlsStart   = "start"  // of a long list: how many seconds before its end players begin
)

// maxBehind is as long as a rewind may be, in seconds.
const maxBehind = 24 * 60 * 60

// admitHLS asks who may listen.
func (h *Handler) admitHLS(q *listenerRequest) error {
	if err := h.checkHLS(q); err != nil {
		return err
	}
	if err := h.checkReachable(q, &q.policy.Engine); err != nil {
		return err
	}
	return h.authorize(q)
}

// enterHLS asks who may listen, and whether there is room.
func (h *Handler) enterHLS(q *listenerRequest) (refused, full error) {
	if err := h.admitHLS(q); err != nil {
		return err, nil
	}
	if err := h.checkDrainingHLS(); err != nil {
		return nil, err
	}
	if live := h.station.Mount(q.path); live != nil && live.IsFull() {
		return nil, errStream(streaming.ErrMountFull)
	}
	return nil, nil
}

// serveHLSEntry answers with the multivariant playlist. Who may listen is asked here, since only
// this request has the credentials. Nothing is counted yet: many programs load it only to look.
func (h *Handler) serveHLSEntry(w http.ResponseWriter, q *listenerRequest) error {
	defer q.releaseAdmission()
	query := q.URL.Query()
	behind, err := hlsBehind(query)
	if err != nil {
		return err
	}
	id := query.Get(hlsSession)
	plays := h.station.HLS().IsID(q.path, id) && h.playsHLS(q.path, id)
	var full error
	if plays {
		err = h.checkHLS(q)
	} else {
		err, full = h.enterHLS(q)
	}
	if err != nil {
		return err
	}
	long := query.Has(hlsLong) && q.policy.HLS.Rewind > 0
	m, page, err := h.awaitHLS(q, long)
	if err != nil {
		return err
	}
	base := "./" + url.PathEscape(path.Base(q.path))
	if slave, ok := h.steerHLS(q, long, full != nil); ok && !plays {
		base = slave + mountpath.Escape(q.path)
	} else if full != nil {
		return full
	}
	start := page.Start(behind)
	if h.isCached(q) {
		w.Header().Set("Cache-Control", cacheControl(q))
		id = ""
	} else if !plays {
		id = h.station.HLS().NewID(q.path, q.validity())
		if err := h.expect(q, m, id); err != nil {
			return err
		}
	}
	uri := base + mountpath.HLSFolder + nameOfList(long) + listQuery(id, start)
	return response.Answer(w, q.Request, http.StatusOK, hls.PlaylistType, hls.Entry("", start, hls.Variant{Page: page, URI: uri}))
}

// listQuery returns the query of a list, for a session unless the id is empty. Players begin where the
// start says, unless that is 0.
func listQuery(id string, start int) string {
	query := make(url.Values)
	if id != "" {
		query.Set(hlsSession, id)
	}
	if start > 0 {
		query.Set(hlsStart, strconv.Itoa(start))
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// nameOfList returns the name of the list, or of the long one.
func nameOfList(long bool) string {
	if long {
		return hlsRewind
	}
	return hlsList
}

// playsHLS reports whether a session plays a mount now. It goes on then with another list of the mount,
// and is asked and counted no second time.
func (h *Handler) playsHLS(mount, id string) bool {
	m := h.station.HLS().Mount(mount)
	return m != nil && m.IsPlaying(id)
}

// hlsBehind returns how much earlier than usual a player is to begin in the long list.
func hlsBehind(query url.Values) (time.Duration, error) {
	text := query.Get(hlsLong)
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || seconds > maxBehind {
		return 0, response.Refuse(http.StatusBadRequest, hlsLong+": not a number of seconds; expected one from 0 to "+strconv.Itoa(maxBehind))
	}
	return time.Duration(seconds) * time.Second, nil
}

// validity returns how long a session of the listener may last, 0 without a limit.
func (q *listenerRequest) validity() time.Duration {
	valid := q.policy.Engine.MaxListenerDuration
	if a := q.client.Admission; a != nil && a.TimeLimit > 0 && (valid == 0 || a.TimeLimit < valid) {
		valid = a.TimeLimit
	}
	return valid
}

// expect hands the admission over to a session that may begin.
func (h *Handler) expect(q *listenerRequest, m *origin.Mount, id string) error {
	if q.client.Admission == nil || q.Method == http.MethodHead {
		return nil
	}
	if err := m.Expect(id, q.client); err != nil {
		return response.Refuse(http.StatusServiceUnavailable, "Too many listeners have logged in here of late; try again soon").With("Retry-After", hlsRetry).
			Warned("too many HLS logins wait for their players; more are refused", zap.String("mount", response.Printable(q.path)))
	}
	q.client.Admission = nil
	return nil
}
