package state

import (
	"fmt"

	"github.com/caddycast/caddycast/streaming/relay"
)

// ListenerCount is how many listen to a mount, or to a station. It is the same on pages, in
// statistics and in reports: this node alone and, if it has slaves, all of them together.
type ListenerCount struct {
	Listeners int64 `json:"listeners"`                   // of this node
	Cluster   int64 `json:"cluster_listeners,omitempty"` // of this node and all its slaves; 0: it has none
}

// CountListeners adds the listeners of a mount at all slaves to those here. An empty mount is all
// mounts.
func CountListeners(slaves *relay.Slaves, mount string, here int64) ListenerCount {
	c := ListenerCount{Listeners: here}
	if slaves.Any() {
		c.Cluster = here + int64(slaves.Listeners(mount))
	}
	return c
}

// Listening returns the count in words.
func (c ListenerCount) Listening() string {
	if c.Cluster > 0 {
		return fmt.Sprintf("%d listening here, %d in all", c.Listeners, c.Cluster)
	}
	return fmt.Sprintf("%d listening", c.Listeners)
}
