package relay

import "time"

// State is what a relay does.
type State uint8

// The states of a relay.
const (
	Idle    State = iota // on demand, without listeners
	Dialing              // an attempt is in progress
	Playing              // the upstream feeds the mount
	Waiting              // until the next attempt
	Ended                // removed
)

var stateNames = [...]string{Idle: "idle", Dialing: "dialing", Playing: "playing", Waiting: "waiting", Ended: "ended"}

func (s State) String() string { return stateNames[s] }

// Status describes the state of one relay.
type Status struct {
	Mount    string
	State    State
	Since    time.Time // of the last change of State
	Upstream string    // the URL that is pulled, or was pulled last; empty: none yet
	Cause    string    // of the last failure or end; empty: there was none, or it plays again
	Failures int       // attempts that failed since the relay last played
	OnDemand bool
	Mirrored bool // created by a slave from the lists of its masters

	delayed bool // listeners hear a fallback until the relay plays
}

// trigger names what changes the state of a relay.
type trigger uint8

const (
	demandEnded   trigger = iota // an on-demand mount has no listeners
	dialStarted                  // an attempt begins
	dialDelayed                  // the attempt takes longer than listeners wait
	firstUnit                    // the upstream's first unit has arrived
	streamEnded                  // the stream ended after its first unit
	attemptFailed                // an attempt ended before its first unit
	removed                      // the relay is not configured any more
)

// change is a trigger with its facts.
type change struct {
	trigger  trigger
	at       time.Time
	upstream Upstream      // of firstUnit and streamEnded
	cause    string        // of streamEnded and attemptFailed: for status, log and hooks
	lasted   time.Duration // of streamEnded
}

// next returns the status after a change, and the event that announces the change, if any.
func (s Status) next(c change) (Status, *Event) {
	if s.State == Ended {
		return s, nil
	}
	switch c.trigger {
	case demandEnded:
		s.State, s.Since, s.delayed = Idle, c.at, false
	case dialStarted:
		s.State, s.Since = Dialing, c.at
	case dialDelayed:
		s.delayed = s.delayed || s.State == Dialing || s.State == Waiting
	case firstUnit:
		s.State, s.Since, s.delayed = Playing, c.at, false
		s.Upstream, s.Failures, s.Cause = c.upstream.URL, 0, ""
		return s, &Event{Kind: Up, Mount: s.Mount, Upstream: c.upstream.label()}
	case streamEnded:
		s.State, s.Since, s.Cause = Waiting, c.at, c.cause
		return s, &Event{Kind: Down, Mount: s.Mount, Upstream: c.upstream.label(), Cause: c.cause, Duration: c.lasted}
	case attemptFailed:
		s.State, s.Since, s.Cause, s.delayed = Waiting, c.at, c.cause, true
		if s.Failures++; s.Failures == 1 {
			return s, &Event{Kind: Failed, Mount: s.Mount, Cause: c.cause}
		}
	case removed:
		s.State, s.Since = Ended, c.at
	}
	return s, nil
}
