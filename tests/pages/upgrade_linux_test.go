package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// An audio element plays on through upgrades of the program, over plain HTTP and TLS, and requests its
// stream once.
func TestBrowsersPlayOnThroughUpgrades(t *testing.T) {
	harness.Program(t, "chromedriver")
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	s, e := harness.NewServer(t), harness.NewEndpoint(t, nil)
	station := strings.Replace(harness.Station, "{", "{\n on listener_added listener_removed webhook "+e.URL, 1)
	harness.RunProgram(t, programs[1], t.TempDir(), s.WrappedCaddyfile(station))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	harness.ByFFmpegFor(300, "audio/mpeg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3")(t, s, "/live.mp3")
	s.WaitForMount("/live.mp3")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>upgrade</title><audio src="http://%s/live.mp3" autoplay></audio><audio src="https://%s/live.mp3" autoplay></audio><script>
window.said = [];
window.players = [...document.querySelectorAll("audio")];
for (const [i, player] of players.entries())
	for (const event of ["error", "ended", "emptied", "abort", "pause"])
		player.addEventListener(event, () => said.push(i + " " + event));
</script>`, s.Plain, s.TLS)
	}))
	t.Cleanup(site.Close)
	b := newBrowser(t)
	b.open(site.URL)
	playFurther := func(seconds int) {
		t.Helper()
		b.run("window.from = players.map(p => p.currentTime)")
		b.becomes(fmt.Sprintf("return players.every((p, i) => p.currentTime > from[i] + %d)", seconds), true)
	}
	playFurther(2)
	s.WaitForListeners("/live.mp3", len(e.Events(2)))
	for _, program := range programs {
		s.UpgradeTo(program)
		playFurther(10) // more than a player has in hand
	}
	s.WaitForListeners("/live.mp3", 2)
	b.becomes("return said.join()", "")
	if all := e.All(); len(all) != 2 {
		t.Errorf("listeners came or went %d times", len(all))
	}
	b.open("about:blank")
}
