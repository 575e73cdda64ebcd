package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// checkStatus checks the status of the answer to a listener.
func checkStatus(t *testing.T, s *harness.Server, mount string, want int, header ...string) {
	t.Helper()
	resp, conn := harness.MustAsk(t, s.Plain, mount, header...)
	_ = conn.Close()
	if resp.StatusCode != want {
		t.Errorf("%s with %q is answered %s; want %d", mount, header, resp.Status, want)
	}
}

func TestABanEndsListenersAndKeepsThemOut(t *testing.T) {
	const settings = `icecast {
		source_password hackme
	}`
	s := harness.Start(t, settings)
	src := s.NumberedSource("/live.mp3", 1)
	defer src.Down()
	good, bad := s.Listen("/live.mp3", harness.HTTP1Metadata, false), s.Listen("/live.mp3", harness.HTTP1, false)
	defer good.Stop()
	s.WaitForListeners("/live.mp3", 2)
	agent := "User-Agent: " + string(harness.HTTP1) + "\r\n"

	status, body := s.API(http.MethodPost, "bans", fmt.Sprintf(`{"agent": %q, "for": "1h", "reason": "rips"}`, string(harness.HTTP1)))
	if status != http.StatusOK || !strings.Contains(body, `"listeners":1,"sources":0`) {
		t.Fatalf("answered %d %s", status, body)
	}
	bad.WaitForEnd()
	checkStatus(t, s, "/live.mp3", http.StatusForbidden, agent)
	checkStatus(t, s, "/nothing.mp3", http.StatusNotFound, agent)
	checkStatus(t, s, "/live.mp3", http.StatusOK)
	bans := s.APIList("bans")
	if len(bans) != 1 || bans[0]["kind"] != "agent" || bans[0]["by"] != "admin API" || bans[0]["from"] != "127.0.0.1" || bans[0]["reason"] != "rips" {
		t.Fatalf("the bans are %v", bans)
	}

	if err := s.Reload(settings); err != nil {
		t.Fatal(err)
	}
	checkStatus(t, s, "/live.mp3", http.StatusForbidden, agent)
	remove := fmt.Sprintf("bans?id=%v", bans[0]["id"])
	if status, body := s.API(http.MethodDelete, remove, ""); status != http.StatusOK {
		t.Errorf("answered %d %s", status, body)
	}
	if status, _ := s.API(http.MethodDelete, remove, ""); status != http.StatusNotFound {
		t.Errorf("taken back twice: answered %d", status)
	}
	checkStatus(t, s, "/live.mp3", http.StatusOK, agent)
	for _, wrong := range []string{`{}`, `{"address": "x"}`, `{"user": "a", "agent": "b"}`, `{"user": "a", "for": "-1h"}`, `{"user": "a", "for": "100000d"}`} {
		if status, body := s.API(http.MethodPost, "bans", wrong); status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", wrong, status, body)
		}
	}
}

func TestABanEndsASource(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
	}`)
	src := s.SourceOf("/live.mp3", "source", "hackme")
	src.Send(10)
	s.WaitForMount("/live.mp3")
	if status, body := s.API(http.MethodPost, "bans", `{"user": "source"}`); status != http.StatusOK || !strings.Contains(body, `"listeners":0,"sources":1`) {
		t.Fatalf("answered %d %s", status, body)
	}
	defer func() { // it would outlive the server, for the tests that follow
		if status, body := s.API(http.MethodDelete, fmt.Sprintf("bans?id=%v", s.APIList("bans")[0]["id"]), ""); status != http.StatusOK {
			t.Errorf("answered %d %s", status, body)
		}
	}()
	conn := s.Dial(false)
	defer conn.Close()
	resp, _ := harness.SendHead(t, conn, "SOURCE /live.mp3 HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("the source is answered %s", resp.Status)
	}
}
