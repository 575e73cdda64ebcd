package hls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// encodeGroup begins to send a tone to mounts, each with a bit rate, by one encoder.
func encodeGroup(t *testing.T, s *harness.Server, rates map[string]string) {
	args := []string{"-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", harness.Tone}
	for mount, rate := range rates {
		args = append(args, "-map", "0:a", "-content_type", "audio/aac", "-c:a", "aac", "-b:a", rate, "-flush_packets", "1", "-f", "adts", "icecast://source:hackme@"+s.Plain+mount)
	}
	harness.Launch(t, "ffmpeg", args...)
}

// variants returns the lists of an entry, and the bandwidths.
func variants(entry string) (lists []string, bandwidths []int) {
	for line := range strings.Lines(entry) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "#EXT-X-STREAM-INF:BANDWIDTH="); ok {
			n, _ := strconv.Atoi(strings.Split(rest, ",")[0])
			bandwidths = append(bandwidths, n)
		} else if !strings.HasPrefix(line, "#") {
			lists = append(lists, strings.TrimPrefix(line, "."))
		}
	}
	return lists, bandwidths
}

// The entry of a group asks for each of its mounts who may listen. An id is worth nothing for mounts
// that have refused the listener.
func TestAGroupAsksForEachMount(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _ = r.ParseForm(); r.Form.Get("pass") == "secret" {
			w.Header().Set("icecast-auth-user", "1")
		}
	}))
	defer backend.Close()
	auth := "auth url {\n\t\t\tlistener_add " + backend.URL + "\n\t\t}"
	s := harness.Start(t, station("mount /*.mp3 {\n\t\t"+short+"\n\t}\n\tmount /secret.mp3 {\n\t\t"+auth+"\n\t}\n\thls /a/live.m3u8 {\n\t\tmounts /secret.mp3 /open.mp3\n\t}\n\thls /secret.m3u8 {\n\t\tmounts /secret.mp3\n\t}"))
	feed(t, s, "/secret.mp3")
	feed(t, s, "/open.mp3")
	login := []string{"Authorization", strings.TrimSpace(strings.TrimPrefix(harness.BasicAuth("ann", "secret"), "Authorization: "))}
	for _, header := range [][]string{nil, {"Authorization", "Basic YTpi"}} {
		if err := answers(get(t, s, "/secret.m3u8", header...), http.StatusUnauthorized); err != nil {
			t.Error(err)
		}
	}
	var open, all []string
	harness.Eventually(t, "both mounts are in the entry", func() error {
		open, _ = variants(text(t, get(t, s, "/a/live.m3u8")))
		if all, _ = variants(text(t, get(t, s, "/a/live.m3u8", login...))); len(open) != 1 || len(all) != 2 {
			return fmt.Errorf("%q without credentials, and %q with", open, all)
		}
		return nil
	})
	at := func(list string) string { return strings.TrimPrefix(list, "/..") }
	load(t, s, at(all[0]))
	s.WaitForListeners("/secret.mp3", 1)
	if user, _ := listeners(s, "/secret.mp3")[0].Child("username"); user.Text != "ann" {
		t.Errorf("the listener is %q", user.Text)
	}
	load(t, s, at(all[1]))
	s.WaitForListeners("/secret.mp3", 0)
	s.WaitForListeners("/open.mp3", 1)
	load(t, s, at(all[0]))
	s.WaitForListeners("/open.mp3", 0)
	if user, _ := listeners(s, "/secret.mp3")[0].Child("username"); user.Text != "ann" {
		t.Errorf("after it was elsewhere, the listener is %q", user.Text)
	}
	_, id, _ := strings.Cut(open[0], "?s=")
	for name, id := range map[string]string{
		"of the other mount": id, "with bits of both": id[:len(id)-1] + "3", "with its bit": id[:len(id)-1] + "1", "without bits": id[:len(id)-2],
	} {
		if err := answers(get(t, s, "/secret.mp3.hls/index.m3u8?s="+id), http.StatusForbidden); err != nil {
			t.Errorf("an id %s: %v", name, err)
		}
	}

	// Whom an administrator has removed does not come back by another mount.
	n, _ := listeners(s, "/secret.mp3")[0].Child("ID")
	s.Admin("killclient?mount=/secret.mp3&id=" + n.Text)
	s.WaitForListeners("/secret.mp3", 0)
	for _, list := range all {
		if err := answers(get(t, s, at(list)), http.StatusForbidden); err != nil {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// Mounts of a group that are in different containers are served, and that is logged once.
func TestAGroupOfSeveralContainersIsLogged(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\t"+short+"\n\t}\n\thls /live.m3u8 {\n\t\tmounts /live.opus /live.aac\n\t}"))
	encode(t, s, "/live.opus")
	encode(t, s, "/live.aac")
	s.WaitForMount("/live.opus")
	s.WaitForMount("/live.aac")
	for range 3 {
		entry := text(t, get(t, s, "/live.m3u8"))
		if lists, _ := variants(entry); len(lists) != 2 || !strings.Contains(entry, `CODECS="Opus"`) || !strings.Contains(entry, `CODECS="mp4a.40.2"`) {
			t.Errorf("the entry is\n%s", entry)
		}
	}
	line := map[string]any{"msg": "mounts of an HLS group have different containers; many players can't change between them", "mount": "/live.m3u8"}
	s.WaitForLog(line)
	if n := strings.Count(harness.ReadFile(t, s.LogFile()), fmt.Sprint(line["msg"])); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
}
