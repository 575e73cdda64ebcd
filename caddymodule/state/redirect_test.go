package state

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming/relay"
)

func TestAFullNodeSendsAListenerToAllOthers(t *testing.T) {
	near := relay.PickQuery{Region: "eu", Except: []string{"http://before"}}
	for _, tt := range []struct {
		name   string
		full   bool
		hops   int
		region string
		except []string
	}{
		{"the first node", false, 0, "eu", []string{"http://before"}},
		{"a full first node", true, 0, "eu", []string{"http://before", "http://self"}},
		{"a full node that it was sent to", true, 1, "", []string{"http://before", "http://self"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if q := RedirectBalance.Aim(near, "http://self", tt.full, tt.hops); q.Region != tt.region || !slices.Equal(q.Except, tt.except) {
				t.Errorf("%+v; want region %q, except %v", q, tt.region, tt.except)
			}
		})
	}
}

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
