package admin

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// manages asks for the users of a mount, and returns the status, who they are, and what
// is said of them.
func manages(s *harness.Server, q url.Values) (status int, said string) {
	s.T.Helper()
	q.Set("mount", "/live.mp3")
	status, body := s.AdminCommand("admin", "letmein", "manageauth?"+q.Encode())
	var n harness.Node
	if status != http.StatusOK {
		return status, ""
	}
	if err := xml.Unmarshal([]byte(body), &n); err != nil {
		s.T.Fatalf("%s: %v", body, err)
	}
	var all []string
	source, _ := n.Source("/live.mp3")
	for _, u := range source.Nodes {
		name, _ := u.Child("username")
		all = append(all, u.XMLName.Local+" "+name.Text)
	}
	response, _ := n.Child("iceresponse")
	message, _ := response.Child("message")
	// What more Icecast says of a failure is to be found on its own disk.
	text, _, _ := strings.Cut(message.Text, " failed")
	if slices.Sort(all); q.Has("action") {
		all = nil // icecast2 tells of those before
	}
	return status, fmt.Sprintf("%v, %s", all, text)
}

func TestUsersAreManagedAsInIcecast(t *testing.T) {
	dir := harness.PublicDir(t)
	file := filepath.Join(dir, "users")
	harness.WriteFile(t, file, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	theirs := harness.IcecastPeer(t, `<mount type="normal"><mount-name>/live.mp3</mount-name><authentication type="htpasswd"><option name="filename" value="`+file+`"/></authentication></mount>`)
	own := filepath.Join(t.TempDir(), "users")
	harness.WriteFile(t, own, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n")
	ours := harness.Start(t, `icecast {
		source_password hackme
		admin_password  letmein
		mount /live.mp3 {
			auth htpasswd `+own+`
		}
	}`)
	for _, s := range []*harness.Server{theirs, ours} {
		live := s.NumberedSource("/live.mp3", 1)
		defer live.Abandon()
	}
	for _, q := range []url.Values{
		{},
		{"action": {"add"}, "username": {"ann"}, "password": {"p&w ö"}},
		{"action": {"add"}, "username": {"ann"}, "password": {"other"}},
		{"action": {"add"}, "username": {"eve"}},
		{},
		{"action": {"delete"}, "username": {"bob"}},
		{"action": {"delete"}},
		{},
	} {
		harness.Eventually(t, "icecast2 can see that its file has changed", func() error {
			info, err := os.Stat(file)
			if err != nil || time.Since(info.ModTime()) < time.Second {
				return fmt.Errorf("it was changed a moment ago: %w", err)
			}
			return nil
		})
		manages(theirs, url.Values{}) // which makes it look
		theirStatus, their := manages(theirs, q)
		ourStatus, our := manages(ours, q)
		if ourStatus != theirStatus || our != their {
			t.Errorf("%v is answered %d, %s; icecast2 answers %d, %s", q, ourStatus, our, theirStatus, their)
		}
	}
	listens := func(s *harness.Server, user, password string, want int) {
		t.Helper()
		resp := s.Get("/live.mp3", user, password)
		if _ = resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("%s is answered %s; want %d", user, resp.Status, want)
		}
	}
	for _, s := range []*harness.Server{theirs, ours} {
		listens(s, "ann", "p&w ö", http.StatusOK)
		listens(s, "ann", "other", http.StatusUnauthorized)
		listens(s, "bob", "password", http.StatusUnauthorized)
	}
	if _, said := manages(ours, url.Values{"action": {"add"}, "username": {"a:b"}, "password": {"x"}}); said != "[], User add" {
		t.Errorf("an invalid user is answered %s", said)
	}
	if status, _ := ours.AdminCommand("source", "hackme", "manageauth?mount=/live.mp3"); status != http.StatusUnauthorized {
		t.Errorf("a source is answered %d", status)
	}
}
