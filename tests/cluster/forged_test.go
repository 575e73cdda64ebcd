package cluster

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// ownCredentials are a master and a slave with credentials of its own.
var ownCredentials = map[string]string{
	"master": "\n role master {\n redirect balance\n slave edge1 s3cret {\n public 127.0.0.1\n }\n }\n",
	"edge":   "\n role slave {\n master http://%master%\n user edge1\n password s3cret\n interval 1s\n public http://%edge%\n }\n",
}

// sentTo returns where a listener of /live.mp3 is sent; empty: it is served.
func sentTo(s *harness.Server) string {
	s.T.Helper()
	resp, conn := harness.MustAsk(s.T, s.Plain, "/live.mp3")
	_ = conn.Close()
	return resp.Header.Get("Location")
}

// awaitSentTo waits until a listener of /live.mp3 is sent to a URL.
func awaitSentTo(s *harness.Server, what, want string) {
	s.T.Helper()
	harness.Eventually(s.T, what, func() error {
		if got := sentTo(s); got != want {
			return fmt.Errorf("sent to %q; want %q", got, want)
		}
		return nil
	})
}

// One report with the relay password took every listener, and stayed after the password was
// changed.
func TestAForgedSlaveTakesNoListeners(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(ownCredentials)
	master, edge := c.Nodes["master"], "http://"+c.Nodes["edge"].Plain
	live := master.NumberedSource("/live.mp3", 1)
	defer live.Down()
	awaitSentTo(master, "the slave is verified", edge+"/live.mp3?redirected=1")
	forged := "http://" + harness.FreeAddress(t)
	for user, want := range map[string]int{"relay:pullme": http.StatusOK, "edge1:s3cret": http.StatusOK, "edge1:pullme": http.StatusUnauthorized} {
		if got := report(master, user, forged); got != want {
			t.Errorf("the report of %s is answered %d; want %d", user, got, want)
		}
	}
	if got := report(master, "edge1:s3cret", "http://other.example"); got != http.StatusForbidden {
		t.Errorf("a host of somebody else is answered %d; want 403", got)
	}
	for range 50 {
		if got := sentTo(master); got != edge+"/live.mp3?redirected=1" {
			t.Fatalf("a listener is sent to %q", got)
		}
	}
	resp, err := http.Get("http://" + master.Plain + "/live.mp3.m3u")
	if err != nil {
		t.Fatal(err)
	}
	list, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || strings.Contains(string(list), forged) || !strings.Contains(string(list), edge) {
		t.Errorf("the playlist is %q, %v; want the verified slave only", list, err)
	}
	harness.Eventually(t, "the administrator sees why", func() error {
		for _, s := range master.APIList("slaves?station=master") {
			if strings.Contains(fmt.Sprint(s["public"]), forged) && (s["state"] != "failed" || !strings.Contains(fmt.Sprint(s["cause"]), "refused")) {
				return fmt.Errorf("the forged slave is %v", s)
			}
		}
		return nil
	})
	if err := master.LoadCaddyfile(strings.ReplaceAll(c.Caddyfile(ownCredentials), "relay_password pullme", "relay_password changed")); err != nil {
		t.Fatal(err)
	}
	for _, s := range master.APIList("slaves?station=master") {
		if s["name"] != "edge1" {
			t.Errorf("after the relay password has changed there is %v", s)
		}
	}
	awaitSentTo(master, "the slave with its own secret stays", edge+"/live.mp3?redirected=1")
}

// report sends a forged report that promises much room for a long time, and returns the status
// of the answer.
func report(s *harness.Server, login, public string) int {
	s.T.Helper()
	body := fmt.Sprintf(`{"id": "forged", "public": [%q], "capacity": 1000000, "interval": 3600, "mounts": null}`, public)
	r, err := http.NewRequest(http.MethodPost, "http://"+s.Plain+"/admin/streamlist.txt", strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	user, password, _ := strings.Cut(login, ":")
	r.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestASlaveIsDrainedAndRemoved(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(ownCredentials)
	master, edge := c.Nodes["master"], "http://"+c.Nodes["edge"].Plain
	live := master.NumberedSource("/live.mp3", 1)
	defer live.Down()
	act := func(call, body string) {
		t.Helper()
		if status, text := master.API(http.MethodPost, call, body); status != http.StatusOK {
			t.Fatalf("%s is answered %d, %s", call, status, text)
		}
	}
	named := fmt.Sprintf(`"station": "master", "slave": %q`, edge)
	awaitSentTo(master, "the slave is verified", edge+"/live.mp3?redirected=1")
	act("slaves/drain", "{"+named+"}")
	if got := sentTo(master); got != "" {
		t.Errorf("a listener is sent to %q, which is drained", got)
	}
	act("slaves/drain", "{"+named+`, "off": true}`)
	awaitSentTo(master, "the slave takes listeners again", edge+"/live.mp3?redirected=1")
	act("slaves/remove", "{"+named+"}")
	if got := sentTo(master); got != "" {
		t.Errorf("a listener is sent to %q, which is removed", got)
	}
	if got := report(master, "edge1:s3cret", edge); got != http.StatusForbidden {
		t.Errorf("a report with its URL is answered %d; want 403", got)
	}
}
