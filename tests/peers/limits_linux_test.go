package peers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

const limited = `
		limits {
			per_ip 40
		}
		mount /live.mp3 {
			max_listeners 10
		}
		mount /members.mp3 {
			auth htpasswd %s {
				max_sessions 1
			}
		}
		mount /open.mp3
`

// limitedNodes starts the nodes of the guide with limits, and sources for the mounts.
func limitedNodes(t *testing.T) (*engine, []*node) {
	t.Helper()
	users := t.TempDir() + "/users"
	harness.WriteFile(t, users, "bob:5ebe2294ecd0e0f08eab7690d2a6ee69\n") // secret
	limits := fmt.Sprintf(limited, users)
	e, nodes := threeNodesWith(t, func(config string) string {
		_, rest, _ := strings.Cut(config, "\t\tlimits {")
		_, rest, _ = strings.Cut(rest, "\n\t}\n}\n")
		before, _, _ := strings.Cut(config, "\t\tlimits {")
		return before + limits + "\n\t}\n}\n" + rest
	})
	for i, mount := range []string{"/live.mp3", "/members.mp3", "/open.mp3"} {
		src := nodes[i].DescribedSource(mount, uint64(i+1)) // its node may be killed
		t.Cleanup(src.Abandon)
		for _, n := range nodes {
			if mount != "/members.mp3" { // which needs a login
				n.WaitForMount(mount)
			}
		}
	}
	for _, n := range nodes {
		n.limits("cluster")
	}
	return e, nodes
}

// limits waits until the limits of a node hold for the cluster, or are local.
func (n *node) limits(want string) {
	n.T.Helper()
	harness.Eventually(n.T, "the limits are of: "+want, func() error {
		stations := n.APIList("stations")
		if cluster, _ := stations[0]["cluster"].(map[string]any); cluster["limits"] != want {
			return fmt.Errorf("they are of: %v", cluster["limits"])
		}
		return nil
	})
}

// lapses returns how often the limits of nodes have become local.
func lapses(nodes []*node) (sum float64) {
	for _, n := range nodes {
		cluster, _ := n.APIList("stations")[0]["cluster"].(map[string]any)
		lapsed, _ := cluster["lapses"].(float64)
		sum += lapsed
	}
	return sum
}

// listen returns a listener's connection and the status of its answer.
func listen(t *testing.T, n *node, mount string, header ...string) (net.Conn, int) {
	t.Helper()
	resp, conn := harness.MustAsk(t, n.Plain, mount, header...)
	return conn, resp.StatusCode
}

// arrive lets so many listeners come at all nodes at the same time, and returns who was admitted.
func arrive(t *testing.T, nodes []*node, mount string, count int) (admitted []net.Conn) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			resp, conn, err := harness.Ask(t, nodes[i%len(nodes)].Plain, mount)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			switch resp.StatusCode {
			case http.StatusOK:
				admitted = append(admitted, conn)
			case http.StatusForbidden, http.StatusFound: // or there may be room at another node
				_ = conn.Close()
			default:
				t.Errorf("answered %s", resp.Status)
			}
		})
	}
	all.Wait()
	return admitted
}

func closeAll(all []net.Conn) {
	for _, c := range all {
		_ = c.Close()
	}
}

// fill lets crowds come until so many listeners are admitted. One more is an error.
func fill(t *testing.T, nodes []*node, mount string, crowd, want int) (admitted []net.Conn, err error) {
	t.Helper()
	err = harness.Await(func() error {
		if admitted = append(admitted, arrive(t, nodes, mount, crowd)...); len(admitted) < want {
			return fmt.Errorf("%d listeners of %s are admitted; want %d", len(admitted), mount, want)
		}
		return nil
	})
	if len(admitted) > want {
		err = fmt.Errorf("%d listeners of %s are admitted; want %d", len(admitted), mount, want)
	}
	return admitted, err
}

