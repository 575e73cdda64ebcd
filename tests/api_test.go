package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// api asks the admin endpoint of Caddy for what is under /icecast/.
func (s *server) api(method, path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.admin+"/icecast/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// apiList asks for a list.
func (s *server) apiList(path string) (all []map[string]any) {
	s.t.Helper()
	status, body := s.api(http.MethodGet, path, "")
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != http.StatusOK || all == nil {
		s.t.Fatalf("/icecast/%s is answered %d, %s: %v", path, status, body, err)
	}
	return all
}

// apiDo makes something happen.
func (s *server) apiDo(call, body string, want string) {
	s.t.Helper()
	if status, got := s.api(http.MethodPost, call, body); status != http.StatusOK || strings.TrimSpace(got) != want {
		s.t.Errorf("%s %s is answered %d, %s; want %s", call, body, status, got, want)
	}
}

func TestTheAdminEndpointTellsWhatThereIsAndActs(t *testing.T) {
	s := start(t, `icecast {
		source_password hackme
		mount /live.mp3 {
			fallback /backup.mp3
			max_listeners 20
		}
		mount /never.mp3 {
		}
	}`)
	live, backup := s.describedSource("/live.mp3", 1), s.describedSource("/backup.mp3", 2)
	defer live.abandon()
	defer backup.abandon()
	w, gone := s.witness("/live.mp3", http1ic, false), s.witness("/live.mp3", h2, true)
	hears(t, "at home", 1, w, gone)

	listeners := s.apiList("listeners?mount=/live.mp3")
	if len(listeners) != 2 || listeners[1]["protocol"] != "HTTP/2.0" || listeners[1]["tls"] != true || listeners[1]["ip"] != "127.0.0.1" || listeners[0]["user_agent"] != string(http1ic) {
		t.Fatalf("the listeners are %v", listeners)
	}
	if n := len(s.apiList("listeners?mount=/backup.mp3")); n != 0 {
		t.Errorf("%d listeners where there are none", n)
	}
	s.apiDo("kick", fmt.Sprintf(`{"id": %.0f}`, listeners[1]["id"]), fmt.Sprintf(`{"kicked":%.0f,"mount":"/live.mp3"}`, listeners[1]["id"]))
	<-gone.ended

	s.apiDo("metadata", `{"mount": "/live.mp3", "artist": "Singer", "title": "Song\r\nx"}`, `{"changed":true,"mount":"/live.mp3"}`)
	s.apiDo("metadata", `{"mount": "/live.mp3", "artist": "Singer", "title": "Song\r\nx"}`, `{"changed":false,"mount":"/live.mp3"}`)
	s.apiDo("metadata", `{"station": "default", "mount": "/backup.mp3", "song": "A - B"}`, `{"changed":true,"mount":"/backup.mp3"}`)
	eventually(t, "the bitrate of the source is known", func() error {
		m := s.apiList("mounts?mount=/live.mp3")[0]
		source := m["source"].(map[string]any)
		if rate := source["bitrate"].(float64); rate < 100e3 || rate > 160e3 {
			return fmt.Errorf("it is %v bit/s", rate)
		}
		for key, want := range map[string]any{
			"station": "default", "state": "own", "feed": "/live.mp3", "name": "Name <&>", "content_type": "audio/mpeg",
			"listeners": 1.0, "listener_peak": 2.0, "listener_connections": 2.0, "max_listeners": 20.0, "hidden": false, "artist": "Singer",
		} {
			if m[key] != want {
				return fmt.Errorf("%s is %v; want %v", key, m[key], want)
			}
		}
		return nil
	})

	others := []*witness{s.witness("/live.mp3", http1, false), s.witness("/live.mp3", http1, true), s.witness("/live.mp3", h2, true), s.witness("/live.mp3", h3, true)}
	hears(t, "at home", 1, others...)
	for _, to := range []struct {
		mount string
		id    uint64
	}{{"/backup.mp3", 2}, {"/live.mp3", 1}, {"/backup.mp3", 2}} {
		for _, l := range s.apiList("listeners?mount=/live.mp3")[1:] {
			s.apiDo("move", fmt.Sprintf(`{"id": %.0f, "to": "%s"}`, l["id"], to.mount),
				fmt.Sprintf(`{"id":%.0f,"mount":"/live.mp3","moved":1,"to":"%s"}`, l["id"], to.mount))
		}
		hears(t, "moved one by one to "+to.mount, to.id, others...)
		hears(t, "who was not moved", 1, w)
	}
	whole(t, others...)
	eventually(t, "they are gone", func() error {
		if n := len(s.apiList("listeners?mount=/live.mp3")); n != 1 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	s.apiDo("move", `{"mount": "/live.mp3", "to": "/backup.mp3"}`, `{"mount":"/live.mp3","moved":1,"to":"/backup.mp3"}`)
	hears(t, "moved", 2, w)
	s.apiDo("move", `{"mount": "/live.mp3", "to": "/live.mp3"}`, `{"mount":"/live.mp3","moved":1,"to":"/live.mp3"}`)
	hears(t, "home again", 1, w)
	s.apiDo("kill", `{"mount": "/live.mp3"}`, `{"killed":"/live.mp3"}`)
	hears(t, "the fallback", 2, w)

	station := s.apiList("stations")[0]
	var said []string
	for _, m := range station["mounts"].([]any) {
		mount := m.(map[string]any)
		said = append(said, fmt.Sprint(mount["mount"], " ", mount["state"], " ", mount["feed"]))
	}
	if got, want := strings.Join(said, ", "), "/backup.mp3 own /backup.mp3, /live.mp3 fallback /backup.mp3, /never.mp3 nothing <nil>"; got != want {
		t.Errorf("the mounts are %s; want %s", got, want)
	}
	if station["name"] != "default" || station["listeners"] != 1.0 || station["sources"] != 1.0 {
		t.Errorf("the station is %v", station)
	}
	whole(t, w)
}

func TestTheAdminEndpointTellsOfRelaysAndSlaves(t *testing.T) {
	c := newCluster(t, "master", "edge")
	c.load(map[string]string{"master": "", "edge": `
	role slave {
		master http://%master%
		password pullme
		interval 2s
		public http://%edge%
	}`})
	live := c.nodes["master"].numberedSource("/live.mp3", 1)
	defer live.down()
	master := c.nodes["master"]
	eventually(t, "the relay plays, and its slave is known", func() error {
		relays, slaves := master.apiList("relays?station=edge"), master.apiList("slaves")
		if len(relays) != 1 || relays[0]["state"] != "playing" || relays[0]["lag"] == nil || relays[0]["mirrored"] != true {
			return fmt.Errorf("the relays are %v", relays)
		}
		if lag := relays[0]["lag"].(float64); lag < 0 || lag > 5 {
			return fmt.Errorf("it lags %v s", lag)
		}
		if len(slaves) != 1 || slaves[0]["station"] != "master" || fmt.Sprint(slaves[0]["public"]) != "[http://"+c.nodes["edge"].plain+"]" {
			return fmt.Errorf("the slaves are %v", slaves)
		}
		return nil
	})
	if n := len(master.apiList("relays?station=master")); n != 0 {
		t.Errorf("the master has %d relays", n)
	}
	eventually(t, "the slave is a listener", func() error {
		all := master.apiList("listeners")
		if len(all) != 1 || all[0]["slave"] != true || all[0]["station"] != "master" {
			return fmt.Errorf("the listeners are %v", all)
		}
		return nil
	})
	status, body := master.api(http.MethodPost, "kill", `{"mount": "/live.mp3"}`)
	if want := `{"error":"station: say which, there is edge, master"}`; status != http.StatusBadRequest || strings.TrimSpace(body) != want {
		t.Errorf("answered %d, %s; want %s", status, body, want)
	}
}

func TestTheAdminEndpointSaysWhatIsWrong(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "", "", 404, `there is no "/icecast/"; in /icecast/ there is events, kick, kill, listeners, metadata, mounts, move, relays, slaves, stations`},
		{"GET", "mounts/x", "", 404, `there is no "/icecast/mounts/x"; in /icecast/ there is events, kick, kill, listeners, metadata, mounts, move, relays, slaves, stations`},
		{"POST", "mounts", "{}", 405, "method not allowed; it is GET, HEAD"},
		{"DELETE", "events", "", 405, "method not allowed; it is GET, HEAD"},
		{"GET", "kill", "", 405, "method not allowed; it is POST"},
		{"GET", "mounts?mont=/x", "", 400, `"mont" is unknown in the query; the words are station, mount`},
		{"GET", "mounts?station=no", "", 404, `there is no station "no"; there is default`},
		{"GET", "listeners?mount=live.mp3", "", 400, `mount "live.mp3": a mount begins with a slash, such as /live.mp3`},
		{"GET", "events?event=x", "", 400, `there is no event "x"; there are`},
		{"GET", "events?since=now", "", 400, `since "now": write a time such as 2006-01-02T15:04:05Z`},
		{"POST", "kill", "", 400, "the body: EOF"},
		{"POST", "kill", `{"mount": "/live.mp3"} x`, 400, "the body: there is something after the object"},
		{"POST", "kill", `{"mont": "/live.mp3"}`, 400, `the body: json: unknown field "mont"`},
		{"POST", "kill", `{"mount": "` + strings.Repeat("x", 20_000) + `"}`, 413, "the body has 16384 bytes at most"},
		{"POST", "kill", `{}`, 400, `mount "": a mount begins with a slash, such as /live.mp3`},
		{"POST", "kill", `{"mount": "/admin/stats"}`, 400, `mount "/admin/stats": that is a page of the station; name the mount otherwise`},
		{"POST", "kill", `{"mount": "/no"}`, 404, "nothing is on /no: neither a source nor listeners"},
		{"POST", "kick", `{"mount": "/live.mp3"}`, 400, "id: write the number of a listener, as the list of listeners has it"},
		{"POST", "kick", `{"id": 999}`, 404, "there is no listener 999"},
		{"POST", "kick", `{"id": -1}`, 400, "the body: json: cannot unmarshal"},
		{"POST", "move", `{"mount": "/live.mp3"}`, 400, `mount "": a mount begins with a slash, such as /live.mp3`},
		{"POST", "metadata", `{"mount": "/live.mp3"}`, 400, "write song, or title and perhaps artist"},
		{"POST", "metadata", `{"mount": "/live.mp3", "song": "x", "title": "y"}`, 400, "write song, or title and perhaps artist"},
	} {
		status, body := s.api(tt.method, tt.path, tt.body)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(body), &said); err != nil || status != tt.status || !strings.HasPrefix(said.Error, tt.want) {
			t.Errorf("%s %s %.60s is answered %d, %s; want %d, %s", tt.method, tt.path, tt.body, status, body, tt.status, tt.want)
		}
	}
	resp, err := http.Post("http://"+s.admin+"/icecast/kill", "text/plain", strings.NewReader(`{"mount": "/live.mp3"}`))
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form of some page is answered %v, %v", resp, err)
	}
}

// rejected loads a configuration that is rejected when the endpoint is its own already.
func (s *server) rejected() error {
	broken := strings.Replace(s.caddyfile(station), "tls "+storage+"/cert.pem", "tls "+storage+"/none.pem", 1)
	if err := s.reloadRaw(broken); err == nil || !strings.Contains(err.Error(), "none.pem") {
		return fmt.Errorf("it was not rejected: %w", err)
	}
	return nil
}

// What is on the endpoint stays there when a configuration is rejected whose apps never
// came to be: Caddy keeps the endpoint of that one.
func TestARejectedConfigurationLeavesTheAdminEndpointAsItIs(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	if err := s.rejected(); err != nil {
		t.Fatal(err)
	}
	if mounts := s.apiList("mounts"); len(mounts) != 1 || mounts[0]["state"] != "own" {
		t.Errorf("the mounts are %v", mounts)
	}
	h := s.happens("")
	s.retitle("/live.mp3", "A - B")
	if e := h.next(t); e["song"] != "A - B" {
		t.Errorf("told was %v", e)
	}
	_ = h.stop()
	if v := s.metric(`icecast_source_up{mount="/live.mp3",station="default"}`); v != 1 {
		t.Errorf("source_up is %v", v)
	}
}
