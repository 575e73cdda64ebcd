package handler

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/response"
)

// drainRetry is the value of Retry-After while the station is drained, in seconds.
const drainRetry = "5"

// errDrained is why a drained station takes nobody.
var errDrained = errors.New("the station is drained")

// checkDraining sends a listener of a drained station to another node that has the mount: one of its
// slaves or of its masters, whether listeners are redirected otherwise or not. If there is none,
// it refuses the listener. Slaves pull to the end.
func (h *Handler) checkDraining(q *listenerRequest) error {
	d := h.station.Draining()
	if d == nil || q.client.Slave || h.station.Mount(q.path) == nil && !h.station.Offers(q.path) && !d.Had(q.path) {
		return nil
	}
	if h.mayRedirect(q) {
		if redirect := h.redirectToSlave(q, true); redirect != nil {
			return redirect
		}
	}
	return h.sendOn(q, errDrained, drained())
}

// checkSourceDraining refuses a source that a drained station does not take.
func (h *Handler) checkSourceDraining(path string) error {
	if h.station.TakesSource(path) {
		return nil
	}
	return drained().Warned("source rejected: drained", zap.String("mount", response.Printable(path)))
}

func drained() *response.Refusal {
	return response.Refuse(http.StatusServiceUnavailable, "This server is drained").With("Retry-After", drainRetry).Because(errDrained)
}
