package hls_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/tests/harness"
)

// hlsPage plays mounts by hls.js, from another origin than theirs, and reports errors, stalls, titles,
// how far each has played, and how many seconds it is behind the source.
const hlsPage = `<!doctype html><meta charset="utf-8"><title>HLS</title><script src="hls.js"></script><script>
for (const url of %s) {
	const player = document.createElement("audio"), hls = new Hls();
	const report = (kind, text) => fetch("/report", {method: "POST", body: JSON.stringify({url, kind, text: String(text)})});
	hls.on(Hls.Events.ERROR, (_, e) => e.fatal ? report("error", e.details + " " + (e.error || "")) : e.details == "bufferStalledError" && report("stall", player.currentTime));
	hls.on(Hls.Events.FRAG_PARSING_METADATA, (_, m) => {
		for (const s of m.samples) report("title", new TextDecoder().decode(s.data));
	});
	setInterval(() => report("played", player.currentTime), 500);
	setInterval(() => report("latency", hls.latency), 500);
	player.muted = player.autoplay = true;
	hls.loadSource(url);
	hls.attachMedia(player);
	hls.on(Hls.Events.MANIFEST_PARSED, () => player.play());
	document.documentElement.append(player);
}
</script>
`

// report is what a page says.
type report struct{ URL, Kind, Text string }

// openPlayers opens a page that plays the mounts in Chromium. Its reports come until the test
// ends.
func openPlayers(t testing.TB, urls []string) <-chan report {
	t.Helper()
	list, _ := json.Marshal(urls)
	return openPage(t, fmt.Sprintf(hlsPage, list))
}

// playerScripts are the players by script, in the folder of npm's packages.
var playerScripts = map[string]string{"/hls.js": "hls.js/dist/hls.min.js", "/shaka.js": "shaka-player/dist/shaka-player.compiled.js"}

// servePlayer answers with a player, if the path is that of one.
func servePlayer(w http.ResponseWriter, r *http.Request) bool {
	file, ok := playerScripts[r.URL.Path]
	if ok {
		w.Header().Set("Content-Type", "text/javascript")
		http.ServeFile(w, r, npmFolder+file)
	}
	return ok
}

const npmFolder = "../npm/node_modules/"

// needPlayers ends the test if the players are not installed.
func needPlayers(t testing.TB) {
	t.Helper()
	for _, file := range playerScripts {
		if _, err := os.Stat(npmFolder + file); err != nil {
			programs.Missing(t, file+" is not installed; make deps installs it")
		}
	}
}

// openPage opens a page in Chromium, beside which are the players. Its reports come until the test ends.
func openPage(t testing.TB, page string) <-chan report {
	t.Helper()
	needPlayers(t)
	reports, over := make(chan report, 100), t.Context().Done()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case servePlayer(w, r):
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, page)
		case r.URL.Path == "/report":
			var said report
			body, _ := io.ReadAll(r.Body)
			if json.Unmarshal(body, &said) == nil {
				select {
				case reports <- said:
				case <-over:
				}
			}
		}
	}))
	t.Cleanup(func() {
		site.CloseClientConnections()
		site.Close()
	})
	openChromium(t, site.URL+"/")
	return reports
}

// openChromium opens a page in Chromium, until the test ends.
func openChromium(t testing.TB, url string) {
	t.Helper()
	dir, err := os.MkdirTemp(harness.Storage, "chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd, said := harness.Launch(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", "--user-data-dir="+dir, url)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("chromium says\n%s", said)
		}
	})
}

// sources are streams of each codec that HLS carries, by ffmpeg.
var sources = map[string][]string{
	"/live.mp3":  {"-content_type", "audio/mpeg", "-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"},
	"/live.aac":  {"-content_type", "audio/aac", "-c:a", "aac", "-b:a", "96k", "-f", "adts"},
	"/live.opus": {"-content_type", "application/ogg", "-c:a", "libopus", "-b:a", "64k", "-page_duration", "20000", "-f", "ogg"},
	"/live.flac": {"-content_type", "audio/flac", "-c:a", "flac", "-f", "flac"},
}

// encode begins to send a stream to a mount, until the returned function is called.
func encode(t testing.TB, s *harness.Server, mount string) (end func()) {
	t.Helper()
	return encodeAs(t, s, mount, sources[mount])
}

// encodeAs begins to send a stream to a mount as ffmpeg's arguments make it.
func encodeAs(t testing.TB, s *harness.Server, mount string, codec []string) (end func()) {
	t.Helper()
	args := append([]string{"-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", harness.Tone}, codec...)
	cmd, _ := harness.Launch(t, "ffmpeg", append(args, "-flush_packets", "1", "icecast://source:hackme@"+s.Plain+mount)...)
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// hls.js plays each codec, counts as one listener, sees the title, and goes on by itself each
// time that the encoder is gone for a moment.
func TestHLSJSPlaysInChromium(t *testing.T) {
	s := harness.Start(t, station("mount /* {\n\t\t"+short+"\n\t}"))
	var urls []string
	ends := make(map[string]func())
	for mount := range sources {
		ends[mount] = encode(t, s, mount)
		urls = append(urls, "http://"+s.Plain+mount+".m3u8")
	}
	for mount := range sources {
		harness.Eventually(t, mount+" is there", func() error { return answers(get(t, s, mount+".m3u8"), http.StatusOK) })
		s.Admin("metadata?mode=updinfo&mount=" + mount + "&song=" + url.QueryEscape("A title of "+mount))
	}
	reports := openPlayers(t, urls)
	titled, last := make(map[string]bool), make(map[string]float64)
	further := func(seconds float64) { // until all have played so much more
		from := maps.Clone(last)
		harness.Eventually(t, "all play on", func() error {
			for {
				select {
				case r := <-reports:
					var at float64
					switch {
					case r.Kind == "error":
						t.Fatalf("%s: %s", r.URL, r.Text)
					case r.Kind == "title" && strings.Contains(r.Text, "A title of"):
						titled[r.URL] = true
					case r.Kind == "played":
						if _, err := fmt.Sscan(r.Text, &at); err == nil {
							last[r.URL] = max(last[r.URL], at)
						}
					}
					continue
				default:
				}
				break
			}
			for _, u := range urls {
				if last[u]-from[u] < seconds || !titled[u] {
					return fmt.Errorf("%s has played %g s, and seen a title: %v", u, last[u], titled[u])
				}
			}
			return nil
		})
	}
	further(3)
	for mount := range sources {
		s.WaitForListeners(mount, 1)
	}
	for range 3 {
		for mount, end := range ends {
			end()
			ends[mount] = encode(t, s, mount)
		}
		further(5) // more than players have in hand
	}
}
