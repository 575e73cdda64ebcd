package cluster

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// startAsking loads a master with a protected mount /pay.mp3, and a slave that asks it about
// listeners. Both streams sound.
func startAsking(t *testing.T, mount, station string) (master, slave *harness.Server) {
	t.Helper()
	c := harness.NewCluster(t, "master", "slave")
	c.Load(map[string]string{
		"master": "\nrole master\n" + station + "\nmount /pay.mp3 {\n" + mount + "\n}\n",
		"slave":  "\nrole slave {\nmaster https://%tls:master%\ntls_insecure_skip_verify\npassword pullme\nauth master\n}\n",
	})
	master, slave = c.Nodes["master"], c.Nodes["slave"]
	t.Cleanup(master.NumberedSource("/pay.mp3", 1).Down)
	harness.Eventually(t, "the slave has the mount", func() error {
		if answers(t, slave, "/pay.mp3", 404) == nil {
			return errors.New("the answer is 404")
		}
		return nil
	})
	return master, slave
}

// byEndpoint lets bob in, and whoever has a ticket, for a minute.
func byEndpoint(t *testing.T) func(http.ResponseWriter, harness.Post) bool {
	return func(w http.ResponseWriter, p harness.Post) bool {
		f := p.Form(t)
		if p.Path != "/add" || f.Get("pass") == "password" || strings.Contains(f.Get("mount"), "ticket=right") || f.Get("ClientHeader.x-ticket") == "right" {
			w.Header().Set("Icecast-Auth-User", "1")
			w.Header().Set("Icecast-Auth-Timelimit", "60")
		}
		return true
	}
}

func TestAMasterDecidesOnTheListenersOfItsSlaves(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n") // password
	endpoint := harness.NewEndpoint(t, byEndpoint(t))
	bob, eve := harness.BasicAuth("bob", "password"), harness.BasicAuth("bob", "guess")
	byFile := "auth htpasswd " + users
	byURL := fmt.Sprintf("auth url {\nlistener_add %[1]s/add\nlistener_remove %[1]s/remove\nheaders x-ticket\nheader_prefix ClientHeader.\n}", endpoint.URL)
	type request struct {
		path, header string
		status       int
	}
	for _, tt := range []struct {
		name, mount, station string
		requests             []request
	}{
		{"users of a file", byFile, "", []request{{"/pay.mp3", "", 401}, {"/pay.mp3", eve, 401}, {"/pay.mp3", bob, 200}}},
		{"an endpoint", byURL, "", []request{
			{"/pay.mp3", "", 401},
			{"/pay.mp3", eve, 401},
			{"/pay.mp3", bob, 200},
			{"/pay.mp3?ticket=wrong", "", 401},
			{"/pay.mp3?ticket=right", "", 200},
			{"/pay.mp3", "X-Ticket: right\r\n", 200},
		}},
		{"these clients only", "", "allow 127.0.0.0/8", []request{{"/pay.mp3", "", 200}}},
		{"HTTPS only", "require_tls", "", []request{{"/pay.mp3", "", 307}}},
		{"HTTPS only, and users of a file", "require_tls\n" + byFile, "", []request{{"/pay.mp3", bob, 307}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, slave := startAsking(t, tt.mount, tt.station)
			for _, r := range tt.requests {
				harness.Eventually(t, r.path+" is answered", func() error {
					resp, conn, err := harness.Ask(t, slave.Plain, r.path, r.header)
					if err != nil {
						return err
					}
					defer conn.Close()
					if resp.StatusCode != r.status {
						return fmt.Errorf("%s with %q: %s; want %d", r.path, r.header, resp.Status, r.status)
					}
					return nil
				})
			}
			if strings.Contains(tt.mount, "htpasswd") && !strings.Contains(tt.mount, "require_tls") {
				slave.WaitForLog(map[string]any{"msg": "authentication failed", "mount": "/pay.mp3", "user_id": "bob", "credential": "module", "station": "slave"})
			}
			if mounts := withheld(t, slave); len(mounts) > 0 {
				t.Errorf("withheld are %v", mounts)
			}
		})
	}
}

// The way in does not matter: neither to the slave, nor between the nodes.
func TestAMasterDecidesWhicheverWayAListenerComesIn(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	_, slave := startAsking(t, "auth htpasswd "+users, "")
	h1, h2 := &http.Transport{TLSClientConfig: slave.TLSConfig("http/1.1")}, slave.HTTP2Transport()
	t.Cleanup(h1.CloseIdleConnections)
	t.Cleanup(h2.CloseIdleConnections)
	for _, tt := range []struct {
		name      string
		transport *http.Transport
		url       string
		major     int
	}{
		{"HTTP", h1, "http://" + slave.Plain, 1},
		{"HTTPS", h1, "https://" + slave.TLS, 1},
		{"HTTP/2", h2, "https://" + slave.TLS, 2},
	} {
		for password, want := range map[string]int{"": 401, "guess": 401, "password": 200} {
			r, err := http.NewRequest(http.MethodGet, tt.url+"/pay.mp3", nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				r.SetBasicAuth("bob", password)
			}
			resp, err := tt.transport.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want || resp.ProtoMajor != tt.major {
				t.Errorf("%s with %q: %s %s; want %d over HTTP/%d", tt.name, password, resp.Proto, resp.Status, want, tt.major)
			}
		}
	}
}

