package admin

import (
	"slices"
	"testing"

	"github.com/caddycast/caddycast/streaming"
)

// TestWhoComesOverAUnixSocketHasNoAddress: it was called "invalid IP".
func TestWhoComesOverAUnixSocketHasNoAddress(t *testing.T) {
	e := clientElement(streaming.ListenerSnapshot{Listener: new(streaming.Listener)})
	at := slices.IndexFunc(e.children, func(c element) bool { return c.name == "IP" })
	if at < 0 || e.children[at].data != "" {
		t.Errorf("%+v; want an IP that is empty", e)
	}
}
