package cluster

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// join listens to a mount at a node until the end of the test, and follows redirects. It returns
// the address of the node that serves the listener, and those of the nodes that have sent it on.
func join(t *testing.T, at, mount string) (node string, by []string) {
	t.Helper()
	target := mount
	for range 5 {
		resp, conn := harness.MustAsk(t, at, target)
		switch to, err := url.Parse(resp.Header.Get("Location")); {
		case resp.StatusCode == http.StatusOK:
			if _, err := io.CopyN(io.Discard, resp.Body, 1000); err != nil {
				t.Fatalf("%s sends nothing: %v", at, err)
			}
			go func() { _, _ = io.Copy(io.Discard, resp.Body) }()
			return at, by
		case resp.StatusCode != http.StatusFound || err != nil:
			t.Fatalf("%s answers %s", at, resp.Status)
		default:
			_ = conn.Close()
			by = append(by, at)
			at, target = to.Host, to.RequestURI()
		}
	}
	t.Fatalf("redirected by %v", by)
	return "", nil
}

// onAir starts a source at a node, which plays until the end of the test.
func onAir(t *testing.T, s *harness.Server, mount string) {
	t.Helper()
	live := s.Source(mount)
	live.Send(50)
	stop := make(chan struct{})
	live.Run(500*time.Millisecond, stop)
	t.Cleanup(func() { close(stop) })
}

// Three masters sent three times as many listeners to a slave as it had places for.
func TestSeveralMastersShareThePlacesOfASlave(t *testing.T) {
	const places, joins = 30, 90
	names := []string{"first", "second", "third"}
	c := harness.NewCluster(t, append(names, "edge")...)
	settings := map[string]string{"edge": fmt.Sprintf(`
		limits {
			listeners %d
		}
		role slave {
			master http://%%first%% http://%%second%% http://%%third%%
			password pullme
			interval 1s
			public http://%%edge%%
		}`, places)}
	for _, name := range names {
		settings[name] = "\n role master {\n redirect balance\n }\n"
	}
	c.Load(settings)
	for _, name := range names {
		onAir(t, c.Nodes[name], "/live.mp3")
	}
	for _, name := range names {
		registered(c.Nodes[name], "/live.mp3", 1)
	}
	edge := c.Nodes["edge"].Plain
	served := make(map[string]int)
	listen := func(i int) {
		t.Helper()
		node, by := join(t, c.Nodes[names[i%len(names)]].Plain, "/live.mp3")
		served[node]++
		if strings.Contains(strings.Join(by, " "), edge) {
			t.Errorf("listener %d was refused by the slave; redirected by %v", i, by)
		}
	}
	for i := range joins {
		listen(i)
	}
	t.Logf("of %d listeners the slave has %d", joins, served[edge])
	all := joins
	harness.Eventually(t, "the slave is full", func() error { // the last places are sent to after the next reports
		if served[edge] == places {
			return nil
		}
		listen(all)
		all++
		return fmt.Errorf("it has %d listeners", served[edge])
	})
	for i := range 9 {
		listen(i)
	}
	if served[edge] != places {
		t.Errorf("the slave has %d listeners; want %d", served[edge], places)
	}
}
