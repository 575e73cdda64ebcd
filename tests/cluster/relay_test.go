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
	eventuallyOn(s, mount)
	for _, way := range []struct {
		harness.Kind
		encrypted bool
	}{{harness.HTTP10, false}, {harness.HTTP1Metadata, false}, {harness.HTTP1, true}, {harness.HTTP2, true}} {
		all = append(all, s.ListenVerifying(mount, way.Kind, way.encrypted))
	}
	return all
}

// eventuallyOn waits until a mount answers.
func eventuallyOn(s *harness.Server, mount string) {
	s.T.Helper()
	harness.Eventually(s.T, mount+" is on "+s.Plain, func() error {
		resp, err := http.Head("http://" + s.Plain + mount)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
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
			harness.Eventually(t, "the title is on the slave", func() error {
				if _, title := edge.Title("/live.mp3"); title != "Singer - Song" {
					return fmt.Errorf("it is %q", title)
				}
				return nil
			})
			// A fallback of the master is not seen here as a break.
			live.Down()
			harness.WaitForSource(t, "the master's fallback", 2, all...)
			live.Up()
			harness.WaitForSource(t, "home again", 1, all...)

			began := time.Now()
			late := master.NumberedSource("/late.mp3", 4)
			eventuallyOn(edge, "/late.mp3")
			if took := time.Since(began); way.name != "on demand" {
				t.Logf("a new mount was on the slave after %v", took)
			}
			eventuallyOn(edge, "/backup.mp3")
			if resp, err := http.Get("http://" + edge.Plain + "/internal.mp3"); err != nil || resp.StatusCode != http.StatusNotFound {
				t.Errorf("what is hidden from slaves is answered %v, %v", resp, err)
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
