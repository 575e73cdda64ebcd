package admin_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

const (
	browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0\r\nAccept-Language: en\r\n"
	// A page can send this one to another site.
	mutedBrowser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0\r\nAccept-Language:\r\n"
	asAdmin      = "Authorization: Basic YWRtaW46bGV0bWVpbg==\r\n" // admin:letmein
)

// sendCommand sends an admin command with a header, and returns the status of the answer.
func sendCommand(t *testing.T, s *harness.Server, command, header string) int {
	t.Helper()
	resp, _ := harness.SendHead(t, s.Dial(false), "GET /admin/"+command+" HTTP/1.1\r\nHost: "+s.Plain+"\r\nConnection: close\r\n"+header+"\r\n")
	return resp.StatusCode
}

// pageToken returns the token that the administrator's page has now.
func pageToken(t *testing.T, s *harness.Server, user, password string) string {
	t.Helper()
	status, page := s.AdminCommand(user, password, "")
	found := regexp.MustCompile(`<meta name="page-token" content="([^"]+)">`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("/admin/ is answered %d; want a page with a token", status)
	}
	return found[1]
}

// A browser has the administrator's login and adds it to what pages of other sites ask for.
func TestPagesOfOtherSitesDoNothing(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	const kill, retitle = "killclient?mount=/live.mp3&id=1", "metadata?mount=/live.mp3&mode=updinfo&song=x"
	token := "X-Page-Token: " + pageToken(t, s, "admin", "letmein") + "\r\n"
	const invalid = "X-Page-Token: AAAA\r\n"
	for _, c := range []struct {
		client, command, header string
		status                  int
	}{
		{"a page of another site", kill, browser + "Sec-Fetch-Site: cross-site\r\n", 403},
		{"a page of a neighbouring host", kill, browser + "Sec-Fetch-Site: same-site\r\n", 403},
		{"a page of the same host", kill, browser + "Sec-Fetch-Site: same-origin\r\n", 403},
		{"a bookmark", kill, browser + "Sec-Fetch-Site: none\r\n", 403},
		{"an unknown page, over plain HTTP", kill, browser, 403},
		{"an unknown page that empties Accept-Language", kill, mutedBrowser, 403},
		{"a page that says that it is no browser's", kill, browser + "X-Requested-With: fetch\r\n", 403},
		{"an unknown program with an origin", kill, "Origin: http://example.org\r\n", 403},
		{"a sandboxed page", kill, "Origin: null\r\n", 403},
		{"a page with a false token", kill, browser + "Sec-Fetch-Site: same-origin\r\n" + invalid, 403},
		{"our page", kill, browser + "Sec-Fetch-Site: same-origin\r\n" + token, 200},
		{"our page, over plain HTTP", kill, browser + token, 200},
		{"a program", kill, "", 200},
		{"a program with a false token", kill, invalid, 200},

		{"a page of another site", retitle, browser + "Sec-Fetch-Site: cross-site\r\n", 403},
		{"a page of a neighbouring host", retitle, browser + "Sec-Fetch-Site: same-site\r\n", 403},
		{"a page of another site, over plain HTTP", retitle, browser + "Origin: http://example.org\r\n", 403},
		{"a sandboxed page, over plain HTTP", retitle, browser + "Origin: null\r\n", 403},
		{"a page of the same host", retitle, browser + "Sec-Fetch-Site: same-origin\r\n", 200},
		{"a page of the same host, over plain HTTP", retitle, browser + "Origin: http://" + s.Plain + "\r\n", 200},
		{"a bookmark", retitle, browser + "Sec-Fetch-Site: none\r\n", 200},
		{"an encoder that says it is a browser", retitle, "User-Agent: Mozilla/5.0\r\n", 200},
	} {
		if status := sendCommand(t, s, c.command, asAdmin+c.header); status != c.status {
			t.Errorf("%s is answered %d on %s; want %d", c.client, status, c.command, c.status)
		}
	}
	resp, _ := harness.SendHead(t, s.Dial(false), "OPTIONS /admin/killsource HTTP/1.0\r\nOrigin: http://example.org\r\n\r\n")
	if allowed := resp.Header.Get("Access-Control-Allow-Headers"); strings.Contains(allowed, "X-Page-Token") || strings.Contains(allowed, "*") {
		t.Errorf("pages of other sites may send %s", allowed)
	}
}

// Each command that changes something needs the token, and no report does.
func TestWhichCommandsNeedTheTokenOfThePage(t *testing.T) {
	s := harness.Start(t, `icecast {
	source_password hackme
	admin_password  letmein
	mount /live.mp3 {
		auth htpasswd `+harness.Storage+`/token-users
	}
}`)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	for command, needs := range map[string]bool{
		"killclient?id=1&mount=/live.mp3": true, "moveclients?mount=/live.mp3": true, "fallbacks?fallback=&mount=/live.mp3": true,
		"manageauth?mount=/live.mp3": true, "killsource.json?mount=/live.mp3": true, "killsource.xsl?mount=/live.mp3": true,
		"stats": false, "listmounts": false, "listclients?mount=/live.mp3": false, "listslaves": false, "listevents": false,
		"updatemetadata?mount=/live.mp3": false, "streamlist.txt": false, "": false,
	} {
		if status := sendCommand(t, s, command, asAdmin+browser); status != map[bool]int{true: 403, false: 200}[needs] {
			t.Errorf("%s without a token is answered %d; it needs one: %t", command, status, needs)
		}
	}
}

// Without the password the token is worth nothing.
func TestTheTokenOfThePageIsNoLogin(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	token := browser + "X-Page-Token: " + pageToken(t, s, "admin", "letmein") + "\r\n"
	for login, want := range map[string]int{asAdmin: 200, harness.BasicAuth("source", "hackme"): 401, "": 401} {
		if status := sendCommand(t, s, "killclient?mount=/live.mp3&id=1", login+token); status != want {
			t.Errorf("with %q: %d; want %d", login, status, want)
		}
	}
}

// A reload that keeps the password keeps the tokens, and one that changes it ends them.
func TestTheTokenOfThePageEndsWithThePassword(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	const kill = "killclient?mount=/live.mp3&id=1"
	old := browser + "X-Page-Token: " + pageToken(t, s, "admin", "letmein") + "\r\n"
	if err := s.Reload(harness.Station + "\n\t# another"); err != nil {
		t.Fatal(err)
	}
	if status := sendCommand(t, s, kill, asAdmin+old); status != 200 {
		t.Errorf("after a reload: %d; want 200", status)
	}
	if err := s.Reload(strings.ReplaceAll(harness.Station, "letmein", "changed")); err != nil {
		t.Fatal(err)
	}
	login := harness.BasicAuth("admin", "changed")
	if status := sendCommand(t, s, kill, login+old); status != 403 {
		t.Errorf("an old token after a change of the password: %d; want 403", status)
	}
	if status := sendCommand(t, s, kill, login+browser+"X-Page-Token: "+pageToken(t, s, "admin", "changed")+"\r\n"); status != 200 {
		t.Errorf("a new token: %d; want 200", status)
	}
}
