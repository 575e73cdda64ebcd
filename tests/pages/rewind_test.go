package pages

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// risingTone is a tone that tells its time: each second it is higher.
const risingTone = "aevalsrc=sin(2*PI*t*(300+20*floor(t)))/2:s=48000"

// hearing begins to analyse the sound of a mount's player, and toneTime returns the second that is told
// by its tone less that of the clock, NaN in silence.
const (
	hearing = `const context = new AudioContext({sampleRate: 48000});
		window.level = context.createAnalyser();
		level.fftSize = 16384;
		context.createMediaElementSource(audio).connect(level).connect(context.destination)`
	toneTime = `const power = new Float32Array(level.frequencyBinCount);
		level.getFloatFrequencyData(power);
		const loudest = power.indexOf(Math.max(...power));
		return power[loudest] > -40 ? (loudest * 48000 / level.fftSize - 300) / 20 - Date.now() / 1000 : 0`
)

// ofBox returns a script that begins with the controls of a mount's rewind.
func ofBox(mount, script string) string {
	return "const [box, slider, text] = ['.rewind', '.rewind input', '.rewind span'].map(s => document.querySelector('[data-mount=\"" + mount + "\"] ' + s)); " + script
}

// toneBecomes waits until the tone is that of a time, less the clock's, and returns it.
func (b *browser) toneBecomes(what string, want, within float64) (got float64) {
	b.t.Helper()
	harness.Eventually(b.t, what, func() error {
		switch v := b.run(toneTime).(type) {
		case float64:
			if got = v; got != 0 && math.Abs(got-want) < within {
				return nil
			}
		}
		return fmt.Errorf("the tone is of %.1f s, want %.1f s", got, want)
	})
	return got
}

// Who listens to a mount with a rewind by the page can go back, by buttons, the mouse and keys: what was
// heard at that time is heard. It stays the same listener, of a mount and of a group.
func TestThePageGoesBack(t *testing.T) {
	harness.Program(t, "chromedriver")
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /*.aac {
			hls {
				segment 1s
				rewind  10m
			}
		}
		hls /both.m3u8 {
			mounts /high.aac /low.aac
			name "Our station"
		}
	}`)
	args := []string{"-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", risingTone}
	for mount, rate := range map[string]string{"/high.aac": "128k", "/low.aac": "64k", "/live.aac": "96k"} {
		args = append(args, "-map", "0:a", "-content_type", "audio/aac", "-c:a", "aac", "-b:a", rate, "-flush_packets", "1", "-f", "adts", "icecast://source:hackme@"+s.Plain+mount)
	}
	harness.Launch(t, "ffmpeg", args...)
	for _, mount := range []string{"/high.aac", "/low.aac", "/live.aac"} {
		s.WaitForMount(mount)
	}
	b := newBrowser(t)
	count := func(mounts ...string) (n int) {
		for _, mount := range mounts {
			if all := protocols(s, mount); all != "" {
				n += len(strings.Split(all, ", "))
			}
		}
		return n
	}
	for _, c := range []struct {
		mount  string
		counts []string // the mounts whose listeners are counted
	}{{"/live.aac", []string{"/live.aac"}}, {"/both.m3u8", []string{"/high.aac", "/low.aac"}}} {
		b.open("http://" + s.Plain + "/")
		b.becomes(ofBox(c.mount, "return box.hidden && slider.min"), "-590")
		b.run(ofPlayer(c.mount, "audio.play().catch(() => {}); "+hearing))
		b.becomes(ofBox(c.mount, "return !box.hidden && text.textContent + slider.value + slider.ariaValueText"), "Live0Live")
		var live float64
		if err := harness.AwaitWithin(2*harness.Patience, func() error {
			switch v := b.run(toneTime).(type) {
			case float64:
				live = v
			}
			if at := b.run("return Date.now() / 1000").(float64); live == 0 || at+live < 40 {
				return fmt.Errorf("%g", at+live)
			}
			return nil
		}); err != nil {
			t.Fatalf("%s: 40 seconds have not sounded: %v", c.mount, err)
		}
		b.click("[data-mount='" + c.mount + "'] .rewind button")
		b.toneBecomes(c.mount+": half a minute earlier", live-30, 2.5)
		b.becomes(ofBox(c.mount, "return text.textContent + slider.value + slider.ariaValueText"), "-00:30-30-00:30")
		if n := count(c.counts...); n != 1 {
			t.Errorf("%s: after going back there are %d listeners", c.mount, n)
		}
		for range 2 { // Right
			b.press("[data-mount='"+c.mount+"'] .rewind input", "\uE014")
		}
		b.toneBecomes(c.mount+": 10 seconds earlier than live", live-10, 2.5)
		b.run(ofPlayer(c.mount, "audio.pause(); window.heard = audio.currentTime"))
		harness.Eventually(t, "a pause of 4 seconds", func() error { // what is told goes on when the sound does
			if at := b.run("return Date.now() / 1000").(float64); b.run("return window.since ??= Date.now() / 1000").(float64)+4 > at {
				return fmt.Errorf("it is %.1f", at)
			}
			return nil
		})
		b.run(ofPlayer(c.mount, "audio.play()"))
		b.toneBecomes(c.mount+": what came after the pause", live-14.5, 3)
		b.becomes(ofBox(c.mount, "return ['-00:14', '-00:15', '-00:16'].includes(text.textContent)"), true)
		b.click("[data-mount='" + c.mount + "'] .rewind button:last-child")
		b.toneBecomes(c.mount+": what is live", live, 4)
		b.becomes(ofBox(c.mount, "return text.textContent + slider.value"), "Live0")
		if n := count(c.counts...); n != 1 {
			t.Errorf("%s: after going back and forth there are %d listeners", c.mount, n)
		}
	}

	// On systems of Apple the browser plays, and finds in the entry where to begin. Chromium does not begin
	// there, but loads it.
	b.do(http.MethodPost, "/goog/cdp/execute", map[string]any{"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": map[string]any{
		"source": "Object.defineProperty(navigator, 'vendor', {get: () => 'Apple Computer, Inc.'})",
	}}, nil)
	b.open("http://" + s.Plain + "/")
	b.run(ofPlayer("/live.aac", "audio.play().catch(() => {})"))
	for _, step := range []struct{ button, loaded string }{
		{"button", "/live.aac.m3u8?rewind=30"}, {"button:last-child", "/live.aac.m3u8?"}, {"button", "/live.aac.m3u8?rewind=30"},
	} {
		b.becomes(ofPlayer("/live.aac", ofBox("/live.aac", "return !box.hidden && audio.currentTime > 0 && !audio.paused")), true)
		b.click("[data-mount='/live.aac'] .rewind " + step.button)
		b.becomes(ofPlayer("/live.aac", "return audio.src"), "http://"+s.Plain+step.loaded)
	}
	b.open("about:blank")
}
