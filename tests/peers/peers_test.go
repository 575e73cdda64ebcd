package peers

import (
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// peer are the settings of a node in one process with the others.
func peer(name, more string) string {
	return fmt.Sprintf(`
	cluster memory
	role peer {
		public http://%%%s%% https://%%tls:%[1]s%%
		%s
	}`, name, more)
}

// load starts nodes with the same settings each.
func load(t *testing.T, more string, names ...string) map[string]*harness.Server {
	t.Helper()
	c := harness.NewCluster(t, names...)
	settings := make(map[string]string)
	for _, name := range names {
		settings[name] = peer(name, more)
	}
	c.Load(settings)
	return c.Nodes
}

// everywhere listens to a mount at all nodes, in several ways.
func everywhere(nodes map[string]*harness.Server, mount string) (all []*harness.VerifyingListener) {
	for _, n := range nodes {
		n.WaitForMount(mount)
		all = append(all, n.ListenVerifying(mount, harness.HTTP1, false), n.ListenVerifying(mount, harness.HTTP2, true))
	}
	return all
}

func TestAnEncoderTakesItsMountAlong(t *testing.T) {
	for _, c := range []struct {
		name, settings string
		ends           bool // the encoder ends at one node before it connects to another one
	}{
		{"it ends, and connects to another node", "linger 10s", true},
		{"it is replaced by one with the same user", "linger 10s\n takeover", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			nodes := load(t, "}\n mount /live.mp3 {\n"+c.settings, "a", "b", "c")
			src := nodes["a"].DescribedSource("/live.mp3", 1) // which the server may end
			all := everywhere(nodes, "/live.mp3")
			harness.WaitForSource(t, "all hear the stream", 1, all...)
			for i, at := range []string{"b", "c", "a"} {
				if c.ends {
					src.Down()
				}
				next := nodes[at].DescribedSource("/live.mp3", uint64(i+2))
				harness.WaitForSource(t, "all hear the encoder at "+at, uint64(i+2), all...)
				if !c.ends {
					src.Abandon()
				}
				src = next
			}
			src.Down()
			harness.CheckAll(t, all...)
		})
	}
}
