package cluster

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// edges are three slaves of unequal capacity, of one master.
func edges(redirect string) map[string]string {
	settings := map[string]string{"master": "\n limits {\n listeners 5000\n }\n mount /full.mp3 {\n max_listeners 1\n }\n role master {\n redirect " + redirect + "\n }\n"}
	for name, capacity := range map[string]int{"small": 500, "middle": 1000, "large": 1500} {
		settings[name] = fmt.Sprintf(`
			limits {
				listeners %d
			}
			role slave {
				master http://%%master%%
				password pullme
				interval 1s
				public http://%%%s%% https://%%tls:%s%%
			}`, capacity, name, name)
	}
	return settings
}

// registered waits until a master knows that slaves carry a mount.
func registered(s *harness.Server, mount string, slaves int) {
	s.T.Helper()
	harness.Eventually(s.T, fmt.Sprintf("the master knows %d slaves with %s", slaves, mount), func() error {
		resp, err := http.Get("http://" + s.Plain + mount + ".m3u")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		list, err := io.ReadAll(resp.Body)
		if n := strings.Count(string(list), "\n") - 1; err == nil && n != slaves {
			return fmt.Errorf("it knows %d", n)
		}
		return err
	})
}

func TestAThousandListenersAreSpreadByCapacity(t *testing.T) {
	c := harness.NewCluster(t, "master", "small", "middle", "large")
	c.Load(edges("balance"))
	master := c.Nodes["master"]
	live := master.Source("/live.mp3")
	live.Send(50)
	stop := make(chan struct{})
	live.Run(500*time.Millisecond, stop) // a thousand listeners must not fall behind
	defer close(stop)
	registered(master, "/live.mp3", 3)
	for range 1000 {
		resp, conn := harness.MustAsk(t, master.Plain, "/live.mp3?ticket=a%20b")
		_ = conn.Close()
		to, err := url.Parse(resp.Header.Get("Location"))
		if resp.StatusCode != http.StatusFound || err != nil || to.RawQuery != "ticket=a%20b&redirected=1" || to.Path != "/live.mp3" || to.Scheme != "http" {
			t.Fatalf("answered %s, to %s", resp.Status, resp.Header.Get("Location"))
		}
		resp, _ = harness.MustAsk(t, to.Host, to.RequestURI())
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s", to, resp.Status)
		}
		go func() { _, _ = io.Copy(io.Discard, resp.Body) }() // until the end of the test
	}
	for name, want := range map[string]int{"small": 167, "middle": 333, "large": 500} {
		n := int(c.Nodes[name].Status("/live.mp3")["listeners"].(float64))
		t.Logf("%s has %d", name, n)
		if n < want*9/10 || n > want*11/10 {
			t.Errorf("%s has %d listeners; want %d", name, n, want)
		}
	}
	harness.Eventually(t, "the master counts them all", func() error {
		if n := fmt.Sprint(master.Status("/live.mp3")["cluster_listeners"]); n != "1000" {
			return fmt.Errorf("it counts %s", n)
		}
		return nil
	})
}

func TestWhoIsSentToASlave(t *testing.T) {
	c := harness.NewCluster(t, "master", "small", "middle", "large")
	master := c.Nodes["master"]
	slaves := []string{c.Nodes["small"].Plain, c.Nodes["middle"].Plain, c.Nodes["large"].Plain}
	relayLogin := harness.BasicAuth("relay", "pullme")
	c.Load(edges("when_full"))
	live, full := master.NumberedSource("/live.mp3", 1), master.NumberedSource("/full.mp3", 2)
	defer live.Down()
	defer full.Down()
	registered(master, "/full.mp3", 3)
	for _, tt := range []struct {
		name, redirect, path, header string
		status                       int
	}{
		{"there is room here", "when_full", "/live.mp3", "", 200},
		{"the last place", "when_full", "/full.mp3", "", 200},
		{"it is full", "when_full", "/full.mp3", "", 302},
		{"it was sent here, and another has room", "when_full", "/full.mp3?redirected=1", "", 302},
		{"it was sent often enough", "when_full", "/full.mp3?redirected=3", "", 503},
		{"a count that is none", "when_full", "/full.mp3?redirected=x", "", 503},
		{"a slave", "when_full", "/full.mp3", relayLogin, 200},
		{"the password is no part of the place", "balance", "/live.mp3", harness.BasicAuth("joe", "secret"), 302},
		{"always", "balance", "/live.mp3", "", 302},
		{"but not who was sent already", "balance", "/live.mp3?redirected=1", "", 200},
		{"and no slave", "balance", "/live.mp3", relayLogin, 200},
		{"never", "off", "/live.mp3", "", 200},
		{"never, though it is full", "off", "/full.mp3", "", 403},
	} {
		c.Load(edges(tt.redirect))
		harness.Eventually(t, "the settings are in force", func() error {
			resp, conn, err := harness.Ask(t, master.Plain, tt.path, tt.header)
			if err != nil {
				return err
			}
			if resp.StatusCode == tt.status {
				if to := resp.Header.Get("Location"); tt.status == 302 {
					u, err := url.Parse(to)
					if err != nil || !strings.Contains(strings.Join(slaves, " "), u.Host) || u.User != nil || strings.Contains(to, "secret") {
						t.Errorf("%s: sent to %s", tt.name, to)
					}
				}
				return nil
			}
			_ = conn.Close()
			return fmt.Errorf("%s: answered %s", tt.name, resp.Status)
		})
	}
	if resp, err := http.DefaultClient.Get("http://" + master.Plain + "/full.mp3.xspf"); err != nil {
		t.Error(err)
	} else {
		defer resp.Body.Close()
		var list struct {
			Locations []string `xml:"trackList>track>location"`
		}
		if err := xml.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Locations) != 4 ||
			list.Locations[3] != "http://"+master.Plain+"/full.mp3" || resp.Header.Get("Content-Type") != "application/xspf+xml" {
			t.Errorf("the playlist is %v, %v", list, err)
		}
	}
}

