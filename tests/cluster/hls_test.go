package cluster

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/streaming/hls"
	"github.com/caddycast/caddycast/tests/harness"
)

// loadHLS loads a file of HLS. It must be there.
func loadHLS(t testing.TB, s *harness.Server, path string) []byte {
	t.Helper()
	resp, err := http.Get("http://" + s.Plain + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", path, resp.Status, err, body)
	}
	return body
}

// listHLS loads the playlist of a mount.
func listHLS(t testing.TB, s *harness.Server, mount, query string) *hls.Remote {
	t.Helper()
	r, err := hls.ParsePlaylist(loadHLS(t, s, mount+".hls/index.m3u8"+query))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// encode sends a stream of ffmpeg to a mount, until the test ends.
func encode(t testing.TB, s *harness.Server, mount string, args ...string) {
	t.Helper()
	args = append([]string{"-v", "error", "-re", "-f", "lavfi", "-i", harness.Tone}, args...)
	cmd, _ := harness.Launch(t, "ffmpeg", append(args, "-flush_packets", "1", "icecast://source:hackme@"+s.Plain+mount)...)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// All slaves of a master have its playlists and its segments to the byte, also in parts, so that one
// name may stand for all of them. Players count where they play, and not at the master.
func TestSlavesMirrorTheHLSOfTheirMaster(t *testing.T) {
	c := harness.NewCluster(t, "master", "hub", "near", "far")
	users := filepath.Join(t.TempDir(), "users")
	harness.WriteFile(t, users, "bob:5f4dcc3b5aa765d61d8327deb882cf99\n") // password
	mounts := strings.ReplaceAll(`
		mount /* {
			hls {
				segment 2s
				low_latency
			}
		}
		mount /live.mp3 {
			hls {
				segment 1s
			}
		}
		mount /secret.mp3 {
			hls {
				segment 1s
			}
			auth htpasswd %users%
		}
		hls /group.m3u8 {
			mounts /secret.mp3 /live.mp3
		}
	`, "%users%", users)
	pulls := func(from string) string {
		return "role slave {\n master http://%" + from + "%\n password pullme\n interval 1s\n auth master\n }\n" + mounts
	}
	c.Load(map[string]string{
		"master": "role master\n" + mounts, "hub": pulls("master"), "near": pulls("hub"), "far": pulls("master"),
	})
	master := c.Nodes["master"]
	encode(t, master, "/live.mp3", "-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-f", "mp3")
	encode(t, master, "/secret.mp3", "-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-f", "mp3")
	encode(t, master, "/live.aac", "-content_type", "audio/aac", "-c:a", "aac", "-f", "adts")
	encode(t, master, "/live.opus", "-content_type", "application/ogg", "-c:a", "libopus", "-page_duration", "20000", "-f", "ogg")
	slaves := []*harness.Server{c.Nodes["hub"], c.Nodes["near"], c.Nodes["far"]}
	for _, mount := range []string{"/live.mp3", "/live.aac", "/live.opus"} {
		for _, s := range slaves {
			s.WaitForMount(mount)
		}
		at := listHLS(t, master, mount, "")
		for range 4 {
			next := fmt.Sprint("?_HLS_msn=", at.Next())
			at = listHLS(t, master, mount, next)
			want := bytes.Clone(at.Text)
			for _, s := range slaves {
				if got := mirroredList(t, s, mount, at); !bytes.Equal(got.Text, want) && got.Next() == at.Next() && at.Part == 0 {
					t.Fatalf("%s at a slave:\n%s\nat the master:\n%s", mount, got.Text, want)
				}
			}
			for _, segment := range at.Segments {
				names := []string{segment.Name}
				for _, part := range segment.Parts {
					names = append(names, part.Name)
				}
				if segment.Init != nil {
					names = append(names, segment.Init.Name)
				}
				for _, name := range names {
					want := loadHLS(t, master, mount+".hls/"+name)
					for _, s := range slaves {
						if got := loadHLS(t, s, mount+".hls/"+name); !bytes.Equal(got, want) {
							t.Fatalf("%s%s has %d bytes at a slave, %d at the master", mount, name, len(got), len(want))
						}
					}
				}
			}
		}
	}
	for _, s := range slaves {
		entry := string(loadHLS(t, s, "/live.aac.m3u8"))
		if !strings.Contains(entry, `CODECS="mp4a.40.2"`) {
			t.Errorf("the entry is\n%s", entry)
		}
	}
	for _, s := range append(slaves, master) { // the requests of the test, and none of a slave
		s.WaitForListeners("/live.opus", 1)
	}
	near := c.Nodes["near"]
	near.WaitForMount("/secret.mp3")
	checkSecretHLS(t, near)
	checkGroup(t, master, near)
}

// checkGroup checks that the entry of a group at a slave has a protected mount for those who may hear it, and
// that its lists are the master's.
func checkGroup(t *testing.T, master, s *harness.Server) {
	t.Helper()
	for user, want := range map[string][]string{"bob:password@": {"/secret.mp3", "/live.mp3"}, "bob:guess@": {"/live.mp3"}, "": {"/live.mp3"}} {
		var lists []string
		harness.Eventually(t, fmt.Sprintf("the entry for %q has %q", user, want), func() error {
			resp, err := http.Get("http://" + user + s.Plain + "/group.m3u8")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			entry, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			lists = nil
			var mounts []string
			for line := range strings.Lines(string(entry)) {
				if mount, _, ok := strings.Cut(line, ".hls/index.m3u8?s="); ok {
					mounts, lists = append(mounts, strings.TrimPrefix(mount, ".")), append(lists, strings.TrimPrefix(strings.TrimSpace(line), "."))
				}
			}
			if !slices.Equal(mounts, want) {
				return fmt.Errorf("%s: it is\n%s", resp.Status, entry)
			}
			return nil
		})
		for i, mount := range want {
			list, err := hls.ParsePlaylist(loadHLS(t, s, lists[i]))
			if err != nil {
				t.Fatal(err)
			}
			name := mount + ".hls/" + list.Segments[len(list.Segments)-1].Name
			if got, at := loadHLS(t, s, name), loadHLS(t, master, name); !bytes.Equal(got, at) {
				t.Errorf("%s has %d bytes at the slave, %d at the master", name, len(got), len(at))
			}
		}
	}
}

// checkSecretHLS checks that a slave asks who may hear a mount by HLS, and has its playlist from the
// master all the same.
func checkSecretHLS(t *testing.T, s *harness.Server) {
	t.Helper()
	for user, want := range map[string]int{"bob:password@": http.StatusOK, "bob:guess@": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		resp, err := http.Get("http://" + user + s.Plain + "/secret.mp3.m3u8")
		if err != nil {
			t.Fatal(err)
		}
		entry, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %s, want %d", user, resp.Status, want)
		}
		if want == http.StatusOK {
			lines := strings.Fields(string(entry))
			loadHLS(t, s, strings.TrimPrefix(lines[len(lines)-1], "."))
		}
	}
	resp, err := http.Get("http://" + s.Plain + "/secret.mp3.hls/index.m3u8")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		t.Error("the playlist is given to everybody")
	}
}

