package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// browser is a Chromium that is driven by WebDriver.
type browser struct {
	t       testing.TB
	session string // URL
}

// newBrowser starts one, which is ended with the test.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	chromium := harness.Program(t, "chromium")
	at := harness.FreeAddress(t)
	harness.Launch(t, "chromedriver", "--port="+harness.Port(at))
	b := &browser{t: t}
	harness.Eventually(t, "chromedriver answers", func() error {
		resp, err := http.Get("http://" + at + "/status")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	})
	var made struct{ SessionID string }
	b.session = "http://" + at + "/session"
	b.do(http.MethodPost, "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "acceptInsecureCerts": true,
		"goog:chromeOptions": map[string]any{"binary": chromium, "args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--autoplay-policy=no-user-gesture-required",
			"--user-data-dir=" + t.TempDir(),
		}},
	}}}, &made)
	b.session += "/" + made.SessionID
	t.Cleanup(func() { b.do(http.MethodDelete, "", nil, nil) })
	return b
}

// do sends a command, and reads what it returns into value.
func (b *browser) do(method, command string, body, value any) {
	b.t.Helper()
	if body == nil {
		body = map[string]any{}
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequest(method, b.session+command, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("the browser answers %s to %s: %s", resp.Status, command, answer)
	}
	var got struct{ Value json.RawMessage }
	if err := json.Unmarshal(answer, &got); err != nil {
		b.t.Fatal(err)
	}
	if value != nil {
		if err := json.Unmarshal(got.Value, value); err != nil {
			b.t.Fatalf("%s: %v", got.Value, err)
		}
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.do(http.MethodPost, "/url", map[string]any{"url": url}, nil)
}

// run runs a script in the page and returns what it returns.
func (b *browser) run(script string) (value any) {
	b.t.Helper()
	b.do(http.MethodPost, "/execute/sync", map[string]any{"script": script, "args": []any{}}, &value)
	return value
}

// click clicks on an element as a person does, which lets a page make sound.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(http.MethodPost, b.find(selector)+"/click", nil, nil)
}

// press presses a key on an element.
func (b *browser) press(selector, key string) {
	b.t.Helper()
	b.do(http.MethodPost, b.find(selector)+"/value", map[string]any{"text": key}, nil)
}

// find returns the path of commands for an element.
func (b *browser) find(selector string) (path string) {
	b.t.Helper()
	found := make(map[string]string)
	b.do(http.MethodPost, "/element", map[string]any{"using": "css selector", "value": selector}, &found)
	for _, id := range found {
		path = "/element/" + id
	}
	return path
}

// becomes waits until a script returns a value.
func (b *browser) becomes(script string, want any) {
	b.t.Helper()
	harness.Eventually(b.t, fmt.Sprintf("%s is %v", script, want), func() error {
		if got := b.run(script); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
}

func TestTheStatusPageTellsWhatPlaysAndPlaysIt(t *testing.T) {
	harness.Program(t, "chromedriver")
	s := harness.Start(t, `icecast {
		name "Radio <Example>"
		source_password hackme
		admin_password letmein
		mount /secret.mp3 {
			hidden
		}
		mount /standby.mp3 {
			name "Always there"
			fallback standby
		}
		mount /silent.mp3 {
		}
	}`)
	for _, mount := range []string{"/live.mp3", "/secret.mp3"} {
		harness.ByFFmpegFor(60, "audio/mpeg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3")(t, s, mount)
		s.WaitForMount(mount)
	}
	s.SetTitle("/live.mp3", "First & <b>Song</b>")
	b := newBrowser(t)
	b.open("http://" + s.Plain + "/")
	b.becomes("return document.title", "Radio <Example>")
	b.becomes("return document.querySelectorAll('article').length", 2)
	b.becomes("return document.querySelectorAll('article h2')[1].textContent", "Always there") // though nobody listens yet
	b.becomes("return document.querySelector('.song').textContent", "First & <b>Song</b>")
	b.run("document.querySelector('audio').play()")
	b.becomes("return document.querySelector('audio').currentTime > 2", true)
	b.becomes("return document.querySelector('.listeners').textContent", "1 listening")
	s.SetTitle("/live.mp3", "Second Song")
	b.becomes("return document.querySelector('.song').textContent", "Second Song")
	if err := s.Reload(harness.Station); err != nil { // the page asks anew
		t.Fatal(err)
	}
	s.SetTitle("/live.mp3", "Third Song")
	b.becomes("return document.querySelector('.song').textContent", "Third Song")
	b.run("document.querySelector('audio').pause(); document.querySelector('audio').removeAttribute('src')")
	b.open("about:blank")
}

// A master sends listeners to slaves, and require_tls sends them to another port: the page is to play that, too.
func TestTheStatusPagePlaysWhatIsSentElsewhere(t *testing.T) {
	harness.Program(t, "chromedriver")
	s := harness.Start(t, harness.Station, "@listener {\n\t\tmethod GET\n\t\tpath /live.mp3\n\t}\n\tredir @listener http://localhost:{http.request.port}/other.mp3")
	for _, mount := range []string{"/live.mp3", "/other.mp3"} {
		harness.ByFFmpegFor(60, "audio/mpeg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3")(t, s, mount)
	}
	s.WaitForMount("/other.mp3")
	b := newBrowser(t)
	b.open("http://" + s.Plain + "/")
	b.becomes("return document.querySelectorAll('article').length", 2)
	b.run("document.querySelector('audio').play()")
	b.becomes("return document.querySelector('audio').currentTime > 1", true)
	b.run("document.querySelector('audio').pause(); document.querySelector('audio').removeAttribute('src')")
	b.open("about:blank")
}

func TestTheAdministratorsPageActs(t *testing.T) {
	harness.Program(t, "chromedriver")
	s := harness.Start(t, harness.Station)
	live, other := s.DescribedSource("/live.mp3", 1), s.DescribedSource("/other.mp3", 2)
	w, gone := s.ListenVerifying("/live.mp3", harness.HTTP1, false), s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false)
	harness.WaitForSource(t, "at home", 1, w, gone)
	b := newBrowser(t)
	b.open("http://admin:letmein@" + s.Plain + "/admin/")
	b.becomes("return document.querySelectorAll('#mounts tr').length", 2)
	b.becomes("return document.querySelectorAll('#listeners tr').length", 2)
	b.becomes("return [...document.querySelectorAll('#events td:nth-child(2)')].map(td => td.textContent).slice(0, 2).join()", "source_connected,source_connected")
	b.run("document.getElementById('to').value = '/other.mp3'; document.querySelectorAll('#listeners button')[0].click()")
	harness.WaitForSource(t, "the first alone is moved", 2, w)
	harness.WaitForSource(t, "the first alone is moved", 1, gone)
	b.run("document.getElementById('to').value = '/live.mp3'; document.querySelectorAll('#listeners button')[0].click()")
	harness.WaitForSource(t, "it is moved back", 1, w)
	b.run("document.querySelectorAll('#listeners button')[3].click()")
	<-gone.Ended
	b.becomes("return document.querySelectorAll('#listeners tr').length", 1)
	b.run("document.getElementById('to').value = '/other.mp3'; document.getElementById('move').click()")
	harness.WaitForSource(t, "moved", 2, w)
	b.becomes("return document.querySelector('#mounts td:nth-child(3)').textContent === '' && document.getElementById('said').textContent", "Clients moved from /live.mp3 to /other.mp3")
	b.run("window.confirm = () => true; document.querySelectorAll('#mounts button')[1].click()")
	harness.WaitForSource(t, "home again", 1, w)
	// The login alone is not enough: neither for another page of the host, nor for one of another site.
	b.becomes("return fetch(location.origin + '/admin/killsource.json?mount=/live.mp3').then(answer => answer.status)", 403)
	_, port, _ := net.SplitHostPort(s.Plain)
	b.open("http://localhost:" + port + "/")
	b.run("location.href = 'http://" + s.Plain + "/admin/killsource?mount=/live.mp3'")
	b.becomes("return document.body.textContent.includes('Cross-site request rejected')", true)
	b.open("about:blank")
	w.Stop()
	live.Abandon()
	other.Abandon()
}

// A site that has a page of its own keeps it, and the administrator's page wants a password.
func TestASitesOwnPageStays(t *testing.T) {
	s := harness.Start(t, harness.Station, `respond / "our own page"`)
	for path, want := range map[string]int{"/": 200, "/status.xsl": 200, "/admin/": 401, "/admin": 302, "/nothing": 404} {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get("http://" + s.Plain + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != want || (string(body) == "our own page") != (path == "/") {
			t.Errorf("%s is answered %s, %.40q", path, resp.Status, body)
		}
	}
}

// Pages that show what plays do not keep the server from ending.
func TestWhoLooksAtThePageKeepsNobodyFromEnding(t *testing.T) {
	s := harness.Start(t, harness.Station)
	if resp, r := harness.SendHead(t, s.Dial(false), "HEAD /events HTTP/1.0\r\n\r\n"); resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("its head is %v", resp.Header)
	} else if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after a head come %q, %v; want the end", rest, err)
	}
	resp, err := http.Get("http://" + s.Plain + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "data:" {
		t.Fatalf("%q, %v", first, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, resp.Body)
		ended <- err
	}()
	if err := s.Reload(harness.Station + "\n\t# another"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(harness.Patience):
		t.Error(errors.New("after a reload the page is not told to ask anew"))
	}
}