func TestAHundredMountsAreMirrored(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(map[string]string{"edge": slave})
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	sources := make([]*harness.Source, 100)
	stops, done := make([]chan struct{}, len(sources)), make([]<-chan struct{}, len(sources))
	for i := range sources {
		sources[i] = master.Source(fmt.Sprintf("/m%d.mp3", i))
		sources[i].Send(10 + i)
		stops[i] = make(chan struct{})
		done[i] = sources[i].Run(time.Second, stops[i]) // or its time would be over
	}
	harness.Eventually(t, "all are on the slave", func() error {
		for i := range sources {
			if edge.Status(fmt.Sprintf("/m%d.mp3", i)) == nil {
				return fmt.Errorf("/m%d.mp3 is not", i)
			}
		}
		return nil
	})
	for i := 0; i < 100; i += 2 {
		close(stops[i])
		<-done[i]
		sources[i].Finish()
	}
	harness.Eventually(t, "what has ended is off the slave when nobody waits for it any more", func() error {
		for i := range sources {
			on := edge.Status(fmt.Sprintf("/m%d.mp3", i)) != nil
			if on != (i%2 == 1) {
				return fmt.Errorf("/m%d.mp3 is on it: %v", i, on)
			}
		}
		return nil
	})
}

// Slaves of Icecast-KH say where they are in the query, and pull by another path.
func TestSlavesOfIcecastKH(t *testing.T) {
	s := harness.Start(t, strings.Replace(harness.Station, "{", "{\n role master {\n redirect balance\n slave kh khsecret {\n public edge.example\n }\n }\n", 1))
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	s.WaitForMount("/live.mp3")
	resp, _ := harness.MustAsk(t, s.Plain, "/admin/streams?rserver=edge.example&rport=8000&interval=5", harness.BasicAuth("kh", "khsecret"), "Connection: close\r\n")
	list, err := io.ReadAll(resp.Body)
	if string(list) != "/admin/streams?mount=/live.mp3\r\n" || err != nil {
		t.Errorf("the list is %q, %v", list, err)
	}
	if resp, _ := harness.MustAsk(t, s.Plain, "/admin/streams?mount=/live.mp3", harness.BasicAuth("relay", "pullme")); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("the mount is answered %s", resp.Status)
	}
	if resp, _ := harness.MustAsk(t, s.Plain, "/admin/streams?mount=/live.mp3"); resp.StatusCode != 401 {
		t.Errorf("without a password it is answered %s", resp.Status)
	}
	if resp, _ := harness.MustAsk(t, s.Plain, "/live.mp3"); resp.Header.Get("Location") != "http://edge.example:8000/live.mp3?redirected=1" {
		t.Errorf("a listener is sent to %q", resp.Header.Get("Location"))
	}
	for _, query := range []string{"rserver=a/b&rport=8000&interval=5", "rserver=a&rport=http&interval=5", "rserver=a&rport=1&interval=1"} {
		if resp, _ := harness.MustAsk(t, s.Plain, "/admin/streams?"+query, harness.BasicAuth("relay", "pullme")); resp.StatusCode != 400 {
			t.Errorf("%s is answered %s", query, resp.Status)
		}
	}
}
