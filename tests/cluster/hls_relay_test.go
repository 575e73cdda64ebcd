package cluster

import (
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A relay without the password of slaves mirrors a playlist, too, but is a listener: anybody can say to
// be a relay, and no limit is escaped by that.
func TestAnUnprovenRelayIsAListenerByHLS(t *testing.T) {
	c := harness.NewCluster(t, "master", "relay")
	const segments = "hls {\n segment 1s\n }\n"
	c.Load(map[string]string{
		"master": "role master\nmount /live.mp3 {\n " + segments + "}\nmount /tls.mp3 {\n require_tls\n " + segments + "}\n",
		"relay":  "relay /live.mp3 http://%master%/live.mp3\nmount /live.mp3 {\n " + segments + "}\n",
	})
	master, relay := c.Nodes["master"], c.Nodes["relay"]
	encode(t, master, "/live.mp3", "-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-f", "mp3")
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+master.Plain+"/tls.mp3.hls/index.m3u8", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Relay-Path", "x")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a mount that requires TLS: %s", resp.Status)
	}
	relay.WaitForMount("/live.mp3")
	master.WaitForListeners("/live.mp3", 1) // the relay's stream
	at := listHLS(t, master, "/live.mp3", "")
	mirroredList(t, relay, "/live.mp3", at)
	master.WaitForListeners("/live.mp3", 3) // this test's playlist, and the relay's
}
