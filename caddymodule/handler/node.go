package handler

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// serveNode proves to a master that a public URL of this slave leads to it. A request that no
// master of this station can have made is not answered.
func (h *Handler) serveNode(w http.ResponseWriter, r *request.Facts) error {
	slave := h.station.Relays.Slave
	if slave == nil || len(r.URL.RawQuery) > 1<<10 {
		return errNotServed
	}
	q := r.URL.Query()
	if proof, ok := relay.Prove(h.station.PeerSecret(), h.station.Relayer().ID, q); ok {
		return response.Answer(w, r.Request, http.StatusOK, "text/plain; charset=utf-8", proof+"\n")
	}
	for _, m := range slave.Masters {
		if proof, ok := relay.Prove(m.Password, h.station.Relayer().ID, q); ok {
			return response.Answer(w, r.Request, http.StatusOK, "text/plain; charset=utf-8", proof+"\n")
		}
	}
	return errNotServed
}
