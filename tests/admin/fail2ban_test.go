package admin_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

const fail2banPage = "../../docs/guides/fail2ban.md"

// The filter of the guide finds the failed logins of everybody in a real log, and nothing else.
func TestTheFilterOfTheGuideFindsFailedLogins(t *testing.T) {
	s := harness.Start(t, `icecast {
	source_password hackme
	admin_password  letmein
	relay_password  pullme
	role master {
		slave edge1 s3cret
	}
	mount /members.mp3 {
		auth htpasswd `+harness.Storage+`/fail2ban-users
	}
}`)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	members := s.NumberedSource("/members.mp3", 1)
	defer members.Down()
	const spoof = `x","client_ip":"192.0.2.66","y":"`
	for _, c := range []struct{ method, path, user, credential string }{
		{"PUT", "/new.mp3", "source", "station"},
		{"GET", "/members.mp3", "ann", "module"},
		{"GET", "/live.mp3", "relay", "relay"},
		{"GET", "/admin/streamlist.txt", "relay", "relay"},
		{"GET", "/admin/streamlist.txt", "edge1", "relay"},
		{"GET", "/admin/stats", "admin", "admin"},
		{"GET", "/admin/metadata?mount=/live.mp3&mode=updinfo&song=x", "source", "station"},
		{"GET", "/admin/", spoof, "admin"},
	} {
		req, err := http.NewRequest(c.method, "http://"+s.Plain+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(c.user, "wrong")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		user, _, _ := strings.Cut(c.user, ":")
		line := s.WaitForLog(map[string]any{"msg": "authentication failed", "path": strings.Split(c.path, "?")[0], "credential": c.credential, "user_id": user})
		if line["client_ip"] != "127.0.0.1" || line["level"] != "warn" {
			t.Errorf("%s %s: logged is %v", c.method, c.path, line)
		}
	}
	if status, _ := s.AdminCommand("", "", "stats"); status != http.StatusUnauthorized {
		t.Errorf("without credentials: %d", status)
	}
	if resp := s.Get("/nothing?authentication+failed", "", ""); resp != nil {
		_ = resp.Body.Close()
	}
	text, err := os.ReadFile(s.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	hosts := findHosts(t, string(text))
	if len(hosts) != 8 {
		t.Errorf("the filter finds %v; want eight lines", hosts)
	}
	for _, host := range hosts {
		if host != "127.0.0.1" {
			t.Errorf("the filter finds the host %q", host)
		}
	}
	runFail2ban(t, s.LogFile())
}

// filterLine returns the value of a line of the filter in the guide.
func filterLine(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(fail2banPage)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` = (.+)$`).FindSubmatch(page)
	if found == nil {
		t.Fatalf("%s has no %s", fail2banPage, name)
	}
	return string(found[1])
}

// findHosts returns the hosts that the filter finds in the lines of a log.
func findHosts(t *testing.T, log string) (hosts []string) {
	t.Helper()
	expr := regexp.MustCompile(strings.ReplaceAll(filterLine(t, "failregex"), "<HOST>", `(?P<host>[0-9a-fA-F.:]+)`))
	for line := range strings.Lines(log) {
		if m := expr.FindStringSubmatch(line); m != nil {
			hosts = append(hosts, m[1])
		}
	}
	return hosts
}

// runFail2ban runs fail2ban's own check of a filter, where it is installed.
func runFail2ban(t *testing.T, log string) {
	t.Helper()
	program, err := exec.LookPath("fail2ban-regex")
	if errors.Is(err, exec.ErrNotFound) {
		return
	}
	out, err := exec.CommandContext(t.Context(), program, "--datepattern", filterLine(t, "datepattern"), log, filterLine(t, "failregex")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), fmt.Sprintf("%d matched", 8)) {
		t.Errorf("fail2ban-regex: %v\n%s", err, out)
	}
}
