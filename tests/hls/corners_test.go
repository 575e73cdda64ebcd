package hls_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// Listeners by HLS hear a file, and the built-in loop, while the source is away, and the source again: in
// the same list.
func TestFilesAndStandbyAreHeardInTheSameList(t *testing.T) {
	file := harness.MakeMusic(t, "loop.mp3", 3, harness.MP3[1:]...)
	for name, fallback := range map[string]string{"file": "file " + file, "standby": "standby"} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, station("mount /live.mp3 {\n\t\tfallback "+fallback+"\n\t\t"+short+"\n\t}"))
			end := encode(t, s, "/live.mp3")
			harness.Eventually(t, "the mount is there", func() error { return answers(get(t, s, "/live.mp3.m3u8"), http.StatusOK) })
			p := newPlayer(t, s, "/live.mp3")
			for range 2 {
				end()
				n := len(p.heard)
				p.until("segments of the fallback", func(list) bool { return len(p.heard) >= n+4 })
				end = encode(t, s, "/live.mp3")
				n = len(p.heard)
				p.until("segments of the source", func(list) bool { return len(p.heard) >= n+4 })
			}
			if p.newList > 0 || p.last.ended {
				t.Errorf("%d new lists, ended %v", p.newList, p.last.ended)
			}
			s.WaitForListeners("/live.mp3", 1)
		})
	}
}

// Listeners of a mount that are moved hear the other mount in the list that they play.
func TestMovedListenersHearTheOtherMount(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	feed(t, s, "/other.mp3")
	p := newPlayer(t, s, "/live.mp3")
	s.WaitForListeners("/live.mp3", 1)
	s.Admin("moveclients?mount=/live.mp3&destination=/other.mp3")
	n := len(p.heard)
	p.until("segments of the other mount", func(list) bool { return len(p.heard) >= n+4 })
	if p.newList > 0 || p.last.ended {
		t.Errorf("%d new lists, ended %v", p.newList, p.last.ended)
	}
}

// Players behind one address count for per_ip, whatever sessions they make up.
func TestSessionsCountForTheirAddress(t *testing.T) {
	s := harness.Start(t, station("limits {\n\t\tper_ip 2\n\t}\n\tmount /live.mp3 {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	at := enter(t, s, "/live.mp3")
	for i := range 4 {
		want := http.StatusOK
		if i >= 2 {
			want = http.StatusForbidden
		}
		bare, _, _ := strings.Cut(at, "?")
		if err := answers(get(t, s, bare, "User-Agent", fmt.Sprint("player ", i)), want); err != nil {
			t.Errorf("player %d: %v", i, err)
		}
	}
	s.WaitForListeners("/live.mp3", 2)
}

// Without per_ip, a client that makes up sessions is one of a bounded number of listeners. It is not refused.
func TestMadeUpSessionsAreBounded(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	bare, _, _ := strings.Cut(enter(t, s, "/live.mp3"), "?")
	for i := range 260 {
		if err := answers(get(t, s, bare, "User-Agent", fmt.Sprint("player ", i)), http.StatusOK); err != nil {
			t.Fatalf("player %d: %v", i, err)
		}
	}
	s.WaitForListeners("/live.mp3", 250)
	s.WaitForLog(map[string]any{"msg": "too many HLS sessions from one address; more are not counted", "mount": "/live.mp3", "client_ip": "127.0.0.1"})
}

// Hooks hear of a session as of any listener, with its protocol, once each.
func TestHooksHearOfSessions(t *testing.T) {
	var mu sync.Mutex
	var events []string
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		events = append(events, string(body))
	}))
	defer endpoint.Close()
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t\ton listener_added listener_removed webhook "+endpoint.URL+"\n\t}"))
	feed(t, s, "/live.mp3")
	p := newPlayer(t, s, "/live.mp3")
	s.WaitForListeners("/live.mp3", 1)
	id, _ := listeners(s, "/live.mp3")[0].Child("ID")
	s.Admin("killclient?mount=/live.mp3&id=" + url.QueryEscape(id.Text))
	_ = get(t, s, p.path)
	harness.Eventually(t, "both events", func() error {
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(events, "\n")
		for _, want := range []string{"listener_added", "listener_removed"} {
			if n := strings.Count(all, `"`+want+`"`); n != 1 {
				return fmt.Errorf("%s came %d times:\n%s", want, n, all)
			}
		}
		return nil
	})
}
