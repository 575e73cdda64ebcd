package handler

import (
	"net/http"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/hls"
)

// isCached reports whether the playlists of a mount are the same for everybody, so that caches may
// keep them. Nobody is counted then. A mount that only some may hear has no such playlists, whatever
// its settings are.
func (h *Handler) isCached(q *listenerRequest) bool {
	return q.policy.HLS.CachePlaylists > 0 && len(h.station.Protections(q.path)) == 0
}

// cacheControl returns what caches may do with a playlist.
func cacheControl(q *listenerRequest) string {
	return "public, max-age=" + strconv.Itoa(int(q.policy.HLS.CachePlaylists/time.Second))
}

// serveCachedList answers with the list, and counts nobody.
func (h *Handler) serveCachedList(w http.ResponseWriter, q *listenerRequest, long bool) error {
	if err := h.checkHLS(q); err != nil {
		return err
	}
	if m := h.station.HLS().Mount(q.path); m != nil {
		if err := awaitHLSUpdate(q, m, long); err != nil {
			return err
		}
	}
	page := h.endedHLS(q, long)
	if page == nil {
		var err error
		if _, page, err = h.awaitHLS(q, long); err != nil {
			return err
		}
	}
	response.SetDefault(w.Header(), "Cache-Control", cacheControl(q))
	return answerHLSList(w, q, page)
}

// endedHLS returns the list of the mount if it has ended and no other has begun, else nil: players
// that have it end there.
func (h *Handler) endedHLS(q *listenerRequest, long bool) *hls.Page {
	m := h.station.HLS().Mount(q.path)
	if m == nil {
		return nil
	}
	if page := m.Page(long); page != nil && page.Ended {
		return page
	}
	return nil
}
