package hls_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// groupPage plays a group by hls.js, begins with the last variant, changes to the first after a while,
// and reports the variant that sounds, and how long there was a tone, and how long there was none.
const groupPage = `<!doctype html><meta charset="utf-8"><title>HLS</title><script src="hls.js"></script><script>
const url = %q, hls = new Hls({startLevel: 0}), audio = document.createElement("audio"), context = new AudioContext(), level = context.createAnalyser();
const report = (kind, text) => fetch("/report", {method: "POST", body: JSON.stringify({url, kind, text: String(text)})});
let sounds = 0, silent = 0, playing = -1;
level.fftSize = 2048;
context.createMediaElementSource(audio).connect(level).connect(context.destination);
hls.on(Hls.Events.ERROR, (_, e) => e.fatal && report("error", e.details));
hls.on(Hls.Events.MANIFEST_PARSED, () => report("levels", hls.levels.map(l => l.bitrate).join()));
hls.on(Hls.Events.FRAG_CHANGED, (_, e) => playing = e.frag.level);
audio.autoplay = true;
hls.loadSource(url);
hls.attachMedia(audio);
document.documentElement.append(audio);
context.resume();
setInterval(() => {
	const samples = new Float32Array(level.fftSize);
	level.getFloatTimeDomainData(samples);
	if (Math.max(...samples) > .02) sounds++;
	else if (sounds) silent++;
	if (sounds == 100) hls.nextLevel = 1;
	report("heard", [playing, sounds, silent].join(" "));
}, 50);
</script>
`

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

// A player changes between the mounts of a group without a break, and is one listener, of the mount
// whose list it has loaded last.
func TestAPlayerChangesBetweenTheMountsOfAGroup(t *testing.T) {
	s := harness.Start(t, station("mount /*.aac {\n\t\thls {\n\t\t\tsegment 2s\n\t\t}\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.aac /low.aac /never.aac\n\t\tname \"The \\\"station\\\"\"\n\t}"))
	encodeGroup(t, s, map[string]string{"/high.aac": "128k", "/low.aac": "64k"})
	s.WaitForMount("/high.aac")
	s.WaitForMount("/low.aac")
	entry := text(t, get(t, s, "/live.m3u8"))
	lists, bandwidths := variants(entry)
	if len(lists) != 2 || bandwidths[0] < 110000 || bandwidths[1] > 100000 || !strings.Contains(entry, `CODECS="mp4a.40.2"`) || !strings.Contains(entry, `VALUE="The 'station'"`) {
		t.Fatalf("the entry is\n%s", entry)
	}
	high, low := load(t, s, lists[0]), load(t, s, lists[1])
	s.WaitForListeners("/high.aac", 0) // the session has moved
	s.WaitForListeners("/low.aac", 1)
	if n := high.discontinuity; n != low.discontinuity || high.target != low.target {
		t.Errorf("the lists are %+v and %+v", high, low)
	}
	together := 0
	for i, segment := range high.segments {
		for j, other := range low.segments {
			if segment.time.Sub(other.time).Abs() > 150*time.Millisecond {
				continue
			}
			if together++; high.sequence+i != low.sequence+j {
				t.Errorf("segment %d begins with %d, at %v", high.sequence+i, low.sequence+j, segment.time)
			}
		}
	}
	if together < 2 {
		t.Errorf("%d segments begin together: %+v, %+v", together, high, low)
	}
	reports := openPage(t, fmt.Sprintf(groupPage, "http://"+s.Plain+"/live.m3u8"))
	var first, last, sounds, silent int
	harness.Eventually(t, "the tone goes on from the other mount", func() error {
		for {
			select {
			case r := <-reports:
				switch r.Kind {
				case "error":
					t.Fatal(r.Text)
				case "heard":
					_, _ = fmt.Sscan(r.Text, &last, &sounds, &silent)
					if first == 0 && sounds > 0 && last >= 0 {
						first = last + 1
					}
				}
				continue
			default:
			}
			break
		}
		if last != 1 || sounds < 400 {
			return fmt.Errorf("variant %d sounds; a tone was there %d times, and missing %d times", last, sounds, silent)
		}
		return nil
	})
	if first != 1 || silent > 4 {
		t.Errorf("it began with variant %d; the tone was missing %d times of %d", first-1, silent, sounds)
	}
	s.WaitForListeners("/high.aac", 1)
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

// A group whose mounts all have a rewind has one, too: players begin in it where the query says. Who plays
// already stays the same listener, and is asked for no credentials again.
func TestAGroupHasARewind(t *testing.T) {
	s := harness.Start(t, station("limits {\n\t\tper_ip 1\n\t}\n\tmount /*.aac {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\trewind 10m\n\t\t}\n\t}\n\tmount /plain.aac {\n\t\t"+short+
		"\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.aac /low.aac\n\t}\n\thls /some.m3u8 {\n\t\tmounts /high.aac /plain.aac\n\t}"))
	s.WaitForLog(map[string]any{"msg": "an HLS group has no rewind, since not all of its mounts have one", "mount": "/some.m3u8"})
	encodeGroup(t, s, map[string]string{"/high.aac": "128k", "/low.aac": "64k", "/plain.aac": "96k"})
	for _, mount := range []string{"/high.aac", "/low.aac", "/plain.aac"} {
		s.WaitForMount(mount)
	}
	const start = "#EXT-X-START"
	for _, c := range []struct{ entry, list, start string }{
		{"/live.m3u8", "index", ""},
		{"/live.m3u8?rewind", "rewind", ""},
		{"/live.m3u8?rewind=30", "rewind", start + ":TIME-OFFSET=-33\n"},
		{"/some.m3u8?rewind=30", "index", ""},
		{"/high.aac.m3u8?rewind=30", "rewind", start + ":TIME-OFFSET=-33\n"},
		{"/plain.aac.m3u8?rewind=30", "index", ""},
	} {
		entry := text(t, get(t, s, c.entry))
		lists, _ := variants(entry)
		for _, list := range lists {
			if !strings.Contains(list, ".hls/"+c.list+".m3u8?s=") {
				t.Errorf("%s has %s", c.entry, list)
			}
		}
		if !strings.Contains(entry, c.start) || c.start == "" && strings.Contains(entry, start) {
			t.Errorf("%s is\n%s", c.entry, entry)
		}
	}
	for _, entry := range []string{"/live.m3u8", "/high.aac.m3u8"} {
		for _, wrong := range []string{"1h", "-1", "86401", "1.5"} {
			resp := get(t, s, entry+"?rewind="+wrong)
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "rewind: not a number of seconds; expected one from 0 to 86400") {
				t.Errorf("%s?rewind=%s: %s, %s", entry, wrong, resp.Status, body)
			}
		}
	}
	for _, entry := range []string{"/live.m3u8", "/high.aac.m3u8"} {
		first, _ := variants(text(t, get(t, s, entry)))
		_, id, _ := strings.Cut(first[0], "?s=")
		other, _ := variants(text(t, get(t, s, entry+"?s="+id)))
		if strings.HasSuffix(other[0], id) {
			t.Errorf("%s: a session that has not begun goes on", entry)
		}
		load(t, s, first[0])
		for _, query := range []string{"?rewind&s=", "?s=", "?rewind=20&s="} {
			lists, _ := variants(text(t, get(t, s, entry+query+id)))
			for _, list := range lists {
				if !strings.HasSuffix(list, "?s="+id) {
					t.Errorf("%s%s has %s", entry, query, list)
				}
				load(t, s, list) // the only listener that per_ip allows
			}
		}
		if err := answers(get(t, s, other[0]), http.StatusForbidden); err != nil {
			t.Errorf("another listener of the address: %v", err)
		}
		for _, mount := range []string{"/high.aac", "/low.aac"} {
			for _, l := range listeners(s, mount) {
				n, _ := l.Child("ID")
				s.Admin("killclient?mount=" + mount + "&id=" + n.Text)
				s.WaitForListeners(mount, 0)
			}
		}
	}
}

