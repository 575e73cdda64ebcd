package tests

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// inOrder checks that a listener heard whole frames, of each source in order and
// none twice, and returns how many of the source id are missing.
func (w *witness) inOrder(t testing.TB, id uint64) (missing uint64) {
	t.Helper()
	last := make(map[uint64]uint64)
	for _, f := range frames(t, w.stream.Bytes(), numbered.ContentType) {
		n, ok := numbered.Frame(f)
		if !ok {
			continue
		}
		if prev, known := last[n/sourceSpan]; known {
			if n <= prev {
				t.Fatalf("%s: frame %d of source %d comes after %d", w.kind, n%sourceSpan, n/sourceSpan, prev%sourceSpan)
			}
			if n/sourceSpan == id {
				missing += n - prev - 1
			}
		}
		last[n/sourceSpan] = n
	}
	return missing
}

// A link that breaks for less than the master's burst is not heard, and a longer break
// is bridged by what the slave has.
func TestAListenerOfASlaveStaysWhateverBecomesOfTheLink(t *testing.T) {
	c := newCluster(t, "master", "edge")
	master, edge := c.nodes["master"], c.nodes["edge"]
	link := newProxy(t, master.plain)
	c.load(map[string]string{"edge": strings.ReplaceAll(slave, "%master%", link.address) + `
		mount /live.mp3 {
			linger 2s
			source_timeout 2s
			fallback /here.mp3
		}
		mount /quiet.mp3 {
			source_timeout 2s
		}
	`})
	live, here, quiet := master.numberedSource("/live.mp3", 1), edge.numberedSource("/here.mp3", 2), master.numberedSource("/quiet.mp3", 3)
	defer live.down()
	defer here.down()
	defer quiet.down()
	all, waiting := edge.onSlave("/live.mp3"), edge.onSlave("/quiet.mp3")
	hears(t, "at first", 1, all...)
	hears(t, "at first, without a fallback", 3, waiting...)

	link.cut()
	edge.logged(map[string]any{"msg": "relay disconnected", "mount": "/live.mp3"})
	link.mend()
	edge.played("/live.mp3", 2)
	hears(t, "after a short break", 1, all...)
	for _, break_ := range []func(){link.cut, link.stall} {
		break_()
		hears(t, "while the master is away", 2, all...)
		link.mend()
		hears(t, "when it is back", 1, all...)
		hears(t, "when it is back, without a fallback", 3, waiting...)
	}
	for _, w := range append(all, waiting...) {
		select {
		case err := <-w.ended:
			t.Fatalf("%s was let go: %v", w.kind, err)
		default:
			w.stop()
			<-w.ended
		}
	}
	for _, w := range all {
		w.inOrder(t, 1)
	}
	for _, w := range waiting {
		t.Logf("%s without a fallback missed %d frames", w.kind, w.inOrder(t, 3))
	}
}

// played waits until a relay has begun to play so many times.
func (s *server) played(mount string, times int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("the relay %s has played %d times", mount, times), func() error {
		text, err := os.ReadFile(s.logFile())
		if err != nil {
			return err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "relay connected") && strings.Contains(line, `"`+mount+`"`) {
				n++
			}
		}
		if n < times {
			return fmt.Errorf("it has played %d times", n)
		}
		return nil
	})
}

// A break that is shorter than the burst costs not one frame.
func TestAShortBreakCostsNotOneFrame(t *testing.T) {
	c := newCluster(t, "master", "edge")
	master, edge := c.nodes["master"], c.nodes["edge"]
	link := newProxy(t, master.plain)
	c.load(map[string]string{"edge": strings.ReplaceAll(slave, "%master%", link.address)})
	live := master.numberedSource("/live.mp3", 1)
	defer live.down()
	all := edge.onSlave("/live.mp3")
	hears(t, "at first", 1, all...)
	for i := range 3 {
		link.cut()
		edge.brokenOff("/live.mp3", i+1)
		link.mend()
		edge.played("/live.mp3", i+2)
		before := all[0].heardUpTo.Load()
		eventually(t, "it plays on for a while", func() error { // else it is a link that is not to be trusted
			if now := all[0].heardUpTo.Load(); now < before+60 {
				return fmt.Errorf("at %d, from %d on", now, before)
			}
			return nil
		})
	}
	sent := live.next.Load()
	eventually(t, "all have heard what was sent", func() error {
		for _, w := range all {
			if w.heardUpTo.Load() < sent {
				return fmt.Errorf("%s is at %d of %d", w.kind, w.heardUpTo.Load(), sent)
			}
		}
		return nil
	})
	whole(t, all...)
}

// brokenOff waits until a relay has ended so many times.
func (s *server) brokenOff(mount string, times int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("the relay %s has ended %d times", mount, times), func() error {
		text, err := os.ReadFile(s.logFile())
		if n := strings.Count(string(text), `"msg":"relay disconnected"`); err == nil && n < times {
			return fmt.Errorf("it has ended %d times", n)
		}
		return err
	})
}

