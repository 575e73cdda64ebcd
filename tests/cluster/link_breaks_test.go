package cluster

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
	"github.com/caddycast/caddycast/tests/harness"
)

// inOrder checks that a listener heard whole frames, of each source in order and
// none twice, and returns how many of the source id are missing.
func inOrder(w *harness.VerifyingListener, t testing.TB, id uint64) (missing uint64) {
	t.Helper()
	last := make(map[uint64]uint64)
	for _, f := range harness.Frames(t, w.Stream.Bytes(), numbered.ContentType) {
		n, ok := numbered.Frame(f)
		if !ok {
			continue
		}
		if prev, known := last[n/harness.SourceSpan]; known {
			if n <= prev {
				t.Fatalf("%s: frame %d of source %d comes after %d", w.Kind, n%harness.SourceSpan, n/harness.SourceSpan, prev%harness.SourceSpan)
			}
			if n/harness.SourceSpan == id {
				missing += n - prev - 1
			}
		}
		last[n/harness.SourceSpan] = n
	}
	return missing
}

// A link that breaks for less than the master's burst is not heard, and a longer break
// is bridged by what the slave has.
func TestAListenerOfASlaveStaysWhateverBecomesOfTheLink(t *testing.T) {
	c := harness.NewCluster(t, "master", "edge")
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	link := harness.NewProxy(t, master.Plain)
	c.Load(map[string]string{"edge": strings.ReplaceAll(slave, "%master%", link.Address) + `
		mount /live.mp3 {
			linger 2s
			source_timeout 2s
			fallback /here.mp3
		}
		mount /quiet.mp3 {
			source_timeout 2s
		}
	`})
	live, here, quiet := master.NumberedSource("/live.mp3", 1), edge.NumberedSource("/here.mp3", 2), master.NumberedSource("/quiet.mp3", 3)
	defer live.Down()
	defer here.Down()
	defer quiet.Down()
	all, waiting := onSlave(edge, "/live.mp3"), onSlave(edge, "/quiet.mp3")
	harness.WaitForSource(t, "at first", 1, all...)
	harness.WaitForSource(t, "at first, without a fallback", 3, waiting...)

	link.Cut()
	edge.WaitForLog(map[string]any{"msg": "relay disconnected", "mount": "/live.mp3"})
	link.Mend()
	played(edge, "/live.mp3", 2)
	harness.WaitForSource(t, "after a short break", 1, all...)
	for _, break_ := range []func(){link.Cut, link.Stall} {
		break_()
		harness.WaitForSource(t, "while the master is away", 2, all...)
		link.Mend()
		harness.WaitForSource(t, "when it is back", 1, all...)
		harness.WaitForSource(t, "when it is back, without a fallback", 3, waiting...)
	}
	for _, w := range append(all, waiting...) {
		select {
		case err := <-w.Ended:
			t.Fatalf("%s was disconnected: %v", w.Kind, err)
		default:
			w.Stop()
			<-w.Ended
		}
	}
	for _, w := range all {
		inOrder(w, t, 1)
	}
	for _, w := range waiting {
		t.Logf("%s without a fallback missed %d frames", w.Kind, inOrder(w, t, 3))
	}
}