// A group whose mounts may be in caches has the same entry for everybody, and counts nobody. If one of
// them asks for credentials, all are counted.
func TestAGroupInCaches(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("icecast-auth-user", "1") }))
	defer backend.Close()
	s := harness.Start(t, station("mount /*.mp3 {\n\t\thls {\n\t\t\tsegment 2s\n\t\t\tcache playlists 1s\n\t\t}\n\t}\n\tmount /secret* {\n\t\tauth url {\n\t\t\tlistener_add "+backend.URL+
		"\n\t\t}\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.mp3 /low.mp3\n\t}\n\thls /mixed.m3u8 {\n\t\tmounts /secret.mp3 /low.mp3\n\t}"))
	for _, mount := range []string{"/high.mp3", "/low.mp3", "/secret.mp3"} {
		feed(t, s, mount)
	}
	var lists []string
	harness.Eventually(t, "both mounts are in the entry", func() error {
		resp := get(t, s, "/live.m3u8")
		if cache := resp.Header.Get("Cache-Control"); cache != "public, max-age=1" {
			t.Fatalf("the entry has %q", cache)
		}
		if lists, _ = variants(text(t, resp)); strings.Join(lists, " ") != "/high.mp3.hls/index.m3u8 /low.mp3.hls/index.m3u8" {
			return fmt.Errorf("it has %q", lists)
		}
		return nil
	})
	for _, list := range lists {
		resp := get(t, s, list)
		if cache := resp.Header.Get("Cache-Control"); resp.StatusCode != http.StatusOK || cache != "public, max-age=1" {
			t.Errorf("%s: %s, %q", list, resp.Status, cache)
		}
	}
	s.WaitForListeners("/high.mp3", 0)
	resp := get(t, s, "/mixed.m3u8", "Authorization", "Basic YTpi")
	if cache := resp.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		t.Errorf("an entry with a protected mount has %q", cache)
	}
	lists, _ = variants(text(t, resp))
	if len(lists) != 2 || !strings.Contains(lists[0], "/secret.mp3.hls/index.m3u8?s=") {
		t.Fatalf("it has %q", lists)
	}
	load(t, s, lists[0])
	s.WaitForListeners("/secret.mp3", 1)
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
