package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// slave is a slave of the node master.
const slave = `
	role slave {
		master http://%master%
		password pullme
		interval 2s
	}`

// hears waits until all of them hear a source.
func hears(t testing.TB, what string, id uint64, all ...*witness) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s: all hear %d", what, id), func() error {
		for _, w := range all {
			if got := w.heard.Load(); got != id {
				return fmt.Errorf("%s hears %d", w.kind, got)
			}
		}
		return nil
	})
}

// whole ends listeners and checks what they heard.
func whole(t testing.TB, all ...*witness) {
	t.Helper()
	for _, w := range all {
		select {
		case err := <-w.ended:
			t.Errorf("%s was let go: %v", w.kind, err)
		default:
			w.stop()
			<-w.ended
		}
		w.verify(t)
	}
}

// onSlave waits until a mount is on a node, and listens to it in all ways.
func (s *server) onSlave(mount string) (all []*witness) {
	s.t.Helper()
	s.eventuallyOn(mount)
	for _, way := range []struct {
		kind
		encrypted bool
	}{{http10, false}, {http1ic, false}, {http1, true}, {h2, true}} {
		all = append(all, s.witness(mount, way.kind, way.encrypted))
	}
	return all
}

// eventuallyOn waits until a mount answers.
func (s *server) eventuallyOn(mount string) {
	s.t.Helper()
	eventually(s.t, mount+" is on "+s.plain, func() error {
		resp, err := http.Head("http://" + s.plain + mount)
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
			}`, storage)},
		{"on demand", strings.Replace(slave, "interval 2s", "on_demand", 1)},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := newCluster(t, "master", "edge")
			master, edge := c.nodes["master"], c.nodes["edge"]
			c.load(map[string]string{"edge": way.settings, "master": `
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
			live, backup := master.numberedSource("/live.mp3", 1), master.numberedSource("/backup.mp3", 2)
			internal := master.numberedSource("/internal.mp3", 3)
			all := edge.onSlave("/live.mp3")
			hears(t, "at home", 1, all...)
			if name := all[0].header.Get("icy-name"); name != "The Master" {
				t.Errorf("the name is %q", name)
			}
			master.retitle("/live.mp3", "Singer - Song")
			eventually(t, "the title is on the slave", func() error {
				if _, title := edge.title("/live.mp3"); title != "Singer - Song" {
					return fmt.Errorf("it is %q", title)
				}
				return nil
			})
			// A fallback of the master is not seen here as a break.
			live.down()
			hears(t, "the master's fallback", 2, all...)
			live.up()
			hears(t, "home again", 1, all...)

			began := time.Now()
			late := master.numberedSource("/late.mp3", 4)
			edge.eventuallyOn("/late.mp3")
			if took := time.Since(began); way.name != "on demand" {
				t.Logf("a new mount was on the slave after %v", took)
			}
			edge.eventuallyOn("/backup.mp3")
			if resp, err := http.Get("http://" + edge.plain + "/internal.mp3"); err != nil || resp.StatusCode != http.StatusNotFound {
				t.Errorf("what is hidden from slaves is answered %v, %v", resp, err)
			}
			for _, n := range []*numberedSource{live, backup, internal, late} {
				defer n.down()
			}
			whole(t, all...)
		})
	}
}

// A hub is the slave of one and the master of others.
func TestAStreamGoesFromMasterToHubToEdge(t *testing.T) {
	c := newCluster(t, "master", "hub", "edge")
	c.load(map[string]string{
		"hub":  slave,
		"edge": strings.ReplaceAll(slave, "%master%", "%hub%"),
	})
	live := c.nodes["master"].numberedSource("/live.mp3", 1)
	defer live.down()
	all := c.nodes["edge"].onSlave("/live.mp3")
	hears(t, "at the end", 1, all...)
	eventually(t, "the master counts the listeners of all", func() error {
		if n := c.nodes["master"].sourceOn("/live.mp3")["cluster_listeners"]; fmt.Sprint(n) != fmt.Sprint(len(all)) {
			return fmt.Errorf("it counts %v", n)
		}
		return nil
	})
	if n := c.nodes["master"].sourceOn("/live.mp3")["listeners"]; fmt.Sprint(n) != "0" {
		t.Errorf("the master takes %v slaves for listeners", n)
	}
	whole(t, all...)
}
