package adminapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/status"
)

// The calls whose answer is a status, for programs that look every second.
const (
	liveCall  = "live"
	readyCall = "ready"
)

// Drain is the drain of a station. Without one all but the first two fields are zero.
type Drain struct {
	Station  string    `json:"station"`
	Draining bool      `json:"draining"`
	Over     bool      `json:"over"` // all listeners and sources are gone
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"` // when the last listener ends
	AtStart  int       `json:"listeners_at_start"`
	Ended    int       `json:"ended"` // listeners that were ended
	Left     int       `json:"left"`  // listeners
	Sources  int       `json:"sources"`
	Seconds  int       `json:"remaining_seconds"`
}

func listDrains(q query) (any, error) { return drainsOf(q.stations), nil }

func drainsOf(stations []*state.Station) []Drain {
	all := []Drain{}
	for _, st := range stations {
		one := Drain{Station: st.StationName(), Left: int(st.Listeners()), Sources: st.Stats().Sources}
		if d := st.Draining(); d != nil {
			one.Draining, one.Over, one.Since, one.Until = true, d.IsOver(), d.Since, d.Until
			one.AtStart, one.Ended = d.Listeners, d.Ended()
			if !one.Over {
				one.Seconds = int(max(0, time.Until(d.Until).Round(time.Second)) / time.Second)
			}
		}
		all = append(all, one)
	}
	return all
}

// drain drains stations.
func drain(stations []*state.Station, req *actionBody) (any, error) {
	over, err := state.ParseWindow(req.Over)
	if err != nil {
		return nil, errorf(http.StatusBadRequest, "%w", err)
	}
	for _, st := range stations {
		st.Drain(over)
	}
	return drainsOf(stations), nil
}

// undrain takes listeners again.
func undrain(stations []*state.Station, _ *actionBody) (any, error) {
	for _, st := range stations {
		if err := st.Undrain(); errors.Is(err, state.ErrProcessEnds) {
			return nil, errorf(http.StatusConflict, "undrain: %w", err)
		}
	}
	return drainsOf(stations), nil
}

// serveHealth answers whether the process lives, and whether it takes listeners; or what a mount
// sounds like.
func serveHealth(w http.ResponseWriter, r *http.Request, call string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return wrongMethod(w, "GET, HEAD")
	}
	if call == liveCall {
		return status.ServeLive(w)
	}
	q, err := readQuery(w, r, []string{"station", "mount", "own"})
	switch {
	case err != nil:
		return err
	case !q.Has("mount"):
		return status.ServeReady(w)
	}
	st, err := pickStation(q.Get("station"))
	if err != nil {
		return err
	}
	if err := status.ServeMountHealth(w, st, q.Get("mount"), q.Has("own")); err != nil {
		return errorf(http.StatusBadRequest, "%w", err)
	}
	return nil
}
