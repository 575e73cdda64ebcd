package tests

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// node is what an admin command answers, as XML.
type node struct {
	XMLName xml.Name
	Mount   string `xml:"mount,attr"`
	Text    string `xml:",chardata"`
	Nodes   []node `xml:",any"`
}

// child returns the first child of that name.
func (n node) child(name string) (node, bool) {
	i := slices.IndexFunc(n.Nodes, func(c node) bool { return c.XMLName.Local == name })
	if i < 0 {
		return node{}, false
	}
	return n.Nodes[i], true
}

// source returns what is said of a mount.
func (n node) source(mount string) (node, bool) {
	i := slices.IndexFunc(n.Nodes, func(c node) bool { return c.XMLName.Local == "source" && c.Mount == mount })
	if i < 0 {
		return node{}, false
	}
	return n.Nodes[i], true
}

// command asks for an admin command by a user, and returns the status and the body.
func (s *server) command(user, password, path string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.plain+"/admin/"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// admin asks for an admin command as the administrator, and returns what it says.
func (s *server) adminSays(path string) node {
	s.t.Helper()
	status, body := s.command("admin", "letmein", path)
	var n node
	if err := xml.Unmarshal([]byte(body), &n); err != nil || status != http.StatusOK {
		s.t.Fatalf("/admin/%s is answered %d, %q: %v", path, status, body, err)
	}
	return n
}

// feeds waits until a mount's listeners hear a feed.
func (s *server) feeds(mount, want string) {
	s.t.Helper()
	eventually(s.t, mount+" hears "+want, func() error {
		source, _ := s.adminSays("stats").source(mount)
		if feed, _ := source.child("feed"); feed.Text != want {
			return fmt.Errorf("it hears %q", feed.Text)
		}
		return nil
	})
}

// varies are values of which two servers may have different ones, whatever they do.
var varies = []string{
	"server_id", "server_start", "server_start_iso8601", "stream_start", "stream_start_iso8601", "total_bytes_read", "total_bytes_sent",
	"listenurl", "Connected", "ID", "UserAgent", "connections", "client_connections", "clients", "file_connections", "stats", "stats_connections",
}

// resembles checks that an answer has all that icecast2's has, with the same values.
func resembles(t *testing.T, what string, ours, theirs node) {
	t.Helper()
	for _, their := range theirs.Nodes {
		name := their.XMLName.Local
		our, ok := ours.child(name)
		if name == "source" {
			our, ok = ours.source(their.Mount)
		}
		switch {
		case !ok:
			t.Errorf("%s: %s %s is missing", what, name, their.Mount)
		case len(their.Nodes) > 0:
			resembles(t, what+" "+name+their.Mount, our, their)
		case our.Text != their.Text && !slices.Contains(varies, name):
			t.Errorf("%s: %s is %q; icecast2 says %q", what, name, our.Text, their.Text)
		}
	}
}

// The same happens to icecast2 and to caddycast, and both tell of it in the same words.
func TestTheAdminCommandsAreThoseOfIcecast(t *testing.T) {
	theirs := peer(t, `
		<location>Lab</location><admin>ops@example.test</admin>
		<mount type="normal"><mount-name>/live.mp3</mount-name><fallback-mount>/backup.mp3</fallback-mount><fallback-override>1</fallback-override><max-listeners>20</max-listeners></mount>`)
	ours := start(t, `icecast {
		source_password hackme
		admin_password  letmein
		relay_password  pullme
		location Lab
		contact  ops@example.test
		mount /live.mp3 {
			fallback /backup.mp3
			max_listeners 20
		}
	}`)
	answers := make(map[string]map[string]node)
	for name, s := range map[string]*server{"icecast2": theirs, "caddycast": ours} {
		said := make(map[string]node)
		answers[name] = said
		live, backup := s.describedSource("/live.mp3", 1), s.describedSource("/backup.mp3", 2)
		w := s.witness("/live.mp3", http1, false)
		hears(t, name, 1, w)
		s.retitleAs("/live.mp3", "Singer - Song")
		eventually(t, name+" has counted", func() error {
			n := s.adminSays("stats?mount=/live.mp3")
			source, _ := n.source("/live.mp3")
			title, _ := source.child("title")
			listeners, _ := source.child("listeners")
			if title.Text != "Singer - Song" || listeners.Text != "1" {
				return fmt.Errorf("%+v", source)
			}
			return nil
		})
		for _, path := range []string{
			"stats", "stats.xml", "listmounts", "streamlist", "listclients?mount=/live.mp3", "updatemetadata?mount=/live.mp3",
			"killclient?mount=/live.mp3&id=99999", "moveclients?mount=/live.mp3", "metadata?mount=/live.mp3&mode=updinfo&song=Other",
		} {
			said[path] = s.adminSays(path)
		}
		said["moveclients?mount=/live.mp3&destination=/backup.mp3"] = s.adminSays("moveclients?mount=/live.mp3&destination=/backup.mp3")
		hears(t, name+" moves", 2, w)
		for _, path := range []string{
			"nonsense", "listclients", "listclients?mount=/nothing", "killclient?mount=/live.mp3", "moveclients?mount=/live.mp3&destination=/nothing",
			"moveclients?mount=/live.mp3&destination=/live.mp3", "killsource?mount=/nothing", "fallbacks?mount=/live.mp3", "stats?mount=/nothing",
			"killclient?mount=/live.mp3&id=abc", "killclient?mount=/live.mp3&id=", "buildm3u?mount=/live.mp3", "buildm3u?mount=/live.mp3&username=u",
		} {
			status, _ := s.command("admin", "letmein", path)
			said[path] = node{Text: fmt.Sprint(status)}
		}
		if status, body := s.command("admin", "letmein", "fallbacks?mount=/live.mp3&fallback=/other.mp3"); status != 200 || !strings.Contains(body, "Fallback configured") {
			t.Errorf("%s: setting a fallback is answered %d, %q", name, status, body)
		}
		if name == "icecast2" {
			// One field of its answer has no colon.
		} else if status, body := s.command("", "", "buildm3u?mount=/live.mp3&username=u&password=p"); status != 200 || !strings.HasPrefix(body, "http://u:p@") || !strings.HasSuffix(body, "/live.mp3\r\n") {
			t.Errorf("%s: the playlist is answered %d, %q", name, status, body)
		}
		if status, body := s.command("admin", "letmein", "fallbacks?mount=/live.mp3&fallback="); status != 200 || !strings.Contains(body, "Fallback configured") {
			t.Errorf("%s: taking the fallback away is answered %d, %q", name, status, body)
		}
		said["killsource"] = s.adminSays("killsource?mount=/backup.mp3")
		eventually(t, name+" has ended the source", func() error {
			if _, ok := s.adminSays("stats").source("/backup.mp3"); ok {
				return fmt.Errorf("it is there")
			}
			return nil
		})
		for _, n := range []*numberedSource{live, backup} {
			n.abandon()
		}
		w.stop()
	}
	for _, path := range slices.Sorted(maps.Keys(answers["icecast2"])) {
		their, our := answers["icecast2"][path], answers["caddycast"][path]
		if their.XMLName.Local != our.XMLName.Local || their.Nodes == nil && their.Text != our.Text {
			t.Errorf("%s is answered <%s> %s; icecast2 answers <%s> %s", path, our.XMLName.Local, our.Text, their.XMLName.Local, their.Text)
		}
		resembles(t, path, our, their)
	}
}

// A fallback that the administrator sets holds until the next configuration, listeners
// are let go, and all answers are there as JSON.
func TestTheAdministratorActs(t *testing.T) {
	s := start(t, station)
	live, backup := s.numberedSource("/live.mp3", 1), s.numberedSource("/backup.mp3", 2)
	defer backup.down()
	w, gone := s.witness("/live.mp3", http1ic, false), s.witness("/live.mp3", h2, true)
	hears(t, "at home", 1, w, gone)
	if status, body := s.command("admin", "letmein", "fallbacks?mount=/live.mp3&fallback=/backup.mp3"); status != 200 {
		t.Fatalf("%d, %s", status, body)
	}
	if status, body := s.command("admin", "letmein", "fallbacks.json?mount=/live.mp3&fallback=/backup.mp3"); status != 200 || !strings.HasPrefix(body, `{"iceresponse":`) {
		t.Errorf("%d, %s", status, body)
	}
	status, body := s.command("admin", "letmein", "listclients.json?mount=/live.mp3")
	var list struct {
		Icestats struct {
			Source []struct {
				Mount     string
				Listeners int
				Listener  []struct {
					ID       int
					IP       string
					Protocol string `json:"protocol"`
					TLS      bool   `json:"tls"`
				} `json:"listener"`
			} `json:"source"`
		} `json:"icestats"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || len(list.Icestats.Source) != 1 || len(list.Icestats.Source[0].Listener) != 2 {
		t.Fatalf("%d, %s: %v", status, body, err)
	}
	second := list.Icestats.Source[0].Listener[1]
	if second.Protocol != "HTTP/2.0" || !second.TLS || second.IP != "127.0.0.1" {
		t.Errorf("the second listener is %+v", second)
	}
	s.adminSays(fmt.Sprintf("killclient?mount=/live.mp3&id=%d", second.ID))
	<-gone.ended
	live.down()
	hears(t, "the fallback that was set", 2, w)
	if feed, _ := s.adminSays("stats").source("/live.mp3"); true {
		if at, _ := feed.child("feed"); at.Text != "/backup.mp3" {
			t.Errorf("the feed is %q", at.Text)
		}
	}
	whole(t, w)
}

// Who may do what.
func TestWhoMayUseTheAdminCommands(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	users := map[string][2]string{"nobody": {"", ""}, "a source": {"source", "hackme"}, "a slave": {"relay", "pullme"}, "the administrator": {"admin", "letmein"}, "a guesser": {"admin", "wrong"}}
	may := func(who ...string) map[string]bool {
		m := make(map[string]bool)
		for _, w := range who {
			m[w] = true
		}
		return m
	}
	everybody := slices.Collect(maps.Keys(users))
	admin := may("the administrator")
	for path, who := range map[string]map[string]bool{
		"stats": admin, "stats.json": admin, "listmounts": admin, "listclients?mount=/live.mp3": admin, "killclient?mount=/live.mp3&id=1": admin,
		"moveclients?mount=/live.mp3": admin, "fallbacks?mount=/live.mp3&fallback=/x": admin, "updatemetadata?mount=/live.mp3": admin,
		"metadata?mount=/live.mp3&mode=updinfo&song=x":      may("the administrator", "a source"),
		"metadata.json?mount=/live.mp3&mode=updinfo&song=x": may("the administrator", "a source"),
		"streamlist.txt": may("the administrator", "a slave"), "streams": may("the administrator", "a slave"),
		"publicstats": may(everybody...), "publicstats.json": may(everybody...), "buildm3u?mount=/later.mp3&username=u&password=p": may(everybody...),
		"killsource?mount=/nothing": {}, "listevents": admin, "listslaves": admin,
	} {
		for name, login := range users {
			status, _ := s.command(login[0], login[1], path)
			if want := map[bool]int{true: 200, false: 401}[who[name]]; status != want && (path != "killsource?mount=/nothing" || name != "the administrator") {
				t.Errorf("%s is answered %d on %s; want %d", name, status, path, want)
			}
		}
	}
}

// A browser knows the password and adds it to what pages of other sites ask for.
func TestPagesOfOtherSitesDoNothing(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0\r\nAccept-Language: en\r\n"
	const kill, retitle = "killclient?mount=/live.mp3&id=1", "metadata?mount=/live.mp3&mode=updinfo&song=x"
	for _, c := range []struct {
		who, command, header string
		status               int
	}{
		{"a page of another site", kill, browser + "Sec-Fetch-Site: cross-site\r\n", 403},
		{"a page of another site", retitle, browser + "Sec-Fetch-Site: cross-site\r\n", 403},
		{"an unknown page, over plain HTTP", kill, browser, 403},
		{"our page", kill, browser + "Sec-Fetch-Site: same-origin\r\n", 200},
		{"our page, over plain HTTP", kill, browser + "X-Requested-With: fetch\r\n", 200},
		{"a bookmark", kill, browser + "Sec-Fetch-Site: none\r\n", 200},
		{"an encoder that says it is a browser", retitle, "User-Agent: Mozilla/5.0\r\n", 200},
		{"a program", kill, "", 200},
	} {
		resp, _ := head(t, s.dial(false), "GET /admin/"+c.command+" HTTP/1.0\r\n"+basic("admin", "letmein")+c.header+"\r\n")
		if resp.StatusCode != c.status {
			t.Errorf("%s is answered %s on %s; want %d", c.who, resp.Status, c.command, c.status)
		}
	}
	resp, _ := head(t, s.dial(false), "OPTIONS /admin/killsource HTTP/1.0\r\nOrigin: http://example.org\r\n\r\n")
	if allowed := resp.Header.Get("Access-Control-Allow-Headers"); strings.Contains(allowed, "X-Requested-With") || strings.Contains(allowed, "*") {
		t.Errorf("pages of other sites may send %s", allowed)
	}
}

// HEAD asks what an answer would be like: it ended sources, and let listeners go.
func TestHeadDoesNothing(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	w := s.witness("/live.mp3", http1, false)
	hears(t, "before", 1, w)
	for _, command := range []string{"killsource?mount=/live.mp3", "fallbacks?mount=/live.mp3&fallback=/x.mp3", "metadata?mount=/live.mp3&mode=updinfo&song=x", "admin.cgi?pass=letmein&mode=updinfo&song=x"} {
		resp, _ := head(t, s.dial(false), "HEAD /admin/"+command+" HTTP/1.0\r\n"+basic("admin", "letmein")+"\r\n")
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s is answered %s, and allows %q", command, resp.Status, resp.Header.Get("Allow"))
		}
	}
	source, _ := s.adminSays("stats").source("/live.mp3")
	if title, ok := source.child("title"); ok || len(source.Nodes) == 0 {
		t.Errorf("the source is %+v, with the title %+v", source, title)
	}
	whole(t, w)
}

// STATS tells all statistics, and each change.
func TestTheStreamOfStatisticsTellsEachChange(t *testing.T) {
	s := start(t, station)
	conn := s.dial(false)
	resp, r := head(t, conn, "STATS / HTTP/1.0\r\n"+basic("admin", "letmein")+"\r\n")
	if resp.StatusCode != http.StatusOK || resp.Proto != "HTTP/1.0" {
		t.Fatalf("it is answered %s %s", resp.Proto, resp.Status)
	}
	until := func(want string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("before %q came: %v", want, err)
			}
			if strings.HasPrefix(line, want) {
				return
			}
		}
	}
	until("EVENT global listeners 0\n")
	live := s.numberedSource("/live.mp3", 1)
	until("EVENT /live.mp3 server_type audio/mpeg\n")
	s.retitle("/live.mp3", "Singer - Song")
	until("EVENT /live.mp3 title Singer - Song\n")
	live.down()
	until("EVENT /live.mp3 title null\n")
	_ = conn.Close()
	if resp, _ := head(t, s.dial(false), "STATS / HTTP/1.0\r\n"+basic("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a source is answered %s", resp.Status)
	}
}
