package status_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/caddymodule/status"
	"github.com/caddycast/caddycast/internal/version"
)

// statusOf asks for the status page and returns what is in it, its sources apart.
func statusOf(t *testing.T, h *moduletest.Station, target string) (icestats map[string]any, source any) {
	t.Helper()
	resp := h.Get(t, target)
	moduletest.CheckStatus(t, resp, http.StatusOK)
	if got := resp.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	page := moduletest.Body(t, resp)
	if !utf8.ValidString(page) {
		t.Errorf("the page is not UTF-8: %q", page)
	}
	var whole struct{ Icestats map[string]any }
	if err := json.Unmarshal([]byte(page), &whole); err != nil {
		t.Fatalf("%v in %s", err, page)
	}
	source, ok := whole.Icestats["source"]
	if ok && source == nil {
		t.Error("source is there, but null")
	}
	delete(whole.Icestats, "source")
	return whole.Icestats, source
}

// listenURLs returns the URLs of sources, whichever way they are written.
func listenURLs(source any) []string {
	var urls []string
	switch s := source.(type) {
	case map[string]any:
		urls = append(urls, "object "+s["listenurl"].(string))
	case []any:
		for _, one := range s {
			urls = append(urls, one.(map[string]any)["listenurl"].(string))
		}
	}
	return urls
}

func TestStatusListsTheMountsOnTheAir(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/secret*", Hidden: new(true)}, {Path: "/off.mp3"}}})
	check := func(target string, want ...string) {
		t.Helper()
		if _, source := statusOf(t, h, target); !slices.Equal(listenURLs(source), want) {
			t.Errorf("%s: %q; want %q", target, listenURLs(source), want)
		}
	}
	const page, url = "/status-json.xsl", "http://example.com"
	check(page)
	h.OnAir(t, "/secret.mp3", nil)
	check(page)
	h.OnAir(t, "/live.mp3", nil)
	check(page, "object "+url+"/live.mp3")
	h.OnAir(t, "/a b%.mp3", nil)
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3")
	ogg := h.OnAir(t, "/other.mp3", nil)
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3", url+"/other.mp3")

	check(page+"?mount=/live.mp3", "object "+url+"/live.mp3")
	check(page+"?mount=/a%20b%25.mp3", "object "+url+"/a%20b%25.mp3")
	check(page + "?mount=/secret.mp3")
	check(page + "?mount=/off.mp3")
	check(page + "?mount=/live")
	check(page+"?mount=", url+"/a%20b%25.mp3", url+"/live.mp3", url+"/other.mp3")

	ogg.End()
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3")
}

func TestStatusOfTheStation(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Location: "Berlin", Contact: `"ops" <ops@example.org>`, Hostname: "radio.example.org:8000"})
	got, _ := statusOf(t, h, "/status-json.xsl")
	for name, want := range map[string]any{
		"admin": `"ops" <ops@example.org>`, "host": "radio.example.org", "location": "Berlin", "server_id": version.ServerID,
	} {
		if got[name] != want {
			t.Errorf("%s: %v; want %v", name, got[name], want)
		}
	}
	for name, layout := range map[string]string{"server_start": status.TimeRFC, "server_start_iso8601": status.TimeISO} {
		if at, err := time.Parse(layout, fmt.Sprint(got[name])); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: %v (%v)", name, got[name], err)
		}
	}

	h.Identity.Hostname = ""
	if got, _ = statusOf(t, h, "http://[::1]:8000/status-json.xsl"); got["host"] != "::1" {
		t.Errorf("host %v; want that of the request", got["host"])
	}
}

