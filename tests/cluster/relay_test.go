package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// slave is a slave of the node master.
const slave = `
	role slave {
		master http://%master%
		password pullme
		interval 2s
	}`

// onSlave waits until a mount is on a node, and listens to it in all ways.
func onSlave(s *harness.Server, mount string) (all []*harness.VerifyingListener) {
	s.T.Helper()
	s.WaitForMount(mount)
	for _, way := range []struct {
		harness.Kind
		encrypted bool
	}{{harness.HTTP10, false}, {harness.HTTP1Metadata, false}, {harness.HTTP1, true}, {harness.HTTP2, true}} {
		all = append(all, s.ListenVerifying(mount, way.Kind, way.encrypted))
	}
	return all
}

func TestASlaveHasTheMountsOfItsMaster(t *testing.T) {
	for _, way := range []struct{ name, settings string }{
		{"over plain HTTP", slave},
		{"over TLS", fmt.Sprintf(`
			role slave {
				master https://%%tls:master%%
				password pullme
				interval 2s
				tls_trust %s/cert.pem
			}`, harness.Storage)},
		{"on demand", strings.Replace(slave, "interval 2s", "on_demand", 1)},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := harness.NewCluster(t, "master", "edge")
			master, edge := c.Nodes["master"], c.Nodes["edge"]
			c.Load(map[string]string{"edge": way.settings, "master": `
				mount /live.mp3 {
					name "The Master"
					genre jazz
					fallback /backup.mp3
				}
				mount /backup.mp3 {
					direct off
					hidden
				}
				mount /internal.mp3 {
					hidden all
				}
			`})
			live, backup := master.NumberedSource("/live.mp3", 1), master.NumberedSource("/backup.mp3", 2)
			internal := master.NumberedSource("/internal.mp3", 3)
			all := onSlave(edge, "/live.mp3")
			harness.WaitForSource(t, "at home", 1, all...)
			if name := all[0].Header.Get("icy-name"); name != "The Master" {
				t.Errorf("the name is %q", name)
			}
			master.SetTitle("/live.mp3", "Singer - Song")
			edge.WaitForTitle("/live.mp3", "Singer - Song")
			// A fallback of the master is not seen here as a break.
			live.Down()
			harness.WaitForSource(t, "the master's fallback", 2, all...)
			live.Up()
			harness.WaitForSource(t, "home again", 1, all...)

			began := time.Now()
			late := master.NumberedSource("/late.mp3", 4)
			edge.WaitForMount("/late.mp3")
			if took := time.Since(began); way.name != "on demand" {
				t.Logf("a new mount was on the slave after %v", took)
			}
			edge.WaitForMount("/backup.mp3")
			if err := edge.CheckAnswer(http.MethodGet, "/internal.mp3", http.StatusNotFound); err != nil {
				t.Errorf("a mount that is hidden from slaves: %v", err)
			}
			for _, n := range []*harness.NumberedSource{live, backup, internal, late} {
				defer n.Down()
			}
			harness.CheckAll(t, all...)
		})
	}
}

// A hub is the slave of one and the master of others.
func TestAStreamGoesFromMasterToHubToEdge(t *testing.T) {
	c := harness.NewCluster(t, "master", "hub", "edge")
	c.Load(map[string]string{
		"hub":  slave,
		"edge": strings.ReplaceAll(slave, "%master%", "%hub%"),
	})
	live := c.Nodes["master"].NumberedSource("/live.mp3", 1)
	defer live.Down()
	all := onSlave(c.Nodes["edge"], "/live.mp3")
	harness.WaitForSource(t, "at the end", 1, all...)
	harness.Eventually(t, "the master counts the listeners of all", func() error {
		if n := c.Nodes["master"].Status("/live.mp3")["cluster_listeners"]; fmt.Sprint(n) != fmt.Sprint(len(all)) {
			return fmt.Errorf("it counts %v", n)
		}
		return nil
	})
	if n := c.Nodes["master"].Status("/live.mp3")["listeners"]; fmt.Sprint(n) != "0" {
		t.Errorf("the master takes %v slaves for listeners", n)
	}
	harness.CheckAll(t, all...)
}
