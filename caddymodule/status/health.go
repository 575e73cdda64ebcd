package status

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// ServeLive answers that the process lives.
func ServeLive(w http.ResponseWriter) error {
	return writeHealth(w, map[string]bool{"live": true}, true)
}

// ServeReady answers whether the node takes listeners: 200, else 503 with the reasons.
func ServeReady(w http.ResponseWriter) error {
	ready := state.Ready()
	return writeHealth(w, ready, ready.Ready)
}

// ServeMountHealth answers what a mount of a station sounds like: 200 while a listener hears
// something, or with own while the mount's own source is heard, else 503. The error is for an invalid
// mount.
func ServeMountHealth(w http.ResponseWriter, st *state.Station, mount string, own bool) error {
	if err := mountpath.Check(mount); err != nil {
		return fmt.Errorf("mount %.120q: %w", mount, err)
	}
	h := st.Health(mount)
	return writeHealth(w, h, h.Sounds(own))
}

func writeHealth(w http.ResponseWriter, answer any, healthy bool) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("rendering an answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n')) // a client that does not read it has left
	return nil
}
