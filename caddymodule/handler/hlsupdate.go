package handler

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/hls/origin"
)

// awaitHLSUpdate waits until the list has what the player asks for. If that does not come, it is
// answered with the list as it is: players bear that, and do not bear an error.
func awaitHLSUpdate(q *listenerRequest, m *origin.Mount, long bool) error {
	sequence, part, err := hlsDirectives(q.query())
	if err != nil || sequence == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(q.Context(), hlsWait)
	defer cancel()
	if err := m.AwaitUpdate(ctx, long, sequence, part); err != nil {
		return response.Refuse(http.StatusBadRequest, err.Error())
	}
	return nil
}

// serveMirror answers a slave, which counts its listeners itself. A relay that has not proved to be one
// is a listener: anybody could say so.
func (h *Handler) serveMirror(w http.ResponseWriter, q *listenerRequest) error {
	if err := h.checkHLS(q); err != nil {
		return err
	}
	m, _, err := h.awaitHLS(q, false)
	if err != nil {
		return err
	}
	if err := awaitHLSUpdate(q, m, false); err != nil {
		return err
	}
	page := m.View().Page
	if page == nil {
		return errNotServed
	}
	return answerPlaylist(w, q.Request, page.Relative())
}

// hlsDirectives returns the segment, and the part of it, that a player waits for (RFC 8216bis,
// 6.2.5.2). The segment is 0 if it waits for nothing, the part is -1 if it waits for a whole segment.
func hlsDirectives(query url.Values) (sequence uint64, part int, err error) {
	const msn, inSegment = "_HLS_msn", "_HLS_part"
	part = -1
	if query.Has(inSegment) {
		n, wrong := strconv.ParseUint(query.Get(inSegment), 10, 16)
		switch {
		case wrong != nil:
			return 0, 0, response.Refuse(http.StatusBadRequest, inSegment+": not a number of a part; expected one from 0 on")
		case !query.Has(msn):
			return 0, 0, response.Refuse(http.StatusBadRequest, inSegment+": there is no "+msn+"; expected the number of the segment")
		}
		part = int(n)
	}
	if query.Has(msn) {
		if sequence, err = strconv.ParseUint(query.Get(msn), 10, 63); err != nil {
			return 0, 0, response.Refuse(http.StatusBadRequest, msn+": not a number of a segment; expected one from 0 on")
		}
	}
	return sequence, part, nil
}
