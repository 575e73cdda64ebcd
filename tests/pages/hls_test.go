package pages

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/tests/harness"
)

// scripts returns what a page has loaded of hls.js.
const scripts = "return performance.getEntriesByType('resource').filter(e => e.name.includes('/hls-')).length"

// ofPlayer returns a script that begins with the player of a mount in the variable audio.
func ofPlayer(mount, script string) string {
	return "const audio = document.querySelector('[data-mount=\"" + mount + "\"] audio'); " + script
}

// The status page plays mounts with HLS by hls.js, which it loads when the first one is played, and
// others as before. What HLS does not carry is played as a stream.
func TestTheStatusPagePlaysHLS(t *testing.T) {
	harness.Program(t, "chromedriver")
	config := `icecast {
		source_password hackme
		admin_password letmein
		mount /* {
			linger 1m
			hls {
				segment 1s
			}
		}
		mount /plain.mp3 {
			hls off
		}
	}`
	s := harness.Start(t, config)
	mounts := map[string][]string{
		"/live.mp3": {"audio/mpeg", "libmp3lame", "mp3"}, "/plain.mp3": {"audio/mpeg", "libmp3lame", "mp3"}, "/live.ogg": {"application/ogg", "libvorbis", "ogg"},
	}
	encode := func() {
		for mount, f := range mounts {
			// Of a tone Vorbis makes so little that Chromium takes half a minute to have enough.
			harness.ByFFmpegFor(120, f[0], "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.1", "-ac", "2", "-c:a", f[1], "-f", f[2])(t, s, mount)
		}
		for mount := range mounts {
			s.WaitForMount(mount)
		}
	}
	encode()
	b := newBrowser(t)
	b.open("http://" + s.Plain + "/")
	b.becomes("return document.querySelectorAll('article').length", 3)
	b.becomes("return [...document.querySelectorAll('a')].filter(a => a.href.endsWith('.m3u8')).map(a => new URL(a.href).pathname).join()", "/live.mp3.m3u8,/live.ogg.m3u8")

	b.run(ofPlayer("/plain.mp3", "audio.play()"))
	b.becomes(ofPlayer("/plain.mp3", "return audio.currentTime > 1"), true)
	b.becomes(scripts, 0)
	s.WaitForListeners("/plain.mp3", 1)

	b.run(ofPlayer("/live.mp3", `audio.play().catch(() => {});
		const context = new AudioContext();
		window.level = context.createAnalyser();
		context.createMediaElementSource(audio).connect(level).connect(context.destination)`))
	b.becomes(ofPlayer("/live.mp3", "return audio.currentTime > 0 && !audio.paused"), true)
	b.becomes("const sound = new Float32Array(level.fftSize); level.getFloatTimeDomainData(sound); return Math.max(...sound) > 0.01", true)
	b.becomes(scripts, 1)
	s.WaitForListeners("/live.mp3", 1)
	if text := protocols(s, "/live.mp3"); text != "hls" {
		t.Errorf("it is played by %s", text)
	}

	s.SetTitle("/live.mp3", "Heard & <i>Seen</i>")
	b.becomes("return document.querySelector('article').dataset.heard", "Heard & <i>Seen</i>")
	b.becomes("return document.querySelector('.song').textContent", "Heard & <i>Seen</i>")
	b.run(ofPlayer("/live.mp3", "window.heard = audio.currentTime; audio.pause()"))
	b.becomes("return document.querySelector('article').dataset.heard === undefined", true)
	b.run(ofPlayer("/live.mp3", "audio.play()"))
	b.becomes(ofPlayer("/live.mp3", "return audio.currentTime > heard + 3"), true)

	b.run(ofPlayer("/live.ogg", "audio.play().catch(() => {})"))
	b.becomes(ofPlayer("/live.ogg", "return audio.currentTime > 1 && new URL(audio.src).pathname"), "/live.ogg")
	if text := protocols(s, "/live.ogg"); text != "HTTP/1.1" {
		t.Errorf("Vorbis is played by %s", text)
	}

	// A restart is outlasted without a press, also if the page asks while there is no server.
	harness.StopCaddy(t)
	b.becomes(ofPlayer("/live.mp3", "window.heard = audio.currentTime; return audio.readyState < 3"), true) // what it had is played
	if err := s.Load(config); err != nil {
		t.Fatal(err)
	}
	encode()
	b.becomes(ofPlayer("/live.mp3", "return audio.currentTime > heard + 3 && !audio.paused && audio.src.startsWith('blob:')"), true)
	b.open("about:blank")
}

// protocols returns by what a mount is being played.
func protocols(s *harness.Server, mount string) string {
	var all []string
	source, _ := s.Admin("listclients?mount=" + mount).Source(mount)
	for _, n := range source.Nodes {
		if n.XMLName.Local == "listener" {
			p, _ := n.Child("protocol")
			all = append(all, p.Text)
		}
	}
	return strings.Join(all, ", ")
}

// The page has hls.js as npm publishes it, in the version that tests play with.
func TestThePageHasThePublishedScript(t *testing.T) {
	published, err := os.ReadFile("../npm/node_modules/hls.js/dist/hls.light.min.js")
	if err != nil {
		programs.Missing(t, "hls.js is not installed; make deps installs it")
	}
	if own := harness.ReadFile(t, "../../caddymodule/status/hlsjs/hls.light.min.js"); !bytes.Equal([]byte(own), published) {
		t.Error("the scripts differ; make hlsjs copies that of npm")
	}
	if !bytes.Contains(published, []byte(`"`+mountpath.HLSVersion+`"`)) {
		t.Errorf("it is not version %s: mountpath.HLSVersion", mountpath.HLSVersion)
	}
	for _, page := range []string{"README.md", "docs/reference/http.md", "docs/guides/hls.md"} {
		versions := regexp.MustCompile(`hls(?:-|\.js |\.js\]\S+ )(\d+\.\d+\.\d+)`).FindAllStringSubmatch(harness.ReadFile(t, "../../"+page), -1)
		if len(versions) == 0 {
			t.Errorf("%s has no version of hls.js", page)
		}
		for _, v := range versions {
			if v[1] != mountpath.HLSVersion {
				t.Errorf("%s has %q; want %s", page, v[0], mountpath.HLSVersion)
			}
		}
	}
}
