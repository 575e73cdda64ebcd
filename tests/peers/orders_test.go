package peers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// order gives an order at a node of a process, and checks its answer.
func order(t *testing.T, n *harness.Server, call, body, want string) {
	t.Helper()
	if code, got := n.API(http.MethodPost, call, body); code != http.StatusOK || !strings.Contains(got, want) {
		t.Errorf("%s %s is answered %d %s; want %s", call, body, code, got, want)
	}
}

// waitForNodes waits until a node knows another one, and returns the id of that.
func waitForNodes(t *testing.T, n *harness.Server, name string) (id string) {
	t.Helper()
	harness.Eventually(t, "the other node is known", func() error {
		nodes := n.APIList("stations?station=" + name)[0]["cluster"].(map[string]any)["nodes"].([]any)
		if len(nodes) != 1 {
			return fmt.Errorf("%d are", len(nodes))
		}
		id = nodes[0].(map[string]any)["id"].(string)
		return nil
	})
	return id
}

func TestOrdersReachTheNodeThatTheyAreFor(t *testing.T) {
	nodes := load(t, "", "a", "b")
	a, b := nodes["a"], nodes["b"]
	src := a.DescribedSource("/live.mp3", 1)
	defer src.Abandon()
	b.WaitForMount("/live.mp3")
	first, second := a.ListenVerifying("/live.mp3", harness.HTTP1, false), b.ListenVerifying("/live.mp3", harness.HTTP1, false)
	harness.WaitForSource(t, "both hear it", 1, first, second)
	atB := waitForNodes(t, a, "a")
	waitForNodes(t, b, "b")

	order(t, b, "metadata", `{"station": "b", "mount": "/live.mp3", "song": "By API"}`, `"sent":"metadata"`)
	a.WaitForTitle("/live.mp3", "By API")
	b.SetTitleAsAdmin("/live.mp3", "By Icecast")
	a.WaitForTitle("/live.mp3", "By Icecast")

	listener := b.APIList("listeners?station=b&mount=/live.mp3")[0]
	order(t, a, "kick", fmt.Sprintf(`{"station": "a", "id": %.0f, "node": %q}`, listener["id"], atB), `"sent":"kick"`)
	<-second.Ended
	order(t, a, "drain", fmt.Sprintf(`{"station": "a", "node": %q, "over": "1s"}`, atB), `"sent":"drain"`)
	harness.Eventually(t, "the other node is drained", func() error {
		if d := b.APIList("drain?station=b")[0]; d["draining"] != true {
			return fmt.Errorf("it is %v", d)
		}
		return nil
	})
	if code, body := a.API(http.MethodPost, "kick", `{"station": "a", "id": 1, "node": "nobody"}`); code != http.StatusNotFound {
		t.Errorf("an unknown node is answered %d %s", code, body)
	}

	order(t, b, "kill", `{"station": "b", "mount": "/live.mp3"}`, `"sent":"kill"`)
	<-first.Ended
	orders := a.APIList("orders?station=a")
	if len(orders) < 4 || orders[0]["order"] != "kill" || orders[0]["by"] != "admin API" || orders[0]["from"] != "127.0.0.1" {
		t.Errorf("the orders are %v", orders)
	}
}

func TestABanReachesAllNodes(t *testing.T) {
	nodes := load(t, "", "a", "b")
	a, b := nodes["a"], nodes["b"]
	src := a.NumberedSource("/live.mp3", 1)
	defer src.Down()
	b.WaitForMount("/live.mp3")
	waitForNodes(t, a, "a")
	waitForNodes(t, b, "b")
	l := b.ListenVerifying("/live.mp3", harness.HTTP1, false)
	harness.WaitForSource(t, "it is heard", 1, l)
	order(t, a, "bans", fmt.Sprintf(`{"station": "a", "agent": %q}`, string(harness.HTTP1)), `"nodes":1`)
	<-l.Ended
	bans := b.APIList("bans?station=b")
	if len(bans) != 1 || bans[0]["kind"] != "agent" {
		t.Fatalf("the bans of the other node are %v", bans)
	}
	if code, body := b.API(http.MethodDelete, fmt.Sprintf("bans?station=b&id=%v", bans[0]["id"]), ""); code != http.StatusOK {
		t.Errorf("answered %d %s", code, body)
	}
	harness.Eventually(t, "it is taken back everywhere", func() error {
		if n := len(a.APIList("bans?station=a")); n != 0 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
}
