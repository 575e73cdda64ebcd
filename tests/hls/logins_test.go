package hls_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// Who logs in and loads no list holds a place for a while. Of one address there are a thousand: more are told
// to come later, until one of them has loaded its list.
func TestLoginsThatWaitForTheirPlayersAreBounded(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("icecast-auth-user", "1") }))
	defer backend.Close()
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t\tauth url {\n\t\t\tlistener_add "+backend.URL+"\n\t\t}\n\t}"))
	play(t, s, "/live.mp3")
	login := []string{"Authorization", strings.TrimSpace(strings.TrimPrefix(harness.BasicAuth("ann", "secret"), "Authorization: "))}
	const most = 1000
	first := enter(t, s, "/live.mp3", login...)
	for range most - 1 {
		enter(t, s, "/live.mp3", login...)
	}
	resp := get(t, s, "/live.mp3.m3u8", login...)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "2" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("one more is answered %s, %q", resp.Status, resp.Header)
	}
	s.WaitForLog(map[string]any{"msg": "too many HLS logins wait for their players; more are refused", "mount": "/live.mp3"})
	load(t, s, first)
	s.WaitForListeners("/live.mp3", 1)
	enter(t, s, "/live.mp3", login...)
	if err := answers(get(t, s, "/live.mp3.m3u8", login...), http.StatusServiceUnavailable); err != nil {
		t.Error(err)
	}
}
