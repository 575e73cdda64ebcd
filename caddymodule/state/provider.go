package state

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Provider is implemented by the app "icecast". Handlers and listener wrappers find their
// station by it.
type Provider interface {
	// Generation returns the station with a name; the empty name is that of the default
	// station. The error lists the names there are.
	Generation(name string) (*Generation, error)

	// Only returns the station if there is exactly one, else nil.
	Only() *Generation

	// Wrap notes that a server has the listener wrapper.
	Wrap(srv *caddyhttp.Server)

	// Follow registers, while the configuration is provisioned, what is done when all of it has
	// started, and what before its servers stop, when another configuration is in force.
	Follow(started, stopping func())
}

// CheckName returns an error for a name that the handler's directive would take for a matcher,
// and for the empty name.
func CheckName(name string) error {
	if name == "" || strings.ContainsAny(name[:1], "/@*") {
		return fmt.Errorf("station %q: invalid name; expected one such as studio1, without /, @ or * at its start", name)
	}
	return nil
}
