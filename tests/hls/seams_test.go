package hls_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// heardSince returns whether a segment after the first n has a mark, and the number of segments.
func (p *player) marked(from int) (marks int) {
	for _, s := range p.heard[from:] {
		if s.mark {
			marks++
		}
	}
	return marks
}

// feed begins to feed a mount, and returns a function that ends the source.
func feed(t testing.TB, s *harness.Server, mount string) (end func()) {
	t.Helper()
	source := s.Source(mount)
	source.MayEnd = true
	source.Send(60)
	ctx, cancel := context.WithCancel(t.Context())
	done := source.Run(frame, ctx.Done())
	end = func() {
		cancel()
		<-done
		source.Finish()
	}
	t.Cleanup(end)
	return end
}

// An encoder that reconnects goes on in the same list, without a mark, even if the mount does not
// linger: players do not load a list again once it has ended.
func TestAReconnectGoesOnInTheSameList(t *testing.T) {
	for name, linger := range map[string]string{"with linger": "linger 1m\n\t\t", "without": ""} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+linger+short+"\n\t}"))
			end := feed(t, s, "/live.mp3")
			p := newPlayer(t, s, "/live.mp3")
			for range 3 {
				n := len(p.heard)
				p.until("segments", func(list) bool { return len(p.heard) >= n+2 })
				end()
				harness.Eventually(t, "the source is gone", func() error {
					return answers(get(t, s, "/status-json.xsl"), http.StatusOK)
				})
				p.poll() // and the list is still there
				end = feed(t, s, "/live.mp3")
			}
			n := len(p.heard)
			p.until("segments of the last source", func(list) bool { return len(p.heard) >= n+2 })
			if p.marked(0) > 0 || p.newList > 0 || p.last.ended {
				t.Errorf("%d marks, %d new lists, ended %v", p.marked(0), p.newList, p.last.ended)
			}
		})
	}
}

// A fallback, and the way back, are heard in the same list.
func TestAFallbackIsHeardInTheSameList(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\tfallback /spare.mp3\n\t\t"+short+"\n\t}"))
	feed(t, s, "/spare.mp3")
	end := feed(t, s, "/live.mp3")
	p := newPlayer(t, s, "/live.mp3")
	end()
	n := len(p.heard)
	p.until("segments of the fallback", func(list) bool { return len(p.heard) >= n+3 })
	feed(t, s, "/live.mp3")
	n = len(p.heard)
	p.until("segments of the source", func(list) bool { return len(p.heard) >= n+3 })
	if p.marked(0) > 0 || p.newList > 0 || p.last.ended {
		t.Errorf("%d marks, %d new lists, ended %v", p.marked(0), p.newList, p.last.ended)
	}
	s.WaitForListeners("/live.mp3", 1)
}

// A mount that the configuration has is waited for, and never answered with an error before
// that: a player outlasts a restart.
func TestAMountOfTheConfigurationIsWaitedFor(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"))
	came := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + s.Plain + "/live.mp3.m3u8")
		if err != nil {
			came <- err.Error()
			return
		}
		resp.Body.Close()
		came <- resp.Status
	}()
	feed(t, s, "/live.mp3")
	if got := <-came; got != "200 OK" {
		t.Errorf("answered %s", got)
	}
	resp := get(t, s, "/other.mp3.m3u8")
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("another mount is answered %s", resp.Status)
	}
}

// A reload goes on in the same list; another length of segments is another list, further on.
func TestAReloadGoesOn(t *testing.T) {
	config := func(segment string) string {
		return station("mount /live.mp3 {\n\t\tlinger 1m\n\t\thls {\n\t\t\tsegment " + segment + "\n\t\t}\n\t}")
	}
	s := harness.Start(t, config("1s"))
	feed(t, s, "/live.mp3")
	p := newPlayer(t, s, "/live.mp3")
	if err := s.Reload(config("1s")); err != nil {
		t.Fatal(err)
	}
	n := len(p.heard)
	p.until("segments after a reload", func(list) bool { return len(p.heard) >= n+2 })
	if p.newList > 0 {
		t.Error("a reload begins another list")
	}
	if err := s.Reload(config("2s")); err != nil {
		t.Fatal(err)
	}
	before := p.last
	harness.Eventually(t, "the list has longer segments", func() error {
		if l := load(t, s, p.path); l.target != 2 {
			return http.ErrNotSupported
		} else if l.sequence <= before.sequence+len(before.segments) || l.discontinuity != before.discontinuity+1 {
			t.Fatalf("after %+v comes %+v", before, l)
		}
		return nil
	})
	s.WaitForListeners("/live.mp3", 1)
	if err := s.Reload(strings.Replace(config("1s"), "hls {", "hls off\n\t\t#", 1)); err == nil {
		t.Error("a broken configuration is taken")
	}
	if err := s.Reload(station("mount /live.mp3 {\n\t\thls off\n\t}")); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the list is gone", func() error { return answers(get(t, s, p.path), http.StatusNotFound) })
	s.WaitForListeners("/live.mp3", 0)
}

// A title is in the tag of the segment that begins with it.
func TestTitlesStandInSegments(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	p := newPlayer(t, s, "/live.mp3")
	s.Admin("metadata?mode=updinfo&mount=/live.mp3&song=" + url.QueryEscape("Björk \"quoted\" 🎵"))
	p.until("the title", func(list) bool { return bytes.Contains(p.files[len(p.files)-1], []byte("TIT2")) })
	file := p.files[len(p.files)-1]
	if want := "\x03Björk \"quoted\" 🎵\x00"; !bytes.Contains(file[:200], []byte(want)) {
		t.Errorf("the tag is %q", file[:200])
	}
}

// Stopping does not wait for players, and a list that nobody plays ends.
func TestStoppingDoesNotWaitForPlayers(t *testing.T) {
	s := harness.Start(t, station("mount /live.mp3 {\n\t\t"+short+"\n\t}"))
	feed(t, s, "/live.mp3")
	newPlayer(t, s, "/live.mp3")
	s.WaitForListeners("/live.mp3", 1)
	began := time.Now()
	harness.StopCaddy(t)
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
	s.WaitForLog(map[string]any{"msg": "listener", "mount": "/live.mp3", "reason": "shutting down"})
}
