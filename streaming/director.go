package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Director decides what the listeners of a mount hear. It is asked while the station's
// lock is held, so it must not call the station, except by the functions in the query.
type Director interface {
	// Choose returns what listeners are to hear now.
	Choose(q Query) Decision

	// Fallbacks returns the other mounts that Choose may name for the listeners of one, the
	// best first. It returns the same until the station is given other settings or is made
	// to Reconsider. The caller must not change it.
	Fallbacks(home string) []string

	// HasFallback reports whether something may be heard at a path without a source.
	HasFallback(path string) bool

	// Overflow returns the mounts that may take the listeners for which one has no room,
	// the best first.
	Overflow(path string) []string

	// StartOnDemand begins to feed a mount that Choose has named. It returns at once, and is
	// called as often as the mount is named.
	StartOnDemand(path string)
}

// Query is about those listeners of a mount that were promised the same.
type Query struct {
	Home  string       // the mount that they asked for
	Type  string       // format.Kind of what they were promised; empty: they are new
	Audio format.Audio // of what they were promised
	Heard string       // the mount whose stream they hear; empty: none yet
	Now   time.Time
	State func(path string) State
}

// State is what a mount has to offer of its own. The zero value is nothing.
type State struct {
	Live  bool
	Waits bool         // its source is away and may come back, or has come and sent nothing yet
	Type  string       // format.Kind of what its source sends, or sent
	Audio format.Audio // of that
	Since time.Time    // when it went live
}

// Usable reports whether listeners that were promised a type may stay with it.
func (s State) Usable(typ string) bool {
	return (s.Live || s.Waits) && (typ == "" || s.Type == typ)
}

// Decision is a director's answer.
type Decision struct {
	Hear          string        // the mount whose stream they are to hear; empty: there is none
	StartOnDemand []string      // mounts that would be better, and are to be started
	Soon          bool          // one of those will be heard soon: listeners that hear nothing wait
	Again         time.Duration // ask again by then even if nothing changes; 0: no need
}

// noFallbacks is the director of a station without fallbacks.
type noFallbacks struct{}

func (noFallbacks) Choose(q Query) Decision {
	if q.State(q.Home).Usable(q.Type) {
		return Decision{Hear: q.Home}
	}
	return Decision{}
}

func (noFallbacks) Fallbacks(string) []string { return nil }
func (noFallbacks) HasFallback(string) bool   { return false }
func (noFallbacks) Overflow(string) []string  { return nil }
func (noFallbacks) StartOnDemand(string)      {}

// state returns what a mount has to offer. mu is held.
func (st *Station) state(path string) State {
	m := st.mounts[path]
	if m == nil || m.stream == nil {
		return State{}
	}
	live := m.source != nil && m.announced
	return State{Live: live, Waits: !live && (m.source != nil || m.linger != nil), Type: m.stream.kind, Audio: m.stream.audio, Since: m.liveSince}
}

// choose asks the director. mu is held.
func (st *Station) choose(home *Mount, p promise, heard string) (*Mount, Decision) {
	d := st.settings.Load().director().Choose(Query{
		Home: home.Path, Type: p.kind, Audio: p.audio, Heard: heard, Now: time.Now(), State: st.state,
	})
	if d.Hear == "" || st.state(d.Hear) == (State{}) {
		return nil, d
	}
	return st.mounts[d.Hear], d
}
