package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/tests/harness"
)

// metadataPlayer is where the files of icecast-metadata-player are, which is what pages
// take that show titles.
const metadataPlayer = "../npm/node_modules/icecast-metadata-player/build"

// titlesPage plays streams by that player once it is clicked on, which some of them want, and
// keeps the title of each.
const titlesPage = `<!doctype html><meta charset="utf-8"><title>titles</title>
<script src="/player/icecast-metadata-player-1.17.13.main.min.js"></script>
<button>play</button><table></table><script>
const titles = {}, failures = [];
document.querySelector("button").onclick = () => {
	for (const {url, types} of %s) {
		const cell = document.querySelector("table").insertRow().insertCell();
		cell.textContent = url;
		new IcecastMetadataPlayer(url, {
			metadataTypes: types,
			onMetadata: got => cell.textContent = url + ": " + (titles[url] = got.StreamTitle || got.TITLE),
			onError: (message, error) => failures.push(url + ": " + message + " " + error),
		}).play();
	}
};
</script>
`

// A page of another origin shows the titles of a stream while it sounds, whatever it is
// encoded in, over HTTP and HTTPS.
func TestPagesShowTheTitlesOfWhatTheyPlay(t *testing.T) {
	harness.Program(t, "chromedriver")
	if _, err := os.Stat(metadataPlayer); err != nil {
		programs.Missing(t, "icecast-metadata-player is not installed; make deps installs it")
	}
	s := harness.Start(t, harness.Station)
	type stream struct {
		URL   string   `json:"url"`
		Types []string `json:"types"`
		mount string
	}
	mounts := []struct {
		path, contentType string
		args              []string
		types             []string
	}{
		{"/live.mp3", "audio/mpeg", []string{"-c:a", "libmp3lame", "-f", "mp3"}, []string{"icy"}},
		{"/live.aac", "audio/aac", []string{"-c:a", "aac", "-f", "adts"}, []string{"icy"}},
		{"/live.opus", "application/ogg", []string{"-c:a", "libopus", "-f", "ogg"}, []string{"ogg"}},
		{"/live.flac", "application/ogg", []string{"-c:a", "flac", "-f", "ogg"}, []string{"ogg"}},
	}
	var streams []stream
	for _, f := range mounts {
		harness.ByFFmpegFor(90, f.contentType, append([]string{"-f", "lavfi", "-i", harness.Tone}, f.args...)...)(t, s, f.path)
		s.WaitForMount(f.path)
		for _, site := range []string{"http://" + s.Plain, "https://" + s.TLS} {
			streams = append(streams, stream{URL: site + f.path, Types: f.types, mount: f.path})
		}
	}
	files := http.FileServer(http.Dir(metadataPlayer))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.StripPrefix("/player/", files).ServeHTTP(w, r)
			return
		}
		list, _ := json.Marshal(streams)
		fmt.Fprintf(w, titlesPage, list)
	}))
	defer site.Close()
	b := newBrowser(t)
	b.open(site.URL + "/")
	b.click("button")
	for _, title := range []string{"First", "Second"} {
		for _, f := range mounts {
			s.SetTitle(f.path, title+" – "+f.path)
		}
		for _, p := range streams {
			b.becomes(fmt.Sprintf("return titles[%q] || failures.join()", p.URL), title+" – "+p.mount)
		}
	}
	b.open("about:blank")
}
