package handler

import (
	"net/http"
	"net/url"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/status"
)

// defaultHealth is the path of health checks if none is given.
const defaultHealth = "/health"

// healthCheck returns the function that answers a health check at a path, nil if there is none.
func (h *Handler) healthCheck(path string) func(http.ResponseWriter, *request.Facts) error {
	if h.Health == "" {
		return nil
	}
	switch path {
	case h.Health, h.Health + "/ready":
		return h.serveReady
	case h.Health + "/live":
		return func(w http.ResponseWriter, _ *request.Facts) error { return status.ServeLive(w) }
	}
	return nil
}

// serveReady answers whether the node takes listeners, or what a mount sounds like.
func (h *Handler) serveReady(w http.ResponseWriter, r *request.Facts) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	switch {
	case err != nil:
		return response.Refuse(http.StatusBadRequest, "query: "+err.Error())
	case !q.Has("mount"):
		return status.ServeReady(w)
	}
	if err := status.ServeMountHealth(w, h.station.Station, q.Get("mount"), q.Has("own")); err != nil {
		return response.Refuse(http.StatusBadRequest, err.Error())
	}
	return nil
}