// mirroredList loads the playlist of a slave when that has the last segment of the master's.
func mirroredList(t testing.TB, s *harness.Server, mount string, at *hls.Remote) *hls.Remote {
	t.Helper()
	var r *hls.Remote
	harness.Eventually(t, "the slave has the segment", func() error {
		if r = listHLS(t, s, mount, ""); r.Next() < at.Next() {
			return fmt.Errorf("it is at %d, the master at %d", r.Next(), at.Next())
		}
		return nil
	})
	for i, segment := range r.Segments {
		if n := int(segment.Sequence) - int(at.Sequence); n >= 0 && n < len(at.Segments) && at.Segments[n].Name != segment.Name {
			t.Fatalf("segment %d of %d is %s at a slave, and %s at the master", segment.Sequence, i, segment.Name, at.Segments[n].Name)
		}
	}
	return r
}

// A player of a slave hears the fallback of the slave while the link to the master is broken, and the
// master again after that, in one list: each number follows, and each segment is there.
func TestAPlayerOfASlaveStaysWhateverBecomesOfTheLink(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	link := harness.NewProxy(t, master.Plain)
	const mount = `
		mount /live.mp3 {
			hls {
				segment 1s
			}
	`
	c.Load(map[string]string{
		"master": mount + "}", "edge": strings.ReplaceAll(slave, "%master%", link.Address) + mount + `
			linger 1s
			source_timeout 2s
			fallback /here.mp3
		}
	`,
	})
	live, here := master.NumberedSource("/live.mp3", 1), edge.NumberedSource("/here.mp3", 2)
	defer live.Down()
	defer here.Down()
	edge.WaitForMount("/live.mp3")
	p := &playerHLS{t: t, s: edge, mount: "/live.mp3"}
	p.until("the master", func(last hlsSegment) bool { return last.source == 1 && last.mirrored(t, master) })
	for range 2 {
		link.Cut()
		p.until("the fallback", func(last hlsSegment) bool { return last.source == 2 })
		p.until("more of it", func(last hlsSegment) bool { return last.source == 2 })
		link.Mend()
		p.until("the master again", func(last hlsSegment) bool { return last.source == 1 && last.mirrored(t, master) })
	}
	if p.marks < 2 {
		t.Errorf("%d discontinuities", p.marks)
	}
	if s := p.jumps; s > 0 {
		t.Errorf("numbers have jumped %d times", s)
	}
}