// played waits until a relay has begun to play so many times.
func played(s *harness.Server, mount string, times int) {
	s.T.Helper()
	harness.Eventually(s.T, fmt.Sprintf("the relay %s has played %d times", mount, times), func() error {
		text, err := os.ReadFile(s.LogFile())
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
	c := harness.NewCluster(t, "master", "edge")
	master, edge := c.Nodes["master"], c.Nodes["edge"]
	link := harness.NewProxy(t, master.Plain)
	c.Load(map[string]string{"edge": strings.ReplaceAll(slave, "%master%", link.Address)})
	live := master.NumberedSource("/live.mp3", 1)
	defer live.Down()
	all := onSlave(edge, "/live.mp3")
	harness.WaitForSource(t, "at first", 1, all...)
	for i := range 3 {
		link.Cut()
		brokenOff(edge, "/live.mp3", i+1)
		link.Mend()
		played(edge, "/live.mp3", i+2)
		before := all[0].HeardFrame.Load()
		harness.Eventually(t, "it plays on for a while", func() error { // else it is a link that is not to be trusted
			if now := all[0].HeardFrame.Load(); now < before+60 {
				return fmt.Errorf("at %d, from %d on", now, before)
			}
			return nil
		})
	}
	sent := live.Next.Load()
	harness.Eventually(t, "all have heard what was sent", func() error {
		for _, w := range all {
			if w.HeardFrame.Load() < sent {
				return fmt.Errorf("%s is at %d of %d", w.Kind, w.HeardFrame.Load(), sent)
			}
		}
		return nil
	})
	harness.CheckAll(t, all...)
}

// brokenOff waits until a relay has ended so many times.
func brokenOff(s *harness.Server, mount string, times int) {
	s.T.Helper()
	harness.Eventually(s.T, fmt.Sprintf("the relay %s has ended %d times", mount, times), func() error {
		text, err := os.ReadFile(s.LogFile())
		if n := strings.Count(string(text), `"msg":"relay disconnected"`); err == nil && n < times {
			return fmt.Errorf("it has ended %d times", n)
		}
		return err
	})
}

// When a master is gone, its slaves pull from the other.
func TestASlaveOfTwoMastersGoesOverToTheOther(t *testing.T) {
	c := harness.NewCluster(t, "first", "second", "edge")
	links := []*harness.Proxy{harness.NewProxy(t, c.Nodes["first"].Plain), harness.NewProxy(t, c.Nodes["second"].Plain)}
	c.Load(map[string]string{"edge": `
		role slave {
			master http://` + links[0].Address + ` http://` + links[1].Address + `
			password pullme
			interval 5s
		}`})
	first, second := c.Nodes["first"].NumberedSource("/live.mp3", 1), c.Nodes["second"].NumberedSource("/live.mp3", 2)
	defer first.Down()
	defer second.Down()
	edge := c.Nodes["edge"]
	all := onSlave(edge, "/live.mp3")
	harness.Eventually(t, "one of them is heard", func() error {
		if all[0].HeardSource.Load() == 0 {
			return errors.New("none is")
		}
		return nil
	})
	from := all[0].HeardSource.Load() // the first, unless the second was known before
	harness.WaitForSource(t, "with both", from, all...)
	alone := c.Nodes[[]string{"second", "first"}[from-1]].NumberedSource("/other.mp3", 3)
	defer alone.Down()
	more := onSlave(edge, "/other.mp3")
	harness.WaitForSource(t, "what only one has", 3, more...)
	before := all[0].HeardFrame.Load()
	harness.Eventually(t, "it plays for a while", func() error { // a link that breaks as soon as it is there is not trusted
		if now := all[0].HeardFrame.Load(); now < before+60 {
			return fmt.Errorf("at %d, from %d on", now, before)
		}
		return nil
	})
	began := time.Now()
	links[from-1].Cut()
	harness.WaitForSource(t, "without one", 3-from, all...)
	if took := time.Since(began); took > 4*time.Second { // less than the interval: no list was waited for
		t.Errorf("that took %v", took)
	}
	harness.CheckAll(t, slices.Concat(all, more)...)
}

// A relay with several upstreams prefers the first, with prefer first.
func TestARelayGoesBackToItsFirstUpstream(t *testing.T) {
	c := harness.NewCluster(t, "first", "second", "edge")
	link := harness.NewProxy(t, c.Nodes["first"].Plain)
	c.Load(map[string]string{"edge": `
		relay /here.mp3 http://` + link.Address + `/live.mp3 http://%second%/live.mp3 {
			prefer first
		}`})
	first := c.Nodes["first"].NumberedSource("/live.mp3", 1)
	defer first.Down()
	all := onSlave(c.Nodes["edge"], "/here.mp3")
	harness.WaitForSource(t, "the first", 1, all...)
	second := c.Nodes["second"].NumberedSource("/live.mp3", 2) // now, or the relay might begin with it
	defer second.Down()
	link.Cut()
	harness.WaitForSource(t, "the second", 2, all...)
	link.Mend()
	harness.WaitForSource(t, "the first again", 1, all...)
	harness.CheckAll(t, all...)
}

func TestRelaysThatFeedEachOtherAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, a, b string }{
		{"each relays the other", "relay /live.mp3 http://%b%/live.mp3", "relay /live.mp3 http://%a%/live.mp3"},
		{"on demand", "relay /live.mp3 http://%b%/live.mp3 {\n on_demand\n }", "relay /live.mp3 http://%a%/live.mp3 {\n on_demand\n }"},
		{"one relays itself", "relay /live.mp3 http://%a%/live.mp3", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := harness.NewCluster(t, "a", "b")
			short := "\n mount /live.mp3 {\n source_timeout 2s\n linger 2s\n }\n"
			c.Load(map[string]string{"a": tt.a + short, "b": tt.b + short})
			a, b := c.Nodes["a"], c.Nodes["b"]
			if tt.name == "each relays the other" {
				live := a.NumberedSource("/live.mp3", 1)
				w := onSlave(b, "/live.mp3")
				harness.WaitForSource(t, "the source", 1, w...)
				live.Down()
				for _, w := range w {
					defer w.Stop()
				}
			} else if err := a.CheckAnswer(http.MethodGet, "/live.mp3", http.StatusNotFound); err != nil {
				t.Errorf("a mount that is fed with itself: %v", err)
			}
			a.WaitForLog(map[string]any{"msg": "relay rejected: loop detected", "mount": "/live.mp3"})
			harness.Eventually(t, "there is nothing on the mount", func() error {
				if a.Status("/live.mp3") != nil || b.Status("/live.mp3") != nil {
					return errors.New("there is")
				}
				return nil
			})
			again := a.NumberedSource("/live.mp3", 1)
			defer again.Down()
			w := onSlave(a, "/live.mp3")
			harness.WaitForSource(t, "the source again", 1, w...)
			for _, w := range w {
				w.Stop()
			}
		})
	}
}

func TestAStationIsNotItsOwnSlave(t *testing.T) {
	c := harness.NewCluster(t, "a")
	c.Load(map[string]string{"a": strings.ReplaceAll(slave, "%master%", "%a%")})
	c.Nodes["a"].WaitForLog(map[string]any{
		"msg":   "master unavailable; keeping its last list and retrying",
		"error": "http://" + c.Nodes["a"].Plain + ": this is the station itself; point master at another",
	})
}
