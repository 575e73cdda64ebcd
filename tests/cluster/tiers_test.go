package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// tiers are a master, a hub with settings of its own, and two slaves of the hub.
func tiers(hub, redirect string) map[string]string {
	settings := map[string]string{
		"master": "\n role master {\n redirect balance\n }\n",
		"hub": `
			limits {
				listeners 100
			}
			role master {
				redirect ` + redirect + `
			}
			role slave {
				master http://%master%
				password pullme
				interval 1s
				` + hub + `
			}`,
	}
	for name, capacity := range map[string]int{"near": 200, "far": 300} {
		settings[name] = fmt.Sprintf(`
			limits {
				listeners %d
			}
			role slave {
				master http://%%hub%%
				password pullme
				interval 1s
				public http://%%%s%%
			}`, capacity, name)
	}
	return settings
}

// All listeners of a master were sent to the hub, and none to its slaves.
func TestListenersOfAMasterAreSentToThreeTiers(t *testing.T) {
	const listeners = 60
	for _, tt := range []struct {
		name, hub, redirect string
		want                map[string]int
	}{
		{"a hub and its slaves", "public http://%hub%", "off", map[string]int{"hub": 10, "near": 20, "far": 30}},
		{"a hub that sends listeners itself", "public http://%hub%", "balance", map[string]int{"hub": 17, "near": 17, "far": 26}},
		{"a hub without listeners of its own", "", "off", map[string]int{"near": 24, "far": 36}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.NewCluster(t, "master", "hub", "near", "far")
			c.Load(tiers(tt.hub, tt.redirect))
			master := c.Nodes["master"]
			onAir(t, master, "/live.mp3")
			registered(master, "/live.mp3", len(tt.want))
			got := make(map[string]int)
			for range listeners {
				node, by := join(t, master.Plain, "/live.mp3")
				if len(by) != 1 {
					t.Errorf("redirected by %v", by)
				}
				for name, n := range c.Nodes {
					if n.Plain == node {
						got[name]++
					}
				}
			}
			for name, n := range got {
				if want := tt.want[name]; n < want-5 || n > want+5 {
					t.Errorf("%s has %d listeners; want %d", name, n, want)
				}
			}
			t.Logf("listeners: %v", got)
			harness.Eventually(t, "each listener is counted once", func() error {
				if n := fmt.Sprint(master.Status("/live.mp3")["cluster_listeners"]); n != fmt.Sprint(listeners) {
					return fmt.Errorf("the master counts %s", n)
				}
				return nil
			})
			settings := tiers(tt.hub, tt.redirect)
			delete(settings, "far") // it leaves
			c.Load(settings)
			registered(master, "/live.mp3", len(tt.want)-1)
			for range 10 {
				if node, by := join(t, master.Plain, "/live.mp3"); strings.Contains(node+strings.Join(by, " "), c.Nodes["far"].Plain) {
					t.Errorf("a listener is sent to a slave that has left: %s, by %v", node, by)
				}
			}
		})
	}
}
