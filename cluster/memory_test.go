package cluster_test

import (
	"testing"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/cluster/enginetest"
)

func TestMemory(t *testing.T) {
	enginetest.Run(t, func(*testing.T) enginetest.Setup {
		bus := cluster.NewBus()
		var all []*cluster.Memory
		return enginetest.Setup{
			Connect: func(*testing.T) cluster.Engine {
				all = append(all, bus.Engine())
				return all[len(all)-1]
			},
			Cut: func(*testing.T) func() {
				set := func(connected bool) {
					for _, e := range all {
						e.SetConnected(connected)
					}
				}
				set(false)
				return func() { set(true) }
			},
		}
	})
}