// The endpoint of the master is asked with what the listener sent to the slave, and hears of
// the end.
func TestTheEndOfAListenerAtASlaveReachesTheEndpointOfTheMaster(t *testing.T) {
	endpoint := harness.NewEndpoint(t, byEndpoint(t))
	_, slave := startAsking(t, fmt.Sprintf("auth url {\nlistener_add %[1]s/add\nlistener_remove %[1]s/remove\n}", endpoint.URL), "")
	resp, conn := harness.MustAsk(t, slave.Plain, "/pay.mp3?a=b%20c", harness.BasicAuth("bob", "password"), "User-Agent: Player/1\r\n")
	if resp.StatusCode != 200 {
		t.Fatalf("answer %s", resp.Status)
	}
	_ = conn.Close()
	endpoint.Bodies("/remove", 1)
	for _, p := range endpoint.All() {
		f := p.Form(t)
		if f.Get("user") != "bob" {
			continue // the first question, without a user
		}
		for name, want := range map[string]string{"pass": "password", "mount": "/pay.mp3?a=b%20c", "agent": "Player/1", "ip": "127.0.0.1"} {
			if got := f.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", p.Path, name, got, want)
			}
		}
	}
}

// A user may listen once, wherever.
func TestSessionsAreCountedAtTheMasterForAllSlaves(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	master, slave := startAsking(t, "auth htpasswd "+users+" {\nmax_sessions 1\n}", "")
	bob := harness.BasicAuth("bob", "password")
	resp, conn := harness.MustAsk(t, slave.Plain, "/pay.mp3", bob)
	if resp.StatusCode != 200 {
		t.Fatalf("answer %s", resp.Status)
	}
	for _, s := range []*harness.Server{slave, master} {
		if resp, second := harness.MustAsk(t, s.Plain, "/pay.mp3", bob); resp.StatusCode != 403 {
			t.Errorf("a second session: %s; want 403", resp.Status)
			_ = second.Close()
		} else {
			_ = second.Close()
		}
	}
	_ = conn.Close()
	harness.Eventually(t, "the session has ended", func() error {
		resp, conn, err := harness.Ask(t, master.Plain, "/pay.mp3", bob)
		if err != nil {
			return err
		}
		defer conn.Close()
		if resp.StatusCode != 200 {
			return fmt.Errorf("answer %s", resp.Status)
		}
		return nil
	})
}

// Questions are for slaves alone.
func TestOnlySlavesMayAskAboutListeners(t *testing.T) {
	master, _ := startAsking(t, "auth url {\nlistener_add http://127.0.0.1:1/\n}", "")
	for _, tt := range []struct {
		header, body string
		status       int
	}{
		{"", "{}", 401},
		{harness.BasicAuth("source", "hackme"), "{}", 401},
		{harness.BasicAuth("admin", "letmein"), "{}", 401},
		{harness.BasicAuth("relay", "pullme"), "", 413},
		{harness.BasicAuth("relay", "pullme"), "{", 400},
		{harness.BasicAuth("relay", "pullme"), `{"mount":"pay"}`, 400},
		{harness.BasicAuth("relay", "pullme"), `{"mount":"/pay.mp3","request":"AA=="}`, 400},
		{harness.BasicAuth("relay", "pullme"), `{"mount":"` + strings.Repeat("x", 300<<10) + `"}`, 413},
	} {
		for _, path := range []string{"/admin/slave/listener", "/admin/slave/ended"} {
			if path == "/admin/slave/ended" && strings.Contains(tt.body, "mount") && tt.status == 400 {
				continue
			}
			r, err := http.NewRequest(http.MethodPost, "http://"+master.Plain+path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if name, value, ok := strings.Cut(strings.TrimSpace(tt.header), ": "); ok {
				r.Header.Set(name, value)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%s with %.30q and %.60q: %s; want %d", path, tt.header, tt.body, resp.Status, tt.status)
			}
		}
	}
}

// A listener of a protected mount may be sent to a slave that asks the master, and to no other.
func TestListenersOfAProtectedMountAreSentToSlavesThatAsk(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	byFile := "mount /pay.mp3 {\nauth htpasswd " + users + "\n}\n"
	for _, tt := range []struct {
		name, slave string
		redirected  bool
	}{
		{"the slave asks", "auth master\n}\n", true},
		{"the slave has users of its own", "}\n" + byFile, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.NewCluster(t, "master", "slave")
			c.Load(map[string]string{
				"master": "\nrole master {\nredirect balance\n}\n" + byFile,
				"slave":  "\nrole slave {\nmaster https://%tls:master%\ntls_insecure_skip_verify\npassword pullme\npublic http://%slave%\n" + tt.slave,
			})
			master, slave := c.Nodes["master"], c.Nodes["slave"]
			for _, path := range []string{"/pay.mp3", "/open.mp3"} {
				t.Cleanup(master.NumberedSource(path, 1).Down)
			}
			harness.Eventually(t, "the slave takes listeners", func() error { return answers(t, master, "/open.mp3", 302) })
			harness.Eventually(t, "the slave has the mount", func() error { return answers(t, slave, "/pay.mp3", 401) })
			want := map[bool]int{true: 302, false: 401}[tt.redirected]
			harness.Eventually(t, "a listener of the protected mount is answered", func() error { return answers(t, master, "/pay.mp3", want) })
			resp, conn := harness.MustAsk(t, master.Plain, "/pay.mp3.m3u")
			defer conn.Close()
			list, err := io.ReadAll(resp.Body)
			if err != nil || strings.Contains(string(list), slave.Plain) != tt.redirected {
				t.Errorf("the playlist is %q, %v", list, err)
			}
			if tt.redirected {
				resp, conn := harness.MustAsk(t, slave.Plain, "/pay.mp3?redirected=1", harness.BasicAuth("bob", "password"))
				defer conn.Close()
				if resp.StatusCode != 200 {
					t.Errorf("the slave answers %s; want 200", resp.Status)
				}
			}
		})
	}
}
