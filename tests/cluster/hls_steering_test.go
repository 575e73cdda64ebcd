package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A master writes a slave with room into the entry of a mount: players bear no redirects. Each of them is
// a listener of that slave.
func TestPlayersAreSentToSlavesByTheEntry(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge", "other")
	const mount = "\nmount /live.mp3 {\n hls {\n segment 1s\n }\n }\n"
	edge := "role slave {\n master http://%master%\n password pullme\n interval 1s\n public http://%edge%\n }\n"
	settings := map[string]string{
		"master": "role master {\n redirect balance\n }" + mount, "edge": "limits {\n listeners 3\n }\n" + edge + mount,
		"other": strings.ReplaceAll(edge, "%edge%", "%other%"), // without HLS
	}
	c.Load(settings)
	master := c.Nodes["master"]
	encode(t, master, "/live.mp3", "-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-f", "mp3")
	registered(master, "/live.mp3", 2)
	at := "http://" + c.Nodes["edge"].Plain + "/live.mp3.hls/index.m3u8?s="
	var sent []string
	enter := func() string {
		lines := strings.Fields(string(loadHLS(t, master, "/live.mp3.m3u8")))
		return lines[len(lines)-1]
	}
	for range 3 {
		uri := enter()
		if !strings.HasPrefix(uri, at) {
			t.Fatalf("the entry has %s, want %s", uri, at)
		}
		sent = append(sent, strings.TrimPrefix(uri, "http://"+c.Nodes["edge"].Plain))
	}
	resp, err := http.Get("http://" + master.Plain + "/status.xsl")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src *;") {
		t.Errorf("the page may not load from slaves: %s", policy)
	}
	for _, path := range sent {
		loadHLS(t, c.Nodes["edge"], path)
	}
	c.Nodes["edge"].WaitForListeners("/live.mp3", 3)
	harness.Eventually(t, "the slave is full", func() error {
		if uri := enter(); !strings.HasPrefix(uri, "./live.mp3.hls/index.m3u8?s=") {
			return fmt.Errorf("the entry has %s", uri)
		}
		return nil
	})
}

// A drained master sends players to its slaves, also if it sends no listeners there otherwise.
func TestADrainedMasterSendsPlayersToItsSlaves(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	const mount = "\nmount /live.mp3 {\n hls {\n segment 1s\n }\n }\n"
	c.Load(map[string]string{
		"master": "role master" + mount,
		"edge":   "role slave {\n master http://%master%\n password pullme\n interval 1s\n public http://%edge%\n }" + mount,
	})
	master := c.Nodes["master"]
	encode(t, master, "/live.mp3", "-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-f", "mp3")
	registered(master, "/live.mp3", 1)
	if entry := string(loadHLS(t, master, "/live.mp3.m3u8")); !strings.Contains(entry, "./live.mp3.hls/index.m3u8?s=") {
		t.Errorf("the entry is\n%s", entry)
	}
	if status, body := master.API("POST", "drain", `{"station": "master", "over": "1m"}`); status != http.StatusOK {
		t.Fatalf("drain is answered %d %s", status, body)
	}
	if entry := string(loadHLS(t, master, "/live.mp3.m3u8")); !strings.Contains(entry, "\nhttp://"+c.Nodes["edge"].Plain+"/live.mp3.hls/index.m3u8?s=") {
		t.Errorf("when the master is drained, the entry is\n%s", entry)
	}
}