func TestStatusOfASource(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3", Subtype: "mp3"}}})
	b := h.OnAir(t, "/live.mp3", map[string]string{
		"ice-name": "Radio", "ice-description": "D", "ice-genre": "G", "ice-url": "https://u", "ice-bitrate": "128",
		"ice-audio-info": "ice-samplerate=44100;ice-channels=2;quality=3%2e5;version=1.0.0;listeners=9000;title=no",
	})
	b.Mount.SetMetadata("Artist", "Title", "")
	_, source := statusOf(t, h, "/status-json.xsl")
	got, ok := source.(map[string]any)
	if !ok {
		t.Fatalf("source is %v", source)
	}
	want := map[string]any{
		"artist": "Artist", "title": "Title", "bitrate": 128.0, "genre": "G", "listener_peak": 0.0, "listeners": 0.0,
		"listenurl": "http://example.com/live.mp3", "server_description": "D", "server_name": "Radio",
		"server_type": "audio/mpeg", "server_url": "https://u", "subtype": "mp3",
		"ice-samplerate": 44100.0, "ice-channels": 2.0, "quality": 3.5, "version": "1.0.0",
		"audio_info": "ice-samplerate=44100;ice-channels=2;quality=3%2e5;version=1.0.0;listeners=9000;title=no",
	}
	for name, layout := range map[string]string{"stream_start": status.TimeRFC, "stream_start_iso8601": status.TimeISO} {
		if at, err := time.Parse(layout, fmt.Sprint(got[name])); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: %v (%v)", name, got[name], err)
		}
		delete(got, name)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

func TestStatusOfASourceThatSaysNothing(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	h.OnAir(t, "/live.mp3", nil)
	_, source := statusOf(t, h, "/status-json.xsl")
	got := source.(map[string]any)
	delete(got, "stream_start")
	delete(got, "stream_start_iso8601")
	want := map[string]any{
		"genre": "various", "listener_peak": 0.0, "listeners": 0.0, "listenurl": "http://example.com/live.mp3",
		"server_description": "Unspecified description", "server_name": "Unspecified name", "server_type": "audio/mpeg",
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// TestStatusIsJSONWhateverASourceSays: Icecast's page was broken by each of
// these at some time.
func TestStatusIsJSONWhateverASourceSays(t *testing.T) {
	hostile := []string{
		`"`, `\`, `\u0000`, "\x00", "\x1b[2J", "a\nb\rc", "\xff\xfe", "\xed\xa0\x80", "\u2028\u2029", "\u202e", "</script>",
		"NaN", "Infinity", "-", "00", "01", "+1", "1.", ".5", "1e999", "0x10", "99999999999999999999999", "{}", "null", "true",
		strings.Repeat("ü", 5000),
	}
	h := moduletest.New(t, new(caddymodule.Station))
	for i, text := range hostile {
		header := map[string]string{
			"ice-audio-info": text + "=" + text + ";x=" + text + ";" + text,
			"content-type":   "audio/mpeg" + text,
		}
		for _, name := range []string{"name", "description", "genre", "url", "bitrate", "public"} {
			header["ice-"+name] = text
		}
		b := h.OnAir(t, fmt.Sprintf("/live%d.mp3", i), header)
		b.Mount.SetMetadata(text, text, text)
		_, source := statusOf(t, h, fmt.Sprintf("/status-json.xsl?mount=/live%d.mp3", i))
		got, ok := source.(map[string]any)
		if !ok {
			t.Errorf("%.20q: source is %v", text, source)
			continue
		}
		for name, value := range got {
			if s, ok := value.(string); ok && strings.ContainsAny(s, "\x00\x1b\r\n") {
				t.Errorf("%.20q: %s is %q", text, name, s)
			}
		}
	}
	if _, source := statusOf(t, h, "/status-json.xsl"); len(listenURLs(source)) != len(hostile) {
		t.Errorf("%d mounts; want %d", len(listenURLs(source)), len(hostile))
	}
}

// TestASourceCannotSetWhatIsOurs: one that said to be another mount was shown as that on the
// administrator's page, where ending it would have ended the other.
func TestASourceCannotSetWhatIsOurs(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{AdminPassword: &auth.Credential{Password: "admin"}})
	var lies strings.Builder
	for i, name := range status.OwnKeys {
		fmt.Fprintf(&lies, "%s=lie;", strings.Replace(name, "_", " ", i%2))
	}
	for lie := range slices.Chunk(strings.SplitAfter(lies.String(), ";"), 10) {
		b := h.OnAir(t, "/live.mp3", map[string]string{"ice-audio-info": strings.Join(lie, "") + "my own=mine"})
		resp := h.Do(t, asAdmin(httptest.NewRequest(http.MethodGet, "/admin/stats.json?mount=/live.mp3", nil)))
		moduletest.CheckStatus(t, resp, 200)
		var stats struct {
			Icestats struct{ Source []map[string]any }
		}
		if err := json.Unmarshal([]byte(moduletest.Body(t, resp)), &stats); err != nil || len(stats.Icestats.Source) != 1 {
			t.Fatalf("%v, %v; want one source", err, stats)
		}
		said := stats.Icestats.Source[0]
		if said["my_own"] != "mine" {
			t.Errorf("%v; want what is not ours", said)
		}
		delete(said, "audio_info")
		for name, value := range said {
			if value == "lie" || name != status.ElementName(name) {
				t.Errorf("a source that says %q sets %s", lie, name)
			}
		}
		b.End()
	}
}

// asAdmin gives a request the administrator's credentials.
func asAdmin(r *http.Request) *http.Request {
	r.SetBasicAuth("admin", "admin")
	return r
}
