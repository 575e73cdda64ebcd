package hls_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// ear hears what a program plays of some mounts.
type ear interface {
	// seconds returns how long a tone of a mount was heard.
	seconds(mount string, tone int) float64
}

// files are players that write what they play: ffmpeg and VLC.
type files map[string]*wav

func (f files) seconds(mount string, tone int) float64 {
	f[mount].read()
	return float64(f[mount].heard[tone]) / windows
}

// playFFmpeg plays mounts with ffmpeg.
func playFFmpeg(t testing.TB, dir string, urls map[string]string) ear {
	all := make(files)
	for mount, url := range urls {
		path := filepath.Join(dir, "ffmpeg"+strings.ReplaceAll(mount, "/", "-")+".wav")
		harness.Launch(t, "ffmpeg", "-v", "error", "-i", url, "-ar", "48000", "-ac", "1", "-flush_packets", "1", path)
		all[mount] = &wav{path: path, heard: make(map[int]int)}
	}
	return all
}

// playVLC plays mounts with VLC, which does not run as root.
func playVLC(t testing.TB, dir string, urls map[string]string) ear {
	args := []string{"env", "HOME=" + dir, "cvlc", "--no-one-instance", "-q", "-I", "dummy", "--aout=afile", "--audiofile-format=s16"}
	harness.Program(t, "cvlc")
	if os.Getuid() == 0 {
		args = append([]string{"setpriv", "--reuid", "65534", "--clear-groups"}, args...)
	}
	all := make(files)
	for mount, url := range urls {
		path := filepath.Join(dir, "vlc"+strings.ReplaceAll(mount, "/", "-")+".wav")
		harness.Launch(t, args[0], append(args[1:], "--audiofile-file="+path, url)...)
		all[mount] = &wav{path: path, heard: make(map[int]int)}
	}
	return all
}

// tonesPage plays mounts by hls.js, as docs/guides/hls.md has it, or by shaka, and reports four
// times a second which tones it hears.
const tonesPage = `<!doctype html><meta charset="utf-8"><title>HLS</title><script src="hls.js"></script><script src="shaka.js"></script><script>
const mounts = %s, by = %q, tones = %s, context = new AudioContext(), heard = {}, levels = [];
const patient = {maxTimeToFirstByteMs: 20000, maxLoadTimeMs: 40000, timeoutRetry: {maxNumRetry: 5, retryDelayMs: 1000, maxRetryDelayMs: 1000}, errorRetry: {
	maxNumRetry: 60, retryDelayMs: 1000, maxRetryDelayMs: 1000,
	shouldRetry: (settings, count, timeout, answer) => count < settings.maxNumRetry && !(answer?.code >= 400 && answer.code < 500),
}};
for (const [mount, url] of Object.entries(mounts)) {
	const audio = document.createElement("audio"), level = context.createAnalyser();
	level.fftSize = 4096;
	context.createMediaElementSource(audio).connect(level).connect(context.destination);
	heard[mount] = {errors: []};
	levels.push([heard[mount], level, new Float32Array(level.fftSize)]);
	document.documentElement.append(audio);
	audio.autoplay = true;
	if (by === "hls.js") {
		const hls = new Hls({playlistLoadPolicy: {default: patient}, fragLoadPolicy: {default: patient}});
		hls.on(Hls.Events.ERROR, (_, e) => e.fatal && heard[mount].errors.push(e.details));
		hls.loadSource(url);
		hls.attachMedia(audio);
	} else {
		const player = new shaka.Player();
		player.addEventListener("error", e => heard[mount].errors.push(e.detail.code));
		player.attach(audio).then(() => player.load(url)).catch(e => heard[mount].errors.push(e.code));
	}
}
const power = (samples, tone) => { // by Goertzel's algorithm
	const c = 2 * Math.cos(2 * Math.PI * tone / context.sampleRate);
	let a = 0, b = 0;
	for (const s of samples) [a, b] = [s + c * a - b, a];
	return a * a + b * b - c * a * b;
};
setInterval(() => {
	for (const [heard, level, samples] of levels) {
		level.getFloatTimeDomainData(samples);
		const energy = samples.reduce((sum, s) => sum + s * s, 0);
		for (const tone of tones)
			if (energy > .01 && 2 * power(samples, tone) / samples.length > energy * .8) heard[tone] = (heard[tone] ?? 0) + .25;
	}
	fetch("report", {method: "POST", body: JSON.stringify(heard)});
}, 250);
context.resume();
</script>
`

// browser is a page in a browser.
type browser struct {
	mu    sync.Mutex
	heard map[string]map[string]any
}

func (b *browser) seconds(mount string, tone int) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, _ := b.heard[mount][fmt.Sprint(tone)].(float64)
	return n
}

// String returns what was heard, and the errors of the players.
func (b *browser) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(b.heard)
}

// serve serves the page with the players by a script, and returns its address.
func (b *browser) serve(t testing.TB, urls map[string]string, by string) string {
	needPlayers(t)
	mounts, _ := json.Marshal(urls)
	hz, _ := json.Marshal(tones)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case servePlayer(w, r):
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, tonesPage, mounts, by, hz)
		case r.URL.Path == "/report":
			var heard map[string]map[string]any
			if body, err := io.ReadAll(r.Body); err == nil && json.Unmarshal(body, &heard) == nil {
				b.mu.Lock()
				b.heard = heard
				b.mu.Unlock()
			}
		}
	}))
	t.Cleanup(func() {
		site.CloseClientConnections()
		site.Close()
	})
	return site.URL + "/"
}

// playChromium plays mounts in Chromium by hls.js or by shaka.
func playChromium(by string) func(testing.TB, string, map[string]string) ear {
	return func(t testing.TB, dir string, urls map[string]string) ear {
		b := new(browser)
		openChromium(t, b.serve(t, urls, by))
		return b
	}
}
