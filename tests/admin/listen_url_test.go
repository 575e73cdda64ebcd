package admin

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// Whatever names a stream's URL names the one by which listeners reach it: below a path that the
// site cuts off, or at a CDN.
func TestListenURLsAreThoseThatListenersReach(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /cdn.mp3 {
			listen_url https://cdn.example.org/one/cdn.mp3
		}
		mount /b/** {
			listen_url https://cdn.example.org{mount}?a=b
		}
	}`, "handle_path /stream/* {\nicecast\n}")
	for i, path := range []string{"/live.mp3", "/cdn.mp3", "/b/two.mp3"} {
		defer s.DescribedSource(path, uint64(i+1)).Abandon()
	}
	const cdn, pattern = "https://cdn.example.org/one/cdn.mp3", "https://cdn.example.org/b/two.mp3?a=b"
	here := "http://" + s.Plain
	for _, c := range []struct{ at, want, not string }{
		{"/live.mp3.m3u", here + "/live.mp3\r\n", "/stream"},
		{"/stream/live.mp3.m3u", here + "/stream/live.mp3\r\n", here + "/live.mp3"},
		{"/stream/live.mp3.xspf", "<location>" + here + "/stream/live.mp3</location>", ""},
		{"/stream/live.mp3.vclt", "STREAMURL=" + here + "/stream/live.mp3\n", ""},
		{"/stream/status-json.xsl?mount=/live.mp3", `"listenurl":"` + here + `/stream/live.mp3"`, ""},
		{"/stream/admin/stats?mount=/live.mp3", "<listenurl>" + here + "/stream/live.mp3</listenurl>", ""},
		{"/stream/admin/publicstats?mount=/live.mp3", "<listenurl>" + here + "/stream/live.mp3</listenurl>", ""},
		{"/stream/admin/buildm3u?mount=/live.mp3&username=u&password=p", "http://u:p@" + s.Plain + "/stream/live.mp3", ""},
		{"/cdn.mp3.m3u", cdn + "\r\n", here},
		{"/stream/cdn.mp3.m3u", cdn + "\r\n", here},
		{"/status-json.xsl?mount=/cdn.mp3", `"listenurl":"` + cdn + `"`, here + "/cdn"},
		{"/b/two.mp3.m3u", pattern + "\r\n", here},
		{"/status.xsl", `src="` + cdn + `"`, `src="./cdn.mp3"`},
		{"/status.xsl", `src="./live.mp3"`, ""},
	} {
		if got := fetch(s, c.at); !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %s\nwant %s", c.at, got, c.want)
		}
	}
}

// fetch returns what the plain site answers to the administrator.
func fetch(s *harness.Server, path string) string {
	s.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	req.SetBasicAuth("admin", "letmein")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return string(body)
}
