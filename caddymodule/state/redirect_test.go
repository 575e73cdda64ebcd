package state

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming/relay"
)

func TestAHubWithoutARedirectPassesOnAllPlacesOfItsSlaves(t *testing.T) {
	for redirect, want := range map[Redirect]int{
		"": 50, RedirectOff: 50, RedirectWhenFull: 25, RedirectBalance: 25,
	} {
		t.Run(string(redirect), func(t *testing.T) {
			g := acquireFor(t, zap.NewNop())
			defer g.Retire()
			g.Relays.Slave, g.Redirect = &relay.SlaveConfig{}, redirect
			g.Publish()
			slaves := g.Slaves()
			slaves.Verify(func(context.Context, relay.Probe) error { return nil })
			report := relay.Report{ID: "edge1", Public: []string{"http://edge1.example"}, Capacity: 50, Mounts: map[string]int{"/live": 0}}
			if _, err := slaves.Register(&relay.Credential{}, report, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			eventually.True(t, 10*time.Second, "an edge with the places that are passed on", func() bool {
				edges := slaves.Edges("", map[string]int{"/live": 0})
				return len(edges) == 1 && edges[0].Free == want
			})
		})
	}
}
