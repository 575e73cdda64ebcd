package state

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/caddycast/caddycast/fallback"
)

// serving is true once a configuration was in force in this process.
var serving atomic.Bool

// Serve notes that a configuration is in force, all of it.
func Serve() { serving.Store(true) }

// IsServing reports whether a configuration was in force in this process.
func IsServing() bool { return serving.Load() }

// Readiness says whether the node takes listeners.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"` // why not
}

// Ready reports whether the node takes listeners: a configuration is in force, the lists of the masters
// have arrived or failed once, and no station is drained. A lost master changes nothing, since a
// slave has fallbacks. It takes no lock once that is so.
func Ready() (r Readiness) {
	if !IsServing() {
		r.Reasons = append(r.Reasons, "no configuration is in force")
	}
	stations := InForce()
	if IsServing() && len(stations) == 0 {
		r.Reasons = append(r.Reasons, "no station is configured")
	}
	for _, st := range stations {
		if st.Draining() != nil {
			r.Reasons = append(r.Reasons, fmt.Sprintf("station %s is drained", st.StationName()))
		}
		if !st.isSettled() {
			r.Reasons = append(r.Reasons, fmt.Sprintf("station %s has no list of a master yet", st.StationName()))
		}
	}
	r.Ready = len(r.Reasons) == 0
	return r
}

// isSettled reports whether each master has answered or failed once since the start.
func (st *Station) isSettled() bool {
	if !st.settled.Load() && st.relays.IsSettled() {
		st.settled.Store(true)
	}
	return st.settled.Load()
}

// The states of a mount's health.
const (
	healthLive     = "live"     // its own source is heard
	healthFallback = "fallback" // another mount or a file
	healthStandby  = "standby"  // the standby loop
	healthWaiting  = "waiting"  // the source is away, within its linger, or comes on demand
	healthOff      = "off"
)

// MountHealth is what a listener of a mount hears.
type MountHealth struct {
	Mount string `json:"mount"`
	State string `json:"state"`
	Feed  string `json:"feed,omitempty"` // the mount that is heard, "file" or "standby"

	Draining bool `json:"draining,omitempty"` // no listener is taken
}

// Sounds reports whether a new listener hears something, or with own whether it is the mount's source.
func (h *MountHealth) Sounds(own bool) bool {
	if h.Draining {
		return false
	}
	return h.State == healthLive || !own && (h.State == healthFallback || h.State == healthStandby)
}

// Health returns what a listener of a mount hears now, or would hear at once.
func (st *Station) Health(path string) MountHealth {
	offer := st.Offer(path)
	feed := offer.Heard
	if feed == "" && len(offer.OnDemand) > 0 && !strings.HasPrefix(offer.OnDemand[0], "/") { // a file, which begins at once
		feed = offer.OnDemand[0]
	}
	h := MountHealth{Mount: path, Feed: feed, Draining: st.Draining() != nil}
	switch {
	case feed == path:
		h.State = healthLive
	case fallback.IsStandby(feed):
		h.State, h.Feed = healthStandby, healthStandby
	case feed != "":
		h.State = healthFallback
		if !strings.HasPrefix(feed, "/") {
			h.Feed = "file" // everybody may ask, and its path tells of the server
		}
	case offer.Any():
		h.State = healthWaiting
	default:
		h.State = healthOff
	}
	return h
}