// undisturbed runs a check again if NATS has not always answered in time meanwhile, as on a busy machine:
// then limits are local for a while, rightly.
func undisturbed(t *testing.T, nodes []*node, check func() error) {
	t.Helper()
	for range 20 {
		for _, n := range nodes {
			n.limits("cluster")
		}
		before := lapses(nodes)
		err := check()
		if lapses(nodes) == before {
			if err != nil {
				t.Error(err)
			}
			return
		}
		t.Logf("NATS did not answer in time; then: %v", err)
	}
	t.Error("NATS never answered in time")
}

func TestLimitsHoldForAllNodes(t *testing.T) {
	_, nodes := limitedNodes(t)
	for _, c := range []struct {
		mount       string
		crowd, want int
	}{{"/live.mp3", 60, 10}, {"/live.mp3", 12, 10}, {"/open.mp3", 12, 40}} { // max_listeners, again, and per_ip
		undisturbed(t, nodes, func() error {
			admitted, err := fill(t, nodes, c.mount, c.crowd, c.want)
			closeAll(admitted)
			return err
		})
	}
	for round := range 3 {
		undisturbed(t, nodes, func() error { return listensOnce(t, nodes[round], nodes[(round+1)%3]) })
	}

	// A node that is killed frees its places.
	var all []net.Conn
	undisturbed(t, nodes, func() (err error) {
		closeAll(all)
		if all, err = fill(t, nodes[:1], "/open.mp3", 12, 40); err == nil && len(arrive(t, nodes[1:], "/open.mp3", 4)) > 0 {
			err = errors.New("a listener too many is admitted")
		}
		return err
	})
	nodes[0].Kill()
	closeAll(all)
	nodes[1].WaitForMount("/open.mp3") // its source is at the third node
	undisturbed(t, nodes[1:], func() error {
		admitted, err := fill(t, nodes[1:], "/open.mp3", 12, 40)
		closeAll(admitted)
		return err
	})
}

// listensOnce lets a user who may listen once listen at one node, and then at another one as well.
func listensOnce(t *testing.T, at, other *node) error {
	t.Helper()
	login := harness.BasicAuth("bob", "secret")
	var conn net.Conn
	err := harness.Await(func() error {
		var status int
		if conn, status = listen(t, at, "/members.mp3", login); status != http.StatusOK {
			return fmt.Errorf("a user is answered %d", status)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	second, status := listen(t, other, "/members.mp3", login)
	_ = second.Close()
	if status != http.StatusForbidden {
		return fmt.Errorf("the same user at another node is answered %d", status)
	}
	return nil
}

func TestLimitsAreLocalWithoutNATS(t *testing.T) {
	e, nodes := limitedNodes(t)
	for _, c := range []struct {
		name       string
		away, back func()
	}{
		{"killed", e.kill, e.start},
		{"standing still", func() { e.signal(syscall.SIGSTOP) }, func() { e.signal(syscall.SIGCONT) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.away()
			began := time.Now()
			var all []net.Conn
			for i := range 2 {
				admitted, err := fill(t, nodes[i:i+1], "/live.mp3", 12, 10)
				if err != nil {
					t.Error(err)
				}
				all = append(all, admitted...)
			}
			t.Logf("%d listeners in %v", len(all), time.Since(began))
			for _, n := range nodes[:2] {
				n.limits("local")
			}
			c.back()
			for _, n := range nodes {
				n.limits("cluster")
			}
			harness.Eventually(t, "nobody is admitted beyond the limit", func() error {
				more := arrive(t, nodes[2:], "/live.mp3", 3)
				closeAll(more)
				if len(more) > 0 {
					return fmt.Errorf("%d are", len(more))
				}
				return nil
			})
			closeAll(all)
			undisturbed(t, nodes, func() error {
				admitted, err := fill(t, nodes, "/live.mp3", 12, 10)
				closeAll(admitted)
				return err
			})
		})
	}
}
