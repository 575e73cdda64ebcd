package cluster

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A slave served the mounts that its master protects to everybody, and the master's
// playlists named it.
func TestASlaveNeverOpensWhatItsMasterProtects(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n") // password
	endpoint := harness.NewEndpoint(t, nil)
	htpasswd := fmt.Sprintf("auth htpasswd %s", users)
	byURL := fmt.Sprintf("auth url {\nlistener_add %s\n}", endpoint.URL)
	for _, tt := range []struct {
		name          string
		master, slave string // the settings of the mount
		station       string // of the master
		status        int    // of the slave's answer to a stranger
	}{
		{"an open mount", "", "", "", 200},
		{"users of a file", htpasswd, "", "", 404},
		{"users of a file, in both places", htpasswd, htpasswd, "", 401},
		{"an endpoint", byURL, "", "", 404},
		{"an endpoint, and users of a file at the slave", byURL, htpasswd, "", 401},
		{"an endpoint that decides on sources alone", fmt.Sprintf("auth url {\nmount_add %s\n}", endpoint.URL), "", "", 200},
		{"HTTPS only", "require_tls", "", "", 404},
		{"HTTPS only, in both places", "require_tls", "require_tls", "", 307},
		{"some clients only", "", "", "allow 127.0.0.1", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.NewCluster(t, "master", "slave")
			c.Load(map[string]string{
				"master": "\nrole master\n" + tt.station + "\nmount /pay.mp3 {\n" + tt.master + "\n}\n",
				"slave": "\nrole slave {\nmaster https://%tls:master%\ntls_insecure_skip_verify\npassword pullme\ninterval 1s\npublic http://%slave% https://%tls:slave%\n}\nmount /pay.mp3 {\n" +
					tt.slave + "\n}\n",
			})
			master, slave := c.Nodes["master"], c.Nodes["slave"]
			open := master.Source("/open.mp3")
			open.Send(10)
			live := master.Source("/pay.mp3")
			live.Send(50)
			harness.Eventually(t, "the slave has its master's list", func() error {
				if tt.station != "" { // nothing is open there
					if mounts := withheld(t, slave); len(mounts) != 2 {
						return fmt.Errorf("withheld are %v", mounts)
					}
					return nil
				}
				return answers(t, slave, "/open.mp3", 200)
			})
			harness.Eventually(t, "the slave reports what it does not pull", func() error {
				if _, missing := withheld(t, slave)["/pay.mp3"]; missing != (tt.status == 404) {
					return fmt.Errorf("withheld are %v", withheld(t, slave))
				}
				return nil
			})
			harness.Eventually(t, "a stranger is answered", func() error { return answers(t, slave, "/pay.mp3", tt.status) })
			resp, err := http.Get("http://" + master.Plain + "/pay.mp3.m3u")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			list, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if protected := tt.master != "" && !strings.Contains(tt.master, "tls") || tt.station != "" || tt.status == 404; protected && (strings.Contains(string(list), slave.Plain) || strings.Contains(string(list), slave.TLS)) {
				t.Errorf("the master's playlist names the slave:\n%s", list)
			}
		})
	}
}

// answers checks the status of the answer to a stranger.
func answers(t *testing.T, s *harness.Server, path string, want int) error {
	t.Helper()
	resp, conn, err := harness.Ask(t, s.Plain, path)
	if err != nil {
		return err
	}
	defer conn.Close()
	if resp.StatusCode != want {
		return fmt.Errorf("%s answers %s; want %d", path, resp.Status, want)
	}
	return nil
}

// withheld returns what a slave does not pull, and why, from the admin API.
func withheld(t *testing.T, s *harness.Server) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, station := range s.APIList("stations?station=slave") {
		mounts, _ := station["withheld"].(map[string]any)
		for mount, missing := range mounts {
			all[mount] = fmt.Sprint(missing)
		}
	}
	return all
}

// Slaves that do not read the marks, but log in when they pull, would serve everything:
// earlier versions of ours, and Icecast-KH. Protected mounts are not on their lists. icecast2
// gets its list as from an icecast2, and is refused as any listener is.
func TestSlavesThatWouldOpenProtectedMountsDoNotGetThem(t *testing.T) {
	users := filepath.Join(t.TempDir(), "members")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	s := harness.Start(t, "icecast {\nsource_password hackme\nadmin_password letmein\nrelay_password pullme\nrole master\nmount /pay.mp3 {\nauth htpasswd "+users+"\n}\n}")
	live, open := s.Source("/pay.mp3"), s.Source("/open.mp3")
	live.Send(10)
	open.Send(10)
	login := harness.BasicAuth("relay", "pullme")
	for path, want := range map[string]string{
		"/admin/streamlist.txt": "/open.mp3\r\n/pay.mp3\r\n",
		"/admin/streams":        "/admin/streams?mount=/open.mp3\r\n",
	} {
		resp, conn := harness.MustAsk(t, s.Plain, path, login)
		list, err := io.ReadAll(resp.Body)
		_ = conn.Close()
		if err != nil || string(list) != want {
			t.Errorf("%s lists %q, %v; want %q", path, list, err, want)
		}
	}
	for header, want := range map[string]string{
		"Relay-Path: abc\r\n":                       "/open.mp3\r\n",
		"Relay-Path: abc\r\nRelay-Protected: 1\r\n": "/open.mp3\r\n/pay.mp3\tauth\r\n",
	} {
		resp, conn := harness.MustAsk(t, s.Plain, "/admin/streamlist.txt", login, header)
		list, err := io.ReadAll(resp.Body)
		_ = conn.Close()
		if err != nil || string(list) != want {
			t.Errorf("a slave with %q gets %q, %v; want %q", header, list, err, want)
		}
	}
	if err := answers(t, s, "/pay.mp3", 401); err != nil {
		t.Error(err)
	}
}