// When a master is gone, its slaves pull from the other.
func TestASlaveOfTwoMastersGoesOverToTheOther(t *testing.T) {
	c := newCluster(t, "first", "second", "edge")
	links := []*proxy{newProxy(t, c.nodes["first"].plain), newProxy(t, c.nodes["second"].plain)}
	c.load(map[string]string{"edge": `
		role slave {
			master http://` + links[0].address + ` http://` + links[1].address + `
			password pullme
			interval 2s
		}`})
	first, second := c.nodes["first"].numberedSource("/live.mp3", 1), c.nodes["second"].numberedSource("/live.mp3", 2)
	defer first.down()
	defer second.down()
	edge := c.nodes["edge"]
	all := edge.onSlave("/live.mp3")
	eventually(t, "one of them is heard", func() error {
		if all[0].heard.Load() == 0 {
			return errors.New("none is")
		}
		return nil
	})
	from := all[0].heard.Load() // the first, unless the second was known before
	hears(t, "with both", from, all...)
	alone := c.nodes[[]string{"second", "first"}[from-1]].numberedSource("/other.mp3", 3)
	defer alone.down()
	more := edge.onSlave("/other.mp3")
	hears(t, "what only one has", 3, more...)
	before := all[0].heardUpTo.Load()
	eventually(t, "it plays for a while", func() error { // a link that breaks as soon as it is there is not trusted
		if now := all[0].heardUpTo.Load(); now < before+60 {
			return fmt.Errorf("at %d, from %d on", now, before)
		}
		return nil
	})
	began := time.Now()
	links[from-1].cut()
	hears(t, "without one", 3-from, all...)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("that took %v", took)
	}
	whole(t, slices.Concat(all, more)...)
}

// A relay with several upstreams prefers the first, if it is told so.
func TestARelayGoesBackToItsFirstUpstream(t *testing.T) {
	c := newCluster(t, "first", "second", "edge")
	link := newProxy(t, c.nodes["first"].plain)
	c.load(map[string]string{"edge": `
		relay /here.mp3 http://` + link.address + `/live.mp3 http://%second%/live.mp3 {
			prefer first
		}`})
	first := c.nodes["first"].numberedSource("/live.mp3", 1)
	defer first.down()
	all := c.nodes["edge"].onSlave("/here.mp3")
	hears(t, "the first", 1, all...)
	second := c.nodes["second"].numberedSource("/live.mp3", 2) // now, or the relay might begin with it
	defer second.down()
	link.cut()
	hears(t, "the second", 2, all...)
	link.mend()
	hears(t, "the first again", 1, all...)
	whole(t, all...)
}

func TestRelaysThatFeedEachOtherAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, a, b string }{
		{"each relays the other", "relay /live.mp3 http://%b%/live.mp3", "relay /live.mp3 http://%a%/live.mp3"},
		{"on demand", "relay /live.mp3 http://%b%/live.mp3 {\n on_demand\n }", "relay /live.mp3 http://%a%/live.mp3 {\n on_demand\n }"},
		{"one relays itself", "relay /live.mp3 http://%a%/live.mp3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, "a", "b")
			short := "\n mount /live.mp3 {\n source_timeout 2s\n linger 2s\n }\n"
			c.load(map[string]string{"a": tt.a + short, "b": tt.b + short})
			a, b := c.nodes["a"], c.nodes["b"]
			if tt.name == "each relays the other" {
				live := a.numberedSource("/live.mp3", 1)
				w := b.onSlave("/live.mp3")
				hears(t, "the source", 1, w...)
				live.down()
				for _, w := range w {
					defer w.stop()
				}
			} else if resp, err := http.Get("http://" + a.plain + "/live.mp3"); err != nil || resp.StatusCode != http.StatusNotFound {
				t.Errorf("a mount that is fed with itself is answered %v, %v", resp, err)
			}
			a.logged(map[string]any{"msg": "a relay was refused: it would hear itself", "mount": "/live.mp3"})
			eventually(t, "there is nothing on the mount", func() error {
				if a.sourceOn("/live.mp3") != nil || b.sourceOn("/live.mp3") != nil {
					return errors.New("there is")
				}
				return nil
			})
			again := a.numberedSource("/live.mp3", 1)
			defer again.down()
			w := a.onSlave("/live.mp3")
			hears(t, "the source again", 1, w...)
			for _, w := range w {
				w.stop()
			}
		})
	}
}

func TestAStationIsNotItsOwnSlave(t *testing.T) {
	c := newCluster(t, "a")
	c.load(map[string]string{"a": strings.ReplaceAll(slave, "%master%", "%a%")})
	c.nodes["a"].logged(map[string]any{
		"msg":   "the master does not tell its list; what is known of it stays, and it is asked again and again",
		"error": "http://" + c.nodes["a"].plain + ": this is the station itself; point master at another",
	})
}
