package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// varies are values of which two servers may have different ones, whatever they do.
var varies = []string{
	"server_id", "server_start", "server_start_iso8601", "stream_start", "stream_start_iso8601", "total_bytes_read", "total_bytes_sent",
	"listenurl", "Connected", "ID", "UserAgent", "connections", "client_connections", "clients", "file_connections", "stats", "stats_connections",
}

// resembles checks that an answer has all that icecast2's has, with the same values.
func resembles(t *testing.T, what string, ours, theirs harness.Node) {
	t.Helper()
	for _, their := range theirs.Nodes {
		name := their.XMLName.Local
		our, ok := ours.Child(name)
		if name == "source" {
			our, ok = ours.Source(their.Mount)
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
	theirs := harness.IcecastPeer(t, `
		<location>Lab</location><admin>ops@example.test</admin>
		<mount type="normal"><mount-name>/live.mp3</mount-name><fallback-mount>/backup.mp3</fallback-mount><fallback-override>1</fallback-override><max-listeners>20</max-listeners></mount>`)
	ours := harness.Start(t, `icecast {
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
	answers := make(map[string]map[string]harness.Node)
	for name, s := range map[string]*harness.Server{"icecast2": theirs, "caddycast": ours} {
		said := make(map[string]harness.Node)
		answers[name] = said
		live, backup := s.DescribedSource("/live.mp3", 1), s.DescribedSource("/backup.mp3", 2)
		w := s.ListenVerifying("/live.mp3", harness.HTTP1, false)
		harness.WaitForSource(t, name, 1, w)
		s.SetTitleAsAdmin("/live.mp3", "Singer - Song")
		harness.Eventually(t, name+" has counted", func() error {
			n := s.Admin("stats?mount=/live.mp3")
			source, _ := n.Source("/live.mp3")
			title, _ := source.Child("title")
			listeners, _ := source.Child("listeners")
			if title.Text != "Singer - Song" || listeners.Text != "1" {
				return fmt.Errorf("%+v", source)
			}
			return nil
		})
		for _, path := range []string{
			"stats", "stats.xml", "listmounts", "streamlist", "listclients?mount=/live.mp3", "updatemetadata?mount=/live.mp3",
			"killclient?mount=/live.mp3&id=99999", "moveclients?mount=/live.mp3", "metadata?mount=/live.mp3&mode=updinfo&song=Other",
		} {
			said[path] = s.Admin(path)
		}
		said["moveclients?mount=/live.mp3&destination=/backup.mp3"] = s.Admin("moveclients?mount=/live.mp3&destination=/backup.mp3")
		harness.WaitForSource(t, name+" moves", 2, w)
		for _, path := range []string{
			"nonsense", "listclients", "listclients?mount=/nothing", "killclient?mount=/live.mp3", "moveclients?mount=/live.mp3&destination=/nothing",
			"moveclients?mount=/live.mp3&destination=/live.mp3", "killsource?mount=/nothing", "fallbacks?mount=/live.mp3", "stats?mount=/nothing",
			"killclient?mount=/live.mp3&id=abc", "killclient?mount=/live.mp3&id=", "buildm3u?mount=/live.mp3", "buildm3u?mount=/live.mp3&username=u",
		} {
			status, _ := s.AdminCommand("admin", "letmein", path)
			said[path] = harness.Node{Text: fmt.Sprint(status)}
		}
		if status, body := s.AdminCommand("admin", "letmein", "fallbacks?mount=/live.mp3&fallback=/other.mp3"); status != 200 || !strings.Contains(body, "Fallback configured") {
			t.Errorf("%s: setting a fallback is answered %d, %q", name, status, body)
		}
		if name == "icecast2" {
			// One field of its answer has no colon.
		} else if status, body := s.AdminCommand("", "", "buildm3u?mount=/live.mp3&username=u&password=p"); status != 200 || !strings.HasPrefix(body, "http://u:p@") || !strings.HasSuffix(body, "/live.mp3\r\n") {
			t.Errorf("%s: the playlist is answered %d, %q", name, status, body)
		}
		if status, body := s.AdminCommand("admin", "letmein", "fallbacks?mount=/live.mp3&fallback="); status != 200 || !strings.Contains(body, "Fallback configured") {
			t.Errorf("%s: taking the fallback away is answered %d, %q", name, status, body)
		}
		said["killsource"] = s.Admin("killsource?mount=/backup.mp3")
		harness.Eventually(t, name+" has ended the source", func() error {
			if _, ok := s.Admin("stats").Source("/backup.mp3"); ok {
				return fmt.Errorf("it is there")
			}
			return nil
		})
		for _, n := range []*harness.NumberedSource{live, backup} {
			n.Abandon()
		}
		w.Stop()
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
// are disconnected, and all answers are there as JSON.
func TestTheAdministratorActs(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
	defer backup.Down()
	w, gone := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), s.ListenVerifying("/live.mp3", harness.HTTP2, true)
	harness.WaitForSource(t, "at home", 1, w, gone)
	if status, body := s.AdminCommand("admin", "letmein", "fallbacks?mount=/live.mp3&fallback=/backup.mp3"); status != 200 {
		t.Fatalf("%d, %s", status, body)
	}
	if status, body := s.AdminCommand("admin", "letmein", "fallbacks.json?mount=/live.mp3&fallback=/backup.mp3"); status != 200 || !strings.HasPrefix(body, `{"iceresponse":`) {
		t.Errorf("%d, %s", status, body)
	}
	status, body := s.AdminCommand("admin", "letmein", "listclients.json?mount=/live.mp3")
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
	s.Admin(fmt.Sprintf("killclient?mount=/live.mp3&id=%d", second.ID))
	<-gone.Ended
	live.Down()
	harness.WaitForSource(t, "the fallback that was set", 2, w)
	if feed, _ := s.Admin("stats").Source("/live.mp3"); true {
		if at, _ := feed.Child("feed"); at.Text != "/backup.mp3" {
			t.Errorf("the feed is %q", at.Text)
		}
	}
	harness.CheckAll(t, w)
}

// Who may do what.
func TestWhoMayUseTheAdminCommands(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
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
		"killsource?mount=/nothing": {}, "listevents": admin, "listslaves": admin, "listmasters": admin,
	} {
		for name, login := range users {
			status, _ := s.AdminCommand(login[0], login[1], path)
			if want := map[bool]int{true: 200, false: 401}[who[name]]; status != want && (path != "killsource?mount=/nothing" || name != "the administrator") {
				t.Errorf("%s is answered %d on %s; want %d", name, status, path, want)
			}
		}
	}
}

// HEAD asks what an answer would be like: it ended sources, and let listeners go.
func TestHeadDoesNothing(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	w := s.ListenVerifying("/live.mp3", harness.HTTP1, false)
	harness.WaitForSource(t, "before", 1, w)
	for _, command := range []string{"killsource?mount=/live.mp3", "fallbacks?mount=/live.mp3&fallback=/x.mp3", "metadata?mount=/live.mp3&mode=updinfo&song=x", "admin.cgi?pass=letmein&mode=updinfo&song=x"} {
		resp, _ := harness.SendHead(t, s.Dial(false), "HEAD /admin/"+command+" HTTP/1.0\r\n"+harness.BasicAuth("admin", "letmein")+"\r\n")
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, POST" {
			t.Errorf("%s is answered %s, and allows %q", command, resp.Status, resp.Header.Get("Allow"))
		}
	}
	source, _ := s.Admin("stats").Source("/live.mp3")
	if title, ok := source.Child("title"); ok || len(source.Nodes) == 0 {
		t.Errorf("the source is %+v, with the title %+v", source, title)
	}
	harness.CheckAll(t, w)
}

// STATS tells all statistics, and each change.
func TestTheStreamOfStatisticsTellsEachChange(t *testing.T) {
	s := harness.Start(t, harness.Station)
	conn := s.Dial(false)
	resp, r := harness.SendHead(t, conn, "STATS / HTTP/1.0\r\n"+harness.BasicAuth("admin", "letmein")+"\r\n")
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
	live := s.NumberedSource("/live.mp3", 1)
	until("EVENT /live.mp3 server_type audio/mpeg\n")
	s.SetTitle("/live.mp3", "Singer - Song")
	until("EVENT /live.mp3 title Singer - Song\n")
	live.Down()
	until("EVENT /live.mp3 title null\n")
	_ = conn.Close()
	if resp, _ := harness.SendHead(t, s.Dial(false), "STATS / HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"\r\n"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a source is answered %s", resp.Status)
	}
}
