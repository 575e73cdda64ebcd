package cluster

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// follow opens a stream as a player does that follows redirects. It returns the node that
// answers last, and with what.
func follow(t *testing.T, at, path string, header ...string) (node string, resp *http.Response, hops int) {
	t.Helper()
	for {
		resp, conn := harness.MustAsk(t, at, path, header...)
		t.Cleanup(func() { _ = conn.Close() })
		if resp.StatusCode != http.StatusFound {
			return at, resp, hops
		}
		to, err := url.Parse(resp.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if hops++; hops > 5 {
			t.Fatalf("redirected %d times, at last to %s", hops, to)
		}
		at, path = to.Host, to.RequestURI()
	}
}

// One slave had room, but not for the mount: of 30 listeners 8 ever heard.
func TestNoListenerIsRefusedWhileANodeHasRoom(t *testing.T) {
	slave := func(name, settings string) string {
		return fmt.Sprintf("\nrole slave {\nmaster http://%%master%%\npassword pullme\npublic http://%%%s%%\n}\n%s\n", name, settings)
	}
	for _, tt := range []struct {
		name, a, b string // settings of two slaves
		master     string
		listeners  int
		statuses   []int // of listeners beyond; none: all are served
	}{
		{"a limit of the mount", "limits {\nlisteners 5000\n}\nmount /live.mp3 {\nmax_listeners 3\n}", "limits {\nlisteners 100\n}", "redirect balance", 30, nil},
		{"a limit of the bandwidth", "limits {\nlisteners 5000\n}\nmount /live.mp3 {\nbitrate 128\nmax_bandwidth 256\n}", "limits {\nlisteners 100\n}", "redirect balance", 30, nil},
		{"a limit of each address", "limits {\nlisteners 5000\nper_ip 2\n}", "limits {\nlisteners 100\n}", "redirect balance", 30, nil},
		{"clients that are denied", "limits {\nlisteners 5000\n}\ndeny 192.0.2.7", "limits {\nlisteners 100\n}", "redirect balance", 30, nil},
		{"all are full", "limits {\nlisteners 3\n}", "limits {\nlisteners 4\n}", "redirect balance\n}\nlimits {\nlisteners 5", 20, []int{403, 503}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.NewCluster(t, "master", "a", "b")
			settings := map[string]string{"master": "\nrole master {\n" + tt.master + "\n}\n", "a": slave("a", tt.a), "b": slave("b", tt.b)}
			c.Load(settings)
			master := c.Nodes["master"]
			t.Cleanup(master.NumberedSource("/live.mp3", 1).Down)
			registered(master, "/live.mp3", 2)
			heard := make(map[string]int)
			for range tt.listeners {
				node, resp, _ := follow(t, master.Plain, "/live.mp3", harness.ForwardedFor("192.0.2.7"))
				if resp.StatusCode == http.StatusOK {
					heard[node]++
					go func() { _, _ = io.Copy(io.Discard, resp.Body) }() // until the end of the test
				} else if !slices.Contains(tt.statuses, resp.StatusCode) {
					t.Fatalf("refused: %s; so far hear %v", resp.Status, heard)
				}
			}
			all := 0
			for _, n := range heard {
				all += n
			}
			if want := map[bool]int{true: 12, false: tt.listeners}[len(tt.statuses) > 0]; all != want {
				t.Errorf("%d hear, %v; want %d", all, heard, want)
			}
		})
	}
}

// A listener that comes to a slave without a redirect is sent to the master if there is no room.
func TestAFullSlaveSendsItsListenersToTheMaster(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(map[string]string{
		"master": "\nrole master\n",
		"edge":   "\nlimits {\nlisteners 1\n}\nrole slave {\nmaster http://%master%\npassword pullme\n}\n",
	})
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	t.Cleanup(master.NumberedSource("/live.mp3", 1).Down)
	edge.WaitForMount("/live.mp3")
	for i, want := range []string{edge.Plain, master.Plain, master.Plain} {
		node, resp, hops := follow(t, edge.Plain, "/live.mp3?a=b")
		if resp.StatusCode != http.StatusOK || node != want || hops != min(i, 1) {
			t.Errorf("listener %d: %s at %s after %d redirects; want 200 at %s", i, resp.Status, node, hops, want)
		}
	}
}

func TestListenersAreSentToTheirRegionFirst(t *testing.T) {
	c := harness.NewCluster(t, "master", "berlin", "lisbon")
	slave := func(name, region string, places int) string {
		return fmt.Sprintf("\nlimits {\nlisteners %d\n}\nrole slave {\nmaster http://%%master%%\npassword pullme\npublic http://%%%s%%\nregion %s\n}\n", places, name, region)
	}
	c.Load(map[string]string{
		"master": "\nrole master {\nredirect balance except Sonos*\nprefer_region {header.X-Region}\n}\n",
		"berlin": slave("berlin", "DE", 3),
		"lisbon": slave("lisbon", "PT", 1000),
	})
	master, berlin, lisbon := c.Nodes["master"], c.Nodes["berlin"].Plain, c.Nodes["lisbon"].Plain
	t.Cleanup(master.NumberedSource("/live.mp3", 1).Down)
	registered(master, "/live.mp3", 2)
	for i, tt := range []struct{ header, want string }{
		{"X-Region: PT\r\n", lisbon},
		{"X-Region: DE\r\n", berlin},
		{"X-Region: DE\r\n", berlin},
		{"X-Region: DE\r\n", berlin},
		{"X-Region: DE\r\n", lisbon}, // the overflow
		{"X-Region: FR\r\n", lisbon}, // there is none of it
		{"User-Agent: Sonos/1\r\n", master.Plain},
	} {
		if node, resp, _ := follow(t, master.Plain, "/live.mp3", tt.header); resp.StatusCode != http.StatusOK || node != tt.want {
			t.Errorf("listener %d with %q: %s at %s; want %s", i, tt.header, resp.Status, node, tt.want)
		}
	}
	resp, err := http.NewRequest(http.MethodGet, "http://"+master.Plain+"/live.mp3.m3u", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Header.Set("X-Region", "PT")
	answer, err := http.DefaultClient.Do(resp)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if list, err := io.ReadAll(answer.Body); err != nil || strings.Index(string(list), lisbon) > strings.Index(string(list)+berlin, berlin) {
		t.Errorf("the playlist is %q, %v; want the slave of the region first", list, err)
	}
}
