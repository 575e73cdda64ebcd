package hls_test

import (
	"fmt"
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
