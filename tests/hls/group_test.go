package hls_test

import (
	"fmt"
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
