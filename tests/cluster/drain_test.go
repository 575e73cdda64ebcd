package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// rejoining listens at a URL, and again whenever its stream has ended, until ctx ends. It counts
// the streams, and what went wrong.
type rejoining struct {
	streams, failed, bytes atomic.Int64

	mu     sync.Mutex
	ended  time.Time     // when the last stream had ended
	again  time.Time     // when the next one sounded
	silent time.Duration // between the two, at most
}

// sounded notes that bytes have come.
func (l *rejoining) sounded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended.IsZero() {
		return
	}
	l.again = time.Now()
	l.silent = max(l.silent, l.again.Sub(l.ended))
	l.ended = time.Time{}
}

func (l *rejoining) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = time.Now()
}

func (l *rejoining) listen(ctx context.Context, url string) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			l.failed.Add(1)
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil && resp.StatusCode == http.StatusOK {
			l.bytes.Store(0)
			l.streams.Add(1)
			_, _ = io.Copy(l, resp.Body)
			l.end()
		} else if ctx.Err() == nil {
			l.failed.Add(1)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}

// Write implements io.Writer, for the sound.
func (l *rejoining) Write(p []byte) (int, error) {
	l.bytes.Add(int64(len(p)))
	l.sounded()
	return len(p), nil
}

// logRejoins logs how many listeners came back in each second of the drain, and the longest silence.
func logRejoins(t *testing.T, all []*rejoining) {
	t.Helper()
	var times []time.Time
	silent := time.Duration(0)
	for _, l := range all {
		l.mu.Lock()
		if silent = max(silent, l.silent); !l.again.IsZero() {
			times = append(times, l.again)
		}
		l.mu.Unlock()
	}
	slices.SortFunc(times, time.Time.Compare)
	var perSecond []int
	for _, at := range times {
		second := int(at.Sub(times[0]) / time.Second)
		for len(perSecond) <= second {
			perSecond = append(perSecond, 0)
		}
		perSecond[second]++
	}
	t.Logf("came back in each second: %v; longest silence %v", perSecond, silent.Round(time.Millisecond))
}

// Listeners of an edge that is drained come back to the master, which sends them to the others.
func TestListenersOfADrainedEdgeSoundAgainAtOthers(t *testing.T) {
	const listeners = 120
	c := harness.NewCluster(t, "master", "small", "middle", "large")
	c.Load(edges("balance"))
	master, large := c.Nodes["master"], c.Nodes["large"]
	live := master.Source("/live.mp3")
	live.Send(50)
	stop := make(chan struct{})
	live.Run(200*time.Millisecond, stop)
	defer close(stop)
	registered(master, "/live.mp3", 3)

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	all := make([]*rejoining, listeners)
	for i := range all {
		all[i] = new(rejoining)
		running.Go(func() { all[i].listen(ctx, "http://"+master.Plain+"/live.mp3") })
	}
	sound := func() error {
		for i, l := range all {
			if l.bytes.Load() == 0 {
				return fmt.Errorf("listener %d hears nothing", i)
			}
		}
		return nil
	}
	harness.Eventually(t, "all listeners sound", sound)
	there := int(large.Status("/live.mp3")["listeners"].(float64))
	if there < listeners/3 {
		t.Fatalf("the edge has %d listeners; want about %d", there, listeners/2)
	}

	if status, body := master.API("POST", "drain", `{"station": "large", "over": "3s"}`); status != http.StatusOK {
		t.Fatalf("drain is answered %d %s", status, body)
	}
	again := 0
	harness.Eventually(t, "the edge has nobody left, and all listeners sound again", func() error {
		if n := fmt.Sprint(large.Status("/live.mp3")["listeners"]); n != "0" {
			return fmt.Errorf("it has %s", n)
		}
		again = -listeners
		for _, l := range all {
			again += int(l.streams.Load())
		}
		if again < there {
			return fmt.Errorf("%d of %d came back", again, there)
		}
		return sound()
	})
	failed := 0
	for _, l := range all {
		failed += int(l.failed.Load())
	}
	logRejoins(t, all)
	if failed != 0 || again != there {
		t.Errorf("%d came back; want %d; %d requests failed", again, there, failed)
	}

	// A listener that was sent there before is sent back, and on to another edge.
	resp, err := http.Get("http://" + large.Plain + "/live.mp3?redirected=1")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if host := resp.Request.URL.Host; resp.StatusCode != http.StatusOK || host == large.Plain {
		t.Errorf("a late listener is answered %s by %s", resp.Status, host)
	}

	if status, body := master.API("POST", "undrain", `{"station": "large"}`); status != http.StatusOK {
		t.Fatalf("undrain is answered %d %s", status, body)
	}
	harness.Eventually(t, "listeners are sent there again", func() error {
		resp, conn := harness.MustAsk(t, master.Plain, "/live.mp3")
		_ = conn.Close()
		if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "http://"+large.Plain+"/") {
			return fmt.Errorf("sent to %s", to)
		}
		return nil
	})
}
