package relay

import (
	"slices"
	"time"
)

// Config is one mount that is fed from elsewhere.
type Config struct {
	Mount     string
	Upstreams []Upstream // the best first; one at least

	OnDemand    bool // it is pulled only while somebody hears it
	NoMetadata  bool // no titles are asked for
	PreferFirst bool // back to a better upstream when that answers again

	// Timeout is how long an upstream has to answer; 0: DefaultTimeout.
	Timeout time.Duration

	mirrored bool // a slave made it, from its masters' lists
}

func (r *Config) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return DefaultTimeout
}

// carriesOn tells whether a link to an upstream may stay under these settings, which
// replace others.
func (r *Config) carriesOn(before *Config, u Upstream) bool {
	return r.NoMetadata == before.NoMetadata && slices.ContainsFunc(r.Upstreams, u.same)
}

// same tells whether the settings are the same.
func (r *Config) same(o *Config) bool {
	return r.Mount == o.Mount && r.OnDemand == o.OnDemand && r.NoMetadata == o.NoMetadata &&
		r.PreferFirst == o.PreferFirst && r.Timeout == o.Timeout && r.mirrored == o.mirrored &&
		slices.EqualFunc(r.Upstreams, o.Upstreams, Upstream.same)
}

// State is what a relay does.
type State uint8

// The states of a relay.
const (
	Idle    State = iota // nobody wants to hear it
	Dialing              // an upstream is asked
	Playing              // it feeds the mount
	Waiting              // until the next attempt
	Ended                // it is not configured any more
)

var stateNames = [...]string{Idle: "idle", Dialing: "dialing", Playing: "playing", Waiting: "waiting", Ended: "ended"}

func (s State) String() string { return stateNames[s] }

// Status is how a relay stands.
type Status struct {
	Mount    string
	State    State
	Since    time.Time // it has been so
	Upstream string    // the URL that is or was pulled; empty: none yet
	Cause    string    // why it waits, or played no more; empty: it never ended
	Failures int       // attempts that failed since it last played
	OnDemand bool
	Mirrored bool // a slave made it, from its masters' lists
}

// Event tells of a change.
type Event struct {
	Kind     Kind
	Mount    string        // of a relay
	Upstream string        // of a relay
	Cause    string        // of Down, Failed and SlaveLeft
	Duration time.Duration // of Down: how long it played
	Slave    string        // its public URL, else its address or id
}

// Kind is what an Event tells.
type Kind uint8

// The kinds of events.
const (
	Up          Kind = iota // a relay feeds its mount
	Down                    // it does not any more
	Failed                  // it could not; only the first failure in a row is told
	SlaveJoined             // a slave reports for the first time
	SlaveLeft               // a slave has not reported for too long, or has begun anew
	MasterUp                // a master's list is known again
	MasterDown              // it is not
)
