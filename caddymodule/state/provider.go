package state

import (
	"fmt"
	"strings"
)

// Provider is implemented by the app "icecast". Handlers and listener wrappers find their
// station by it.
type Provider interface {
	// Generation returns the station with a name; the empty name is that of the default
	// station. The error lists the names there are.
	Generation(name string) (*Generation, error)

	// Only returns the station if there is exactly one, else nil.
	Only() *Generation
}

// CheckName refuses names that the handler's directive could not say: it
// would take them for a matcher.
func CheckName(name string) error {
	if name == "" || strings.ContainsAny(name[:1], "/@*") {
		return fmt.Errorf("the name of a station is no matcher and not empty, as %q would be; write one such as studio1", name)
	}
	return nil
}
