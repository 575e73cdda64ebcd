package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// apiDo makes something happen.
func apiDo(s *harness.Server, call, body string, want string) {
	s.T.Helper()
	if status, got := s.API(http.MethodPost, call, body); status != http.StatusOK || strings.TrimSpace(got) != want {
		s.T.Errorf("%s %s is answered %d, %s; want %s", call, body, status, got, want)
	}
}

func TestTheAdminEndpointTellsWhatThereIsAndActs(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /live.mp3 {
			fallback /backup.mp3
			max_listeners 20
		}
		mount /never.mp3 {
		}
	}`)
	live, backup := s.DescribedSource("/live.mp3", 1), s.DescribedSource("/backup.mp3", 2)
	defer live.Abandon()
	defer backup.Abandon()
	w, gone := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false), s.ListenVerifying("/live.mp3", harness.HTTP2, true)
	harness.WaitForSource(t, "at home", 1, w, gone)

	listeners := s.APIList("listeners?mount=/live.mp3")
	if len(listeners) != 2 || listeners[1]["protocol"] != "HTTP/2.0" || listeners[1]["tls"] != true || listeners[1]["ip"] != "127.0.0.1" || listeners[0]["user_agent"] != string(harness.HTTP1Metadata) {
		t.Fatalf("the listeners are %v", listeners)
	}
	if n := len(s.APIList("listeners?mount=/backup.mp3")); n != 0 {
		t.Errorf("%d listeners where there are none", n)
	}
	apiDo(s, "kick", fmt.Sprintf(`{"id": %.0f}`, listeners[1]["id"]), fmt.Sprintf(`{"kicked":%.0f,"mount":"/live.mp3"}`, listeners[1]["id"]))
	<-gone.Ended

	apiDo(s, "metadata", `{"mount": "/live.mp3", "artist": "Singer", "title": "Song\r\nx"}`, `{"changed":true,"mount":"/live.mp3"}`)
	apiDo(s, "metadata", `{"mount": "/live.mp3", "artist": "Singer", "title": "Song\r\nx"}`, `{"changed":false,"mount":"/live.mp3"}`)
	apiDo(s, "metadata", `{"station": "default", "mount": "/backup.mp3", "song": "A - B"}`, `{"changed":true,"mount":"/backup.mp3"}`)
	harness.Eventually(t, "the bitrate of the source is known", func() error {
		m := s.APIList("mounts?mount=/live.mp3")[0]
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

	others := []*harness.VerifyingListener{s.ListenVerifying("/live.mp3", harness.HTTP1, false), s.ListenVerifying("/live.mp3", harness.HTTP1, true), s.ListenVerifying("/live.mp3", harness.HTTP2, true), s.ListenVerifying("/live.mp3", harness.HTTP3, true)}
	harness.WaitForSource(t, "at home", 1, others...)
	for _, to := range []struct {
		mount string
		id    uint64
	}{{"/backup.mp3", 2}, {"/live.mp3", 1}, {"/backup.mp3", 2}} {
		for _, l := range s.APIList("listeners?mount=/live.mp3")[1:] {
			apiDo(s, "move", fmt.Sprintf(`{"id": %.0f, "to": "%s"}`, l["id"], to.mount),
				fmt.Sprintf(`{"id":%.0f,"mount":"/live.mp3","moved":1,"to":"%s"}`, l["id"], to.mount))
		}
		harness.WaitForSource(t, "moved one by one to "+to.mount, to.id, others...)
		harness.WaitForSource(t, "who was not moved", 1, w)
	}
	harness.CheckAll(t, others...)
	harness.Eventually(t, "they are gone", func() error {
		if n := len(s.APIList("listeners?mount=/live.mp3")); n != 1 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	apiDo(s, "move", `{"mount": "/live.mp3", "to": "/backup.mp3"}`, `{"mount":"/live.mp3","moved":1,"slaves":0,"to":"/backup.mp3"}`)
	harness.WaitForSource(t, "moved", 2, w)
	apiDo(s, "move", `{"mount": "/live.mp3", "to": "/live.mp3"}`, `{"mount":"/live.mp3","moved":1,"slaves":0,"to":"/live.mp3"}`)
	harness.WaitForSource(t, "home again", 1, w)
	apiDo(s, "kill", `{"mount": "/live.mp3"}`, `{"killed":"/live.mp3"}`)
	harness.WaitForSource(t, "the fallback", 2, w)

	station := s.APIList("stations")[0]
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
	harness.CheckAll(t, w)
}

func TestTheAdminEndpointTellsOfRelaysAndSlaves(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(map[string]string{"master": "", "edge": `
	role slave {
		master http://%master%
		password pullme
		interval 2s
		public http://%edge%
	}`})
	live := c.Nodes["master"].NumberedSource("/live.mp3", 1)
	defer live.Down()
	master := c.Nodes["master"]
	harness.Eventually(t, "the relay plays, and its slave is known", func() error {
		relays, slaves := master.APIList("relays?station=edge"), master.APIList("slaves")
		if len(relays) != 1 || relays[0]["state"] != "playing" || relays[0]["lag"] == nil || relays[0]["mirrored"] != true {
			return fmt.Errorf("the relays are %v", relays)
		}
		if lag := relays[0]["lag"].(float64); lag < 0 || lag > 5 {
			return fmt.Errorf("it lags %v s", lag)
		}
		if len(slaves) != 1 || slaves[0]["station"] != "master" || fmt.Sprint(slaves[0]["public"]) != "[http://"+c.Nodes["edge"].Plain+"]" {
			return fmt.Errorf("the slaves are %v", slaves)
		}
		return nil
	})
	harness.Eventually(t, "the slave shows its master, which has taken a report", func() error {
		all := master.APIList("masters")
		if len(all) != 1 || all[0]["station"] != "edge" || all[0]["url"] != "http://"+master.Plain || all[0]["state"] != "connected" ||
			all[0]["reported"] == nil || all[0]["refusals"] != 0.0 || all[0]["refusal"] != nil || all[0]["cause"] != nil {
			return fmt.Errorf("the masters are %v", all)
		}
		return nil
	})
	if n := len(master.APIList("relays?station=master")); n != 0 {
		t.Errorf("the master has %d relays", n)
	}
	harness.Eventually(t, "the slave is a listener", func() error {
		all := master.APIList("listeners")
		if len(all) != 1 || all[0]["slave"] != true || all[0]["station"] != "master" {
			return fmt.Errorf("the listeners are %v", all)
		}
		return nil
	})
	status, body := master.API(http.MethodPost, "kill", `{"mount": "/live.mp3"}`)
	if want := `{"error":"station: missing; expected one of: edge, master"}`; status != http.StatusBadRequest || strings.TrimSpace(body) != want {
		t.Errorf("answered %d, %s; want %s", status, body, want)
	}
}

func TestTheAdminEndpointSaysWhatIsWrong(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "", "", 404, `"/icecast/": unknown path; expected, below /icecast/, one of: bans, drain, events, kick, kill, listeners, live, masters, metadata, mounts, move, orders, ready, relays, slaves, slaves/drain, slaves/remove, stations, undrain, upgrade`},
		{"GET", "mounts/x", "", 404, `"/icecast/mounts/x": unknown path; expected, below /icecast/, one of: bans, drain, events, kick, kill, listeners, live, masters, metadata, mounts, move, orders, ready, relays, slaves, slaves/drain, slaves/remove, stations, undrain, upgrade`},
		{"POST", "mounts", "{}", 405, "method: not allowed; expected GET, HEAD"},
		{"DELETE", "events", "", 405, "method: not allowed; expected GET, HEAD"},
		{"GET", "kill", "", 405, "method: not allowed; expected POST"},
		{"GET", "mounts?mont=/x", "", 400, `unknown parameter "mont"; expected one of: station, mount`},
		{"GET", "mounts?station=no", "", 404, `station "no": unknown; expected one of: default`},
		{"GET", "listeners?mount=live.mp3", "", 400, `mount "live.mp3": path does not begin with a slash; expected one such as /live.mp3`},
		{"GET", "ready?station=no&mount=/m", "", 404, `station "no": unknown; expected one of: default`},
		{"GET", "ready?mount=m", "", 400, `mount "m": path does not begin with a slash; expected one such as /live.mp3`},
		{"POST", "live", "{}", 405, "method: not allowed; expected GET, HEAD"},
		{"POST", "drain", `{"over": "soon"}`, 400, `over: invalid duration "soon"; expected one such as 5m, at most 24h`},
		{"GET", "events?event=x", "", 400, `event "x": unknown; expected one of: `},
		{"GET", "events?since=now", "", 400, `since "now": invalid time; expected one such as 2006-01-02T15:04:05Z`},
		{"POST", "kill", "", 400, "body: EOF"},
		{"POST", "kill", `{"mount": "/live.mp3"} x`, 400, "body: data after the object; expected one JSON object"},
		{"POST", "kill", `{"mont": "/live.mp3"}`, 400, `body: json: unknown field "mont"`},
		{"POST", "kill", `{"mount": "` + strings.Repeat("x", 20_000) + `"}`, 413, "body: too long; expected at most 16384 bytes"},
		{"POST", "kill", `{}`, 400, `mount "": path does not begin with a slash; expected one such as /live.mp3`},
		{"POST", "kill", `{"mount": "/admin/stats"}`, 400, `mount "/admin/stats": path is a page of the station, or a playlist; expected another`},
		{"POST", "kill", `{"mount": "/no"}`, 404, "mount /no: unknown"},
		{"POST", "kick", `{"mount": "/live.mp3"}`, 400, "id: missing; expected the number of a listener, such as 7"},
		{"POST", "kick", `{"id": 999}`, 404, "listener 999: unknown"},
		{"POST", "kick", `{"id": -1}`, 400, "body: json: cannot unmarshal"},
		{"POST", "slaves/drain", `{}`, 400, "slave: missing; expected an id, a name or a public URL, as in the list of slaves"},
		{"POST", "slaves/remove", `{"slave": "no"}`, 404, `slave "no": unknown; expected an id, a name or a public URL, as in the list of slaves`},
		{"POST", "move", `{"mount": "/live.mp3"}`, 400, `mount "": path does not begin with a slash; expected one such as /live.mp3`},
		{"POST", "metadata", `{"mount": "/live.mp3"}`, 400, "song: missing; expected song, or title with or without artist"},
		{"POST", "metadata", `{"mount": "/live.mp3", "song": "x", "title": "y"}`, 400, "song: missing; expected song, or title with or without artist"},
	} {
		status, body := s.API(tt.method, tt.path, tt.body)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(body), &said); err != nil || status != tt.status || !strings.HasPrefix(said.Error, tt.want) {
			t.Errorf("%s %s %.60s is answered %d, %s; want %d, %s", tt.method, tt.path, tt.body, status, body, tt.status, tt.want)
		}
	}
	resp, err := http.Post("http://"+s.AdminAddress+"/icecast/kill", "text/plain", strings.NewReader(`{"mount": "/live.mp3"}`))
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form of some page is answered %v, %v", resp, err)
	}
}

// rejected loads a configuration that is rejected when the endpoint is its own already.
func rejected(s *harness.Server) error {
	broken := strings.Replace(s.Caddyfile(harness.Station), "tls "+harness.Storage+"/cert.pem", "tls "+harness.Storage+"/none.pem", 1)
	if err := s.ReloadCaddyfile(broken); err == nil || !strings.Contains(err.Error(), "none.pem") {
		return fmt.Errorf("it was not rejected: %w", err)
	}
	return nil
}

// What is on the endpoint stays there when a configuration is rejected whose apps never
// came to be: Caddy keeps the endpoint of that one.
func TestARejectedConfigurationLeavesTheAdminEndpointAsItIs(t *testing.T) {
	s := harness.Start(t, harness.Station)
	live := s.NumberedSource("/live.mp3", 1)
	defer live.Down()
	if err := rejected(s); err != nil {
		t.Fatal(err)
	}
	if mounts := s.APIList("mounts"); len(mounts) != 1 || mounts[0]["state"] != "own" {
		t.Errorf("the mounts are %v", mounts)
	}
	h := followEvents(s, "")
	s.SetTitle("/live.mp3", "A - B")
	if e := h.next(t); e["song"] != "A - B" {
		t.Errorf("told was %v", e)
	}
	_ = h.stop()
	if v := metric(s, `icecast_source_up{mount="/live.mp3",station="default"}`); v != 1 {
		t.Errorf("source_up is %v", v)
	}
}
