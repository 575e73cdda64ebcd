package peers

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
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

func TestAMountHasOneSourceInAllNodes(t *testing.T) {
	nodes := load(t, "", "a", "b")
	src := nodes["a"].NumberedSource("/live.mp3", 1)
	nodes["b"].WaitForMount("/live.mp3")
	if got := feed(t, nodes["b"]); got != http.StatusForbidden {
		t.Errorf("a second source is answered %d", got)
	}
	src.Down()
	next := nodes["b"].NumberedSource("/live.mp3", 2)
	next.Down()
}

func TestASourceAtANodeOfAHigherPriorityHasTheMount(t *testing.T) {
	c := harness.NewCluster(t, "studio", "automation")
	c.Load(map[string]string{"studio": peer("studio", "priority 10\n}\nmount /live.mp3 {\nlinger 10s"), "automation": peer("automation", "}\nmount /live.mp3 {\nlinger 10s")})
	studio, automation := c.Nodes["studio"], c.Nodes["automation"]
	src := automation.DescribedSource("/live.mp3", 1)
	all := everywhere(c.Nodes, "/live.mp3")
	harness.WaitForSource(t, "all hear the automation", 1, all...)
	live := studio.DescribedSource("/live.mp3", 2)
	harness.WaitForSource(t, "all hear the studio", 2, all...)
	src.Abandon()
	if got := feed(t, automation); got != http.StatusForbidden {
		t.Errorf("the automation is answered %d while the studio is on air", got)
	}
	live.Down()
	again := automation.DescribedSource("/live.mp3", 3)
	harness.WaitForSource(t, "all hear the automation again", 3, all...)
	again.Down()
	harness.CheckAll(t, all...)
}

// feed connects a source, and returns the status of the answer.
func feed(t *testing.T, at *harness.Server) (status int) {
	t.Helper()
	conn := at.Dial(false)
	defer conn.Close()
	_, _ = io.WriteString(conn, "SOURCE /live.mp3 HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestListenersAreSentToNodesWithRoom(t *testing.T) {
	nodes := load(t, "redirect when_full\n}\nlimits {\nlisteners 1", "a", "b")
	src := nodes["a"].NumberedSource("/live.mp3", 1)
	defer src.Down()
	for _, n := range nodes {
		n.WaitForMount("/live.mp3")
	}
	first := nodes["a"].Listen("/live.mp3", harness.HTTP1, false)
	defer first.Stop()
	harness.Eventually(t, "the next one is sent to the other node", func() error {
		resp, conn := harness.MustAsk(t, nodes["a"].Plain, "/live.mp3")
		defer conn.Close()
		if want := "http://" + nodes["b"].Plain + "/live.mp3?redirected=1"; !strings.HasPrefix(resp.Header.Get("Location"), want) {
			return fmt.Errorf("answered %s to %q; want %s", resp.Status, resp.Header.Get("Location"), want)
		}
		return nil
	})
	if code, body := nodes["b"].API("GET", "stations?station=b", ""); code != 200 || !strings.Contains(body, `"connected":true`) || !strings.Contains(body, `"sources":["/live.mp3"]`) {
		t.Errorf("the cluster is not shown: %d %s", code, body)
	}
	if code, body := nodes["b"].API("GET", "slaves?station=b", ""); code != 200 || !strings.Contains(body, nodes["a"].Plain) {
		t.Errorf("the other node is not listed: %d %s", code, body)
	}
}

// A pull needs the token of a node.
func TestAMountThatIsFullIsPulledByNodesOnly(t *testing.T) {
	nodes := load(t, "}\nlimits {\nlisteners 1", "a", "b")
	src := nodes["a"].NumberedSource("/live.mp3", 1)
	defer src.Down()
	first := nodes["a"].Listen("/live.mp3", harness.HTTP1, false)
	defer first.Stop()
	nodes["b"].WaitForMount("/live.mp3")
	other := nodes["b"].ListenVerifying("/live.mp3", harness.HTTP1, false)
	harness.WaitForSource(t, "a node is no listener", 1, other)
	harness.CheckAll(t, other)
	for _, token := range []string{"", "Bearer", "Bearer x", "Bearer a.b.9999999999.AAAA", "Basic cmVsYXk6cHVsbA=="} {
		resp, conn := harness.MustAsk(t, nodes["a"].Plain, "/live.mp3", "Authorization: "+token+"\r\n")
		_ = conn.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%q: answered %s", token, resp.Status)
		}
	}
}
