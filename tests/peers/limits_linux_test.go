package peers

import (
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

// eventuallyCrowd waits until so many of a crowd are admitted, never more.
func eventuallyCrowd(t *testing.T, nodes []*node, mount string, want int) (admitted []net.Conn) {
	t.Helper()
	before := lapses(nodes)
	harness.Eventually(t, fmt.Sprintf("%d listeners are admitted", want), func() error {
		admitted = append(admitted, arrive(t, nodes, mount, 12)...)
		switch {
		case len(admitted) > want && lapses(nodes) != before:
			t.Skip("NATS did not answer in time, since the computer is too busy")
		case len(admitted) > want:
			t.Fatalf("%d listeners are admitted; want %d", len(admitted), want)
		case len(admitted) < want:
			return fmt.Errorf("%d are", len(admitted))
		}
		return nil
	})
	return admitted
}

func TestLimitsHoldForAllNodes(t *testing.T) {
	_, nodes := limitedNodes(t)
	before := lapses(nodes)
	admitted := arrive(t, nodes, "/live.mp3", 60)
	if lapses(nodes) != before {
		t.Skip("NATS did not answer in time, since the computer is too busy")
	}
	if len(admitted) != 10 {
		t.Errorf("%d listeners are admitted; want 10", len(admitted))
	}
	closeAll(admitted)
	for range 3 {
		closeAll(eventuallyCrowd(t, nodes, "/live.mp3", 10))
	}
	open := eventuallyCrowd(t, nodes, "/open.mp3", 40) // per_ip
	closeAll(open)

	login := harness.BasicAuth("bob", "secret")
	for round := range 3 {
		at, other := nodes[round], nodes[(round+1)%3]
		var conn net.Conn
		harness.Eventually(t, "a user listens", func() error {
			var status int
			if conn, status = listen(t, at, "/members.mp3", login); status != http.StatusOK {
				return fmt.Errorf("answered %d", status)
			}
			return nil
		})
		if _, status := listen(t, other, "/members.mp3", login); status != http.StatusForbidden {
			t.Errorf("the same user at another node: answered %d", status)
		}
		_ = conn.Close()
	}

	// A node that is killed frees its places.
	killed := eventuallyCrowd(t, nodes[:1], "/open.mp3", 40)
	if len(arrive(t, nodes[1:], "/open.mp3", 4)) > 0 {
		t.Error("a place too many")
	}
	nodes[0].Kill()
	closeAll(killed)
	nodes[1].WaitForMount("/open.mp3") // its source is at the third node
	closeAll(eventuallyCrowd(t, nodes[1:], "/open.mp3", 40))
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
			all := eventuallyCrowd(t, nodes[:1], "/live.mp3", 10)
			all = append(all, eventuallyCrowd(t, nodes[1:2], "/live.mp3", 10)...)
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
			closeAll(eventuallyCrowd(t, nodes, "/live.mp3", 10))
		})
	}
}
