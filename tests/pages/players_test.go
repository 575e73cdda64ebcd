package pages

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// page plays streams, from another origin than theirs, and reports how each of
// them goes.
const page = `<!doctype html><meta charset="utf-8"><title>players</title><script>
for (const {name, element, url} of %s) {
	const player = document.createElement(element);
	const report = text => fetch("/report", {method: "POST", body: JSON.stringify({name, text})});
	player.crossOrigin = "anonymous";
	player.autoplay = true;
	player.addEventListener("error", () => report("error " + player.error.code + ": " + player.error.message));
	const timer = setInterval(() => {
		if (player.currentTime > 2) {
			clearInterval(timer);
			player.removeAttribute("src"); // lets go of its connection: there are six for each host over HTTP/1
			player.load();
			report("played");
		}
	}, 100);
	player.src = url;
	document.documentElement.append(player);
}
</script>
`

type player struct {
	Name    string `json:"name"`
	Element string `json:"element"`
	URL     string `json:"url"`
}

// openPage opens a page in Chromium, which is ended with the test. report is called with each
// body that the page posts to /report, on goroutines of the page's server.
func openPage(t testing.TB, html string, report func(body io.Reader)) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, html)
		case "/report":
			report(r.Body)
		default:
			http.NotFound(w, r)
		}
	}))
	// Children of the browser write for a moment after its end, so its folder is removed with all others.
	dir, err := os.MkdirTemp(harness.Storage, "chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd, said := harness.Launch(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--autoplay-policy=no-user-gesture-required", "--ignore-certificate-errors", "--remote-debugging-port=0",
		"--user-data-dir="+dir, site.URL+"/")
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		site.Close()
		if t.Failed() {
			t.Logf("chromium says\n%s", said)
		}
	})
}

// browse opens a page with players in Chromium and returns what they report first.
func browse(t testing.TB, players []player) map[string]string {
	t.Helper()
	type report struct{ Name, Text string }
	reports := make(chan report, 10*len(players))
	list, err := json.Marshal(players)
	if err != nil {
		t.Fatal(err)
	}
	openPage(t, fmt.Sprintf(page, list), func(body io.Reader) {
		var got report
		_ = json.NewDecoder(body).Decode(&got)
		select {
		case reports <- got:
		default:
		}
	})
	first := make(map[string]string)
	for timeout := time.After(harness.Patience); len(first) < len(players); {
		select {
		case r := <-reports:
			if _, ok := first[r.Name]; !ok {
				first[r.Name] = r.Text
			}
		case <-timeout:
			t.Errorf("only %d of %d players report in time", len(first), len(players))
			return first
		}
	}
	return first
}

// Browsers play, from a page of another origin, what they have decoders for.
func TestBrowsersPlay(t *testing.T) {
	harness.Program(t, "chromium")
	s := harness.Start(t, harness.Station)
	streams := []struct {
		name, element, contentType string
		args                       []string
	}{
		{"MP3", "audio", "audio/mpeg", []string{"-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3"}},
		{"AAC", "audio", "audio/aac", []string{"-f", "lavfi", "-i", harness.Tone, "-c:a", "aac", "-f", "adts"}},
		{"Opus", "audio", "audio/ogg", []string{"-f", "lavfi", "-i", harness.Tone, "-c:a", "libopus", "-f", "ogg"}},
		// Of a tone Vorbis makes so little that Chromium takes half a minute to have enough.
		{"Vorbis", "audio", "application/ogg", []string{"-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.1", "-ac", "2", "-c:a", "libvorbis", "-f", "ogg"}},
		{"FLAC", "audio", "audio/flac", []string{"-f", "lavfi", "-i", harness.Tone, "-c:a", "flac", "-f", "flac"}},
		{"WebM with Opus", "audio", "audio/webm", []string{"-f", "lavfi", "-i", harness.Tone, "-c:a", "libopus", "-f", "webm", "-live", "1"}},
		{"WebM with VP8 and Opus", "video", "video/webm", []string{
			"-f", "lavfi", "-i", harness.TestPicture, "-f", "lavfi", "-i", harness.Tone,
			"-c:v", "libvpx", "-g", "10", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm", "-live", "1",
		}},
	}
	var players []player
	for i, f := range streams {
		mount := fmt.Sprintf("/stream%d", i)
		harness.ByFFmpegFor(90, f.contentType, f.args...)(t, s, mount) // it is ended with the test
		players = append(players, player{f.name, f.element, "http://" + s.Plain + mount}, player{f.name + " over TLS", f.element, "https://" + s.TLS + mount})
	}
	for i := range streams {
		s.WaitForMount(fmt.Sprintf("/stream%d", i))
	}
	reports := browse(t, players)
	for _, p := range players {
		if got := reports[p.Name]; got != "played" {
			t.Errorf("%s: %q", p.Name, got)
		}
	}
}

// A browser opens six connections to a host over HTTP/1, so a seventh stream waits until
// one of them is closed. Over HTTP/2 all of them share one.
func TestABrowserHearsSixStreamsOfAHostOverHTTP1AndMoreOverHTTP2(t *testing.T) {
	harness.Program(t, "chromedriver")
	s := harness.Start(t, harness.Station)
	harness.ByFFmpegFor(90, "audio/mpeg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3")(t, s, "/m")
	s.WaitForMount("/m")
	b := newBrowser(t)
	for _, c := range []struct {
		site  string
		heard int
	}{{"http://" + s.Plain, 6}, {"https://" + s.TLS, 12}} {
		b.open(c.site + "/status-json.xsl") // a page that may ask here, and holds no connection
		b.run(fmt.Sprintf(`window.all = [];
			for (let i = 0; i < 12; i++) {
				all.push(new Audio(%q + i));
				all[i].play().catch(() => {});
			}`, c.site+"/m?"))
		b.becomes("return all.filter(a => a.currentTime > 1).length", c.heard)
		s.WaitForListeners("/m", c.heard)
		b.run("all[0].removeAttribute('src'); all[0].load()")
		b.becomes("return all.slice(6).filter(a => a.currentTime > 0).length", max(1, c.heard-6))
	}
	b.open("about:blank")
}
