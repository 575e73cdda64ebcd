package hls_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// titlesPage plays mounts by hls.js and by shaka, and reports the titles of date ranges when they begin
// to sound.
const titlesPage = `<!doctype html><meta charset="utf-8"><title>HLS</title><script src="hls.js"></script><script src="shaka.js"></script><script>
for (const url of %s) {
	const report = (kind, text) => fetch("/report", {method: "POST", body: JSON.stringify({url, kind, text: String(text)})});
	const hls = new Hls(), byHLS = document.createElement("audio"), byShaka = document.createElement("audio"), player = new shaka.Player();
	hls.on(Hls.Events.ERROR, (_, e) => e.fatal && report("error", e.details));
	byHLS.textTracks.addEventListener("addtrack", ({track}) => {
		track.mode = "hidden";
		track.addEventListener("cuechange", () => {
			for (const cue of track.activeCues) if (cue.value?.key === "X-TITLE") report("hls.js", cue.value.data);
		});
	});
	player.addEventListener("error", e => report("error", e.detail.code));
	player.addEventListener("metadata", e => e.payload?.key === "X-TITLE" && report("shaka", e.payload.data));
	for (const audio of [byHLS, byShaka]) {
		audio.muted = audio.autoplay = true;
		document.documentElement.append(audio);
	}
	hls.loadSource(url);
	hls.attachMedia(byHLS);
	player.attach(byShaka).then(() => player.load(url)).catch(e => report("error", e.code));
}
</script>
`

// rangeTag is the tag of a title in a list.
var rangeTag = regexp.MustCompile(`(?m)^#EXT-X-DATERANGE:ID="[^"]+",CLASS="org.caddycast.title",START-DATE="([^"]+)",END-ON-NEXT=YES,X-TITLE="([^"]+)"(?:,X-URL="([^"]+)")?$`)

// Titles of playlists begin when they were set, are in the sound only if they shall be, and players
// tell of them when they sound.
func TestTitlesOfPlaylistsReachPlayers(t *testing.T) {
	var mounts strings.Builder
	var urls []string
	s := harness.NewServer(t)
	kinds := []string{"id3", "daterange", "both", "off"}
	for _, kind := range kinds {
		fmt.Fprintf(&mounts, "mount /%s.aac {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\tmetadata %s\n\t\t}\n\t}\n\t", kind, kind)
	}
	if err := s.Load(station(mounts.String())); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		encodeAs(t, s, "/"+kind+".aac", sources["/live.aac"])
		harness.Eventually(t, kind+" is there", func() error { return answers(get(t, s, "/"+kind+".aac.m3u8"), http.StatusOK) })
	}
	for _, kind := range []string{"daterange", "both"} {
		urls = append(urls, "http://"+s.Plain+"/"+kind+".aac.m3u8")
	}
	addresses, _ := json.Marshal(urls)
	reports := openPage(t, fmt.Sprintf(titlesPage, addresses))
	title := `A 🎸 "quoted" title ` + strings.Repeat("ä", 300)
	clean := strings.ReplaceAll(title, `"`, "'")
	var set time.Time
	number := 0
	heard := make(map[string]bool)
	harness.Eventually(t, "players tell of the title", func() error {
		if time.Since(set) > 4*time.Second { // shaka tells of a range when it knows the end
			set = time.Now()
			number++
			for _, kind := range kinds {
				s.Admin("metadata?mode=updinfo&mount=/" + kind + ".aac&song=" + url.QueryEscape(fmt.Sprint(number, " ", title)) + "&url=" + url.QueryEscape("https://example.org/cover.jpg"))
			}
		}
		for {
			select {
			case r := <-reports:
				if r.Kind == "error" {
					t.Fatalf("%s: %s", r.URL, r.Text)
				}
				if strings.HasSuffix(r.Text, " "+clean) {
					heard[r.URL+" "+r.Kind] = true
				}
				continue
			default:
			}
			break
		}
		for _, u := range urls {
			for _, player := range []string{"hls.js", "shaka"} {
				if !heard[u+" "+player] {
					return fmt.Errorf("%s has told nothing of %s; told: %v", player, u, heard)
				}
			}
		}
		return nil
	})
	for _, kind := range kinds {
		p := newPlayer(t, s, "/"+kind+".aac")
		var body string
		p.until("the last title has come", func(list) bool {
			body = text(t, get(t, s, p.path))
			return kind == "id3" || kind == "off" || strings.Contains(body, fmt.Sprint(`X-TITLE="`, number, " "))
		})
		var found []string
		for _, one := range rangeTag.FindAllStringSubmatch(body, -1) {
			found = one // the last one
		}
		if wanted := kind == "daterange" || kind == "both"; wanted != (found != nil) {
			t.Fatalf("%s:\n%s", kind, body)
		} else if wanted {
			if at, err := time.Parse(time.RFC3339, found[1]); err != nil || at.Sub(set).Abs() > 3*time.Second || found[2] != fmt.Sprint(number, " ", clean) || found[3] != "https://example.org/cover.jpg" {
				t.Errorf("set at %v: %q", set, found)
			}
		}
		tagged := strings.Contains(string(p.files[len(p.files)-1]), "TIT2")
		if wanted := kind == "id3" || kind == "both"; wanted != tagged {
			t.Errorf("%s: a tag in the sound: %v", kind, tagged)
		}
	}
}
