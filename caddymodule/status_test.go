package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddycast/caddycast/internal/version"
)

// status asks for the status page and returns what is in it, its sources apart.
func status(t *testing.T, h *Handler, target string) (icestats map[string]any, source any) {
	t.Helper()
	resp := h.get(t, target)
	checkStatus(t, resp, http.StatusOK)
	if got := resp.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	page := body(t, resp)
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
	h := newHandler(t, &Station{Mounts: []*Mount{{Path: "/secret*", Hidden: new(true)}, {Path: "/off.mp3"}}})
	check := func(target string, want ...string) {
		t.Helper()
		if _, source := status(t, h, target); !slices.Equal(listenURLs(source), want) {
			t.Errorf("%s: %q; want %q", target, listenURLs(source), want)
		}
	}
	const page, url = "/status-json.xsl", "http://example.com"
	check(page)
	h.onAir(t, "/secret.mp3", nil)
	check(page)
	h.onAir(t, "/live.mp3", nil)
	check(page, "object "+url+"/live.mp3")
	h.onAir(t, "/a b%.mp3", nil)
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3")
	ogg := h.onAir(t, "/other.mp3", nil)
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3", url+"/other.mp3")

	check(page+"?mount=/live.mp3", "object "+url+"/live.mp3")
	check(page+"?mount=/a%20b%25.mp3", "object "+url+"/a%20b%25.mp3")
	check(page + "?mount=/secret.mp3")
	check(page + "?mount=/off.mp3")
	check(page + "?mount=/live")
	check(page+"?mount=", url+"/a%20b%25.mp3", url+"/live.mp3", url+"/other.mp3")

	ogg.end()
	check(page, url+"/a%20b%25.mp3", url+"/live.mp3")
}

func TestStatusOfTheStation(t *testing.T) {
	h := newHandler(t, &Station{Location: "Berlin", Contact: `"ops" <ops@example.org>`, Hostname: "radio.example.org:8000"})
	got, _ := status(t, h, "/status-json.xsl")
	for name, want := range map[string]any{
		"admin": `"ops" <ops@example.org>`, "host": "radio.example.org", "location": "Berlin", "server_id": version.ServerID,
	} {
		if got[name] != want {
			t.Errorf("%s: %v; want %v", name, got[name], want)
		}
	}
	for name, layout := range map[string]string{"server_start": timeRFC, "server_start_iso8601": timeISO} {
		if at, err := time.Parse(layout, fmt.Sprint(got[name])); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s: %v (%v)", name, got[name], err)
		}
	}

	h.station.Hostname = ""
	if got, _ = status(t, h, "http://[::1]:8000/status-json.xsl"); got["host"] != "::1" {
		t.Errorf("host %v; want that of the request", got["host"])
	}
}

func TestStatusOfASource(t *testing.T) {
	h := newHandler(t, &Station{Mounts: []*Mount{{Path: "/live.mp3", Subtype: "mp3"}}})
	b := h.onAir(t, "/live.mp3", map[string]string{
		"ice-name": "Radio", "ice-description": "D", "ice-genre": "G", "ice-url": "https://u", "ice-bitrate": "128",
		"ice-audio-info": "ice-samplerate=44100;ice-channels=2;quality=3%2e5;version=1.0.0;listeners=9000;title=no",
	})
	b.mount.SetMetadata("Artist", "Title", "")
	_, source := status(t, h, "/status-json.xsl")
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
	for name, layout := range map[string]string{"stream_start": timeRFC, "stream_start_iso8601": timeISO} {
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
	h := newHandler(t, new(Station))
	h.onAir(t, "/live.mp3", nil)
	_, source := status(t, h, "/status-json.xsl")
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
	h := newHandler(t, new(Station))
	for i, text := range hostile {
		header := map[string]string{
			"ice-audio-info": text + "=" + text + ";x=" + text + ";" + text,
			"content-type":   "audio/mpeg" + text,
		}
		for _, name := range []string{"name", "description", "genre", "url", "bitrate", "public"} {
			header["ice-"+name] = text
		}
		b := h.onAir(t, fmt.Sprintf("/live%d.mp3", i), header)
		b.mount.SetMetadata(text, text, text)
		_, source := status(t, h, fmt.Sprintf("/status-json.xsl?mount=/live%d.mp3", i))
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
	if _, source := status(t, h, "/status-json.xsl"); len(listenURLs(source)) != len(hostile) {
		t.Errorf("%d mounts; want %d", len(listenURLs(source)), len(hostile))
	}
}

// TestASourceCannotSetWhatIsOurs: one that said to be another mount was shown as that on the
// administrator's page, where ending it would have ended the other.
func TestASourceCannotSetWhatIsOurs(t *testing.T) {
	h := newHandler(t, new(Station))
	var lies strings.Builder
	for i, name := range ownKeys {
		fmt.Fprintf(&lies, "%s=lie;", strings.Replace(name, "_", " ", i%2))
	}
	for lie := range slices.Chunk(strings.SplitAfter(lies.String(), ";"), 10) {
		b := h.onAir(t, "/live.mp3", map[string]string{"ice-audio-info": strings.Join(lie, "") + "my own=mine"})
		said := sourceStatus(b.mount, h.station.live.slaves, "")
		if said["my_own"] != "mine" {
			t.Errorf("%v; want what is not ours", said)
		}
		delete(said, "audio_info")
		h.station.addPrivate(said, b.mount)
		for name, value := range said {
			if value == "lie" || name != elementName(name) {
				t.Errorf("a source that says %q sets %s", lie, name)
			}
		}
		b.end()
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]any{
		"0": json.Number("0"), "128": json.Number("128"), "-1": json.Number("-1"), "3.5": json.Number("3.5"),
		"-0": json.Number("-0"), "0.001": json.Number("0.001"), "999999999999999": json.Number("999999999999999"),
		"": "", "-": "-", "01": "01", "+1": "+1", "1.": "1.", ".5": ".5", "1e3": "1e3", "0x10": "0x10", "1\n": "1\n",
		" 1": " 1", "1 2": "1 2", "1.2.3": "1.2.3", "١": "١", "NaN": "NaN", "Quality 5": "Quality 5",
		"9999999999999999": "9999999999999999", "0.1234567891": "0.1234567891",
	} {
		got := number(text)
		if got != want {
			t.Errorf("%q: %#v; want %#v", text, got, want)
		}
		if b, err := json.Marshal(got); err != nil || !json.Valid(b) {
			t.Errorf("%q: %s, %v", text, b, err)
		}
	}
}
