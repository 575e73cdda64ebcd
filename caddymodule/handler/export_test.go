package handler

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming"
)

// ListenerFields returns the names and values of listenerFields.
func ListenerFields(h http.Header, s streaming.Stream, interval int) (all [][2]string) {
	for _, f := range listenerFields(h, s, interval) {
		all = append(all, [2]string{f.name, f.value})
	}
	return all
}

// NotAdmitted returns the answer to a request for a mount after an error of Admit.
func (h *Handler) NotAdmitted(r *http.Request, path string, err error) error {
	q := h.newListenerRequest(request.New(r), path)
	q.mount = h.station.Mount(path)
	return h.notAdmitted(q, err)
}

// Asked is asked.
var Asked = asked

// SendOn is the answer to a listener that was refused because of an error.
func (h *Handler) SendOn(r *http.Request, path string, err error) error {
	return h.sendOn(h.newListenerRequest(request.New(r), path), err, err)
}

// MayReach is mayReach.
var MayReach = mayReach
