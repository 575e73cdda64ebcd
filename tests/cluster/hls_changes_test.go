package cluster

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// mirroredMount is a mount with short segments, and more settings of its HLS.
func mirroredMount(hls string) string {
	return "\nmount /live.mp3 {\n hls {\n segment 1s\n " + hls + "\n }\n }\n"
}

// Whatever a reload changes at the master, a player of a slave that mirrors it goes on: each answer is a list,
// numbers never fall, and no frame is heard twice. Only what begins another list may leave out a number.
func TestAPlayerOfASlaveGoesOnOverReloadsOfTheMaster(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	load := func(master string) {
		t.Helper()
		c.Load(map[string]string{"master": "role master" + master, "edge": slave + mirroredMount("")})
	}
	load(mirroredMount(""))
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	live := master.NumberedSource("/live.mp3", 1)
	defer live.Down()
	edge.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3"}
	p.until("the master", func(last hlsSegment) bool { return last.mirrored(t, master) })
	jumps := 0
	for _, change := range []struct {
		name, master string
		another      bool // list
	}{
		{"a shorter playlist", mirroredMount("playlist 4"), false},
		{"a longer playlist", mirroredMount("playlist 20"), false},
		{"a rewind", mirroredMount("rewind 1m"), false},
		{"no rewind", mirroredMount(""), false},
		{"low latency", mirroredMount("low_latency 500ms"), true},
		{"no low latency", mirroredMount(""), true},
		{"no HLS at the master", "\nmount /live.mp3 {\n linger 1m\n }\n", true},
		{"HLS again", mirroredMount(""), true},
	} {
		load(change.master)
		from := p.next
		has := !strings.Contains(change.name, "no HLS")
		p.until(change.name, func(last hlsSegment) bool {
			return last.Sequence > from+2 && (!has || last.mirrored(t, master))
		})
		if p.jumps > jumps && !change.another {
			t.Errorf("%s: numbers have jumped", change.name)
		}
		const half = 20 // a second: a segment is no shorter
		if has && change.name != "HLS again" && p.missing > half {
			t.Errorf("%s: %d frames are left out", change.name, p.missing)
		}
		jumps, p.missing = p.jumps, 0
	}
}

// kill -9 of the master: a player of the slave hears the slave's fallback, and the master again when that is back,
// without an error in between.
func TestAPlayerOfASlaveOutlastsAKilledMaster(t *testing.T) {
	c := harness.NewCluster(t, "edge")
	edge := c.Nodes["edge"]
	master, home := &harness.Server{T: t, Plain: harness.FreeAddress(t)}, t.TempDir()
	start := func() *exec.Cmd {
		cmd, _ := harness.RunProcess(t, home, "{\n admin off\n icecast {\n source_password hackme\n admin_password letmein\n relay_password pullme\n"+
			"role master"+mirroredMount("")+"}\n}\nhttp://:"+harness.Port(master.Plain)+" {\n bind 127.0.0.1\n icecast\n}\n")
		harness.Eventually(t, "the master answers", master.Answers)
		return cmd
	}
	process := start()
	c.Load(map[string]string{"edge": strings.ReplaceAll(slave, "%master%", master.Plain) + `
		mount /live.mp3 {
			linger 1s
			source_timeout 2s
			fallback /here.mp3
			hls {
				segment 1s
			}
		}
	`})
	live, here := master.DescribedSource("/live.mp3", 1), edge.NumberedSource("/here.mp3", 2)
	defer here.Down()
	edge.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3"}
	old := ""
	p.until("the master", func(last hlsSegment) bool {
		old = last.Name
		return last.source == 1 && last.mirrored(t, master)
	})
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	live.Abandon()
	p.until("the fallback", func(last hlsSegment) bool { return last.source == 2 })
	start()
	if err := answers(t, master, "/live.mp3.hls/"+old, http.StatusNotFound); err != nil { // at once, so that a player goes on
		t.Error(err)
	}
	live = master.DescribedSource("/live.mp3", 3)
	defer live.Abandon()
	p.until("the master again", func(last hlsSegment) bool { return last.source == 3 && last.mirrored(t, master) })
}

// Listeners of a slave that are moved hear the other mount in the list that they play, although that is the
// master's until then, and the master's again when they return.
func TestListenersOfAMirroredMountAreMoved(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	both := mirroredMount("") + strings.ReplaceAll(mirroredMount(""), "/live.mp3", "/other.mp3")
	c.Load(map[string]string{"master": "role master" + both, "edge": slave + both})
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	live, other, here := master.NumberedSource("/live.mp3", 1), master.NumberedSource("/other.mp3", 2), edge.NumberedSource("/here.mp3", 3)
	defer live.Down()
	defer other.Down()
	defer here.Down()
	edge.WaitForMount("/live.mp3")
	edge.WaitForMount("/other.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3"}
	for i, destination := range []string{"/other.mp3", "/here.mp3"} {
		source := uint64(i + 2)
		p.until("the master", func(last hlsSegment) bool { return last.source == 1 && last.mirrored(t, master) })
		edge.Admin("moveclients?mount=/live.mp3&destination=" + destination)
		p.until("the sound of "+destination, func(last hlsSegment) bool { return last.source == source })
		if status, body := edge.API("POST", "move", `{"station": "edge", "mount": "/live.mp3", "to": "/live.mp3"}`); status != http.StatusOK {
			t.Fatalf("the way back is answered %d %s", status, body)
		}
	}
	p.until("the master again", func(last hlsSegment) bool { return last.source == 1 && last.mirrored(t, master) })
}

// A drained slave that mirrors its master ends its players, and takes them again where the list is by then.
func TestADrainedSlaveEndsItsPlayers(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	c.Load(map[string]string{"master": "role master" + mirroredMount(""), "edge": slave + mirroredMount("")})
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	live := master.NumberedSource("/live.mp3", 1)
	defer live.Down()
	edge.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3", query: enterHLS(t, edge, "/live.mp3")}
	p.until("the master", func(last hlsSegment) bool { return last.mirrored(t, master) })
	if status, body := edge.API("POST", "drain", `{"station": "edge", "over": "1s"}`); status != http.StatusOK {
		t.Fatalf("drain is answered %d %s", status, body)
	}
	harness.Eventually(t, "the player is ended", func() error { return answers(t, edge, "/live.mp3.hls/index.m3u8"+p.query, http.StatusForbidden) })
	if err := answers(t, edge, "/live.mp3.m3u8", http.StatusServiceUnavailable); err != nil {
		t.Error(err)
	}
	edge.WaitForListeners("/live.mp3", 0)
	if status, body := edge.API("POST", "undrain", `{"station": "edge"}`); status != http.StatusOK {
		t.Fatalf("undrain is answered %d %s", status, body)
	}
	q := &playerHLS{t: t, s: edge, mount: "/live.mp3", query: enterHLS(t, edge, "/live.mp3")}
	q.until("the master again", func(last hlsSegment) bool { return last.mirrored(t, master) && last.Sequence >= p.next })
}

// listOfHLS follows the path of a mount in that of its list.
const listOfHLS = ".hls/index.m3u8"

// enterHLS loads the entry of a mount, and returns the query of its list, with the session.
func enterHLS(t testing.TB, s *harness.Server, mount string) string {
	t.Helper()
	_, query, ok := strings.Cut(strings.TrimSpace(string(loadHLS(t, s, mount+".m3u8"))), listOfHLS)
	if !ok {
		t.Fatalf("the entry of %s names no session", mount)
	}
	return query
}
