package state

import "github.com/caddycast/caddycast/streaming/relay"

// Redirect says which listeners a master sends to its slaves.
type Redirect string

// The values of Redirect.
const (
	RedirectOff      Redirect = "off" // as the zero value
	RedirectWhenFull Redirect = "when_full"
	RedirectBalance  Redirect = "balance"
)

// IsOn reports whether listeners are sent to slaves at all.
func (r Redirect) IsOn() bool { return r != "" && r != RedirectOff }

// MaxHops is how often a listener is redirected: to a slave, back from one that has no room,
// and to another one.
const MaxHops = 3

// Sends reports whether a listener that was redirected so often is sent to another node: always, or
// because this one is full. A listener that another node has redirected here stays if there is a place.
func (r Redirect) Sends(full bool, hops int) bool {
	return hops < MaxHops && (full && r == RedirectWhenFull || (full || hops == 0) && r == RedirectBalance)
}

// Aim returns where a listener may be sent from here. self is the base URL of this node, empty if it has
// none; it is left out if it is full, since its own last report may say otherwise. The region counts only at the
// first hop: nodes fill up at the same time with the others of their region.
func (r Redirect) Aim(q relay.PickQuery, self string, full bool, hops int) relay.PickQuery {
	if full && self != "" {
		q.Except = append(q.Except, self)
	}
	if hops > 0 {
		q.Region = ""
	}
	return q
}
