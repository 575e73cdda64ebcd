//go:build plots

package reload

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

const (
	plotListeners = 300
	plotDrain     = 8 * time.Second
	plotSampling  = 100 * time.Millisecond
)

// Listeners over time for the three ways to a new version: make upgradeplots draws them for the guide.
func TestPlotsOfUpgrades(t *testing.T) {
	master := harness.Start(t, harness.Station)
	src := master.Source("/live.mp3")
	src.Send(100)
	src.Run(numbered.Duration, nil)
	for _, way := range []struct {
		name, title string
		servers     int
		replace     func(*testing.T, *fleet)
	}{
		{"upgrade-in-place", "Upgrade in place", 1, func(t *testing.T, f *fleet) {
			t.Helper()
			f.all()[0].UpgradeTo(binary.Caddycast(t))
		}},
		{"upgrade-drain", "Drain of one server, then of the other", 2, func(t *testing.T, f *fleet) {
			t.Helper()
			for _, s := range f.all() {
				out, err := exec.Command(binary.Caddy(t), "icecast", "--address", s.AdminAddress, "drain", "--over", plotDrain.String(), "--wait").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				f.stop(s)
				f.start()
			}
		}},
		{"upgrade-rolling", "Rolling update of two pods", 2, func(t *testing.T, f *fleet) {
			t.Helper()
			for _, s := range f.all() {
				f.start() // one pod more than there are to be, and the old one is asked to end
				f.stop(s)
			}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			f := newFleet(t, master.Plain)
			for range way.servers {
				f.start()
			}
			p := newCrowd(t, f)
			p.record(3 * time.Second)
			p.while(func() { way.replace(t, f) })
			p.record(3 * time.Second)
			t.Logf("%s: %d connected again, at least %d of %d heard", way.title, p.again.Load(), p.least(), plotListeners)
			harness.WriteFile(t, filepath.Join("../../docs/guides", way.name+".svg"), p.svg(way.title))
		})
	}
}

// fleet are servers that relay a stream, behind a balancer that asks them whether they are ready.
type fleet struct {
	t       *testing.T
	master  string
	address string // of the balancer

	mu      sync.Mutex
	servers []*harness.Server
	cmds    map[*harness.Server]*exec.Cmd
	load    map[*harness.Server]int
}

func newFleet(t *testing.T, master string) *fleet {
	t.Helper()
	f := &fleet{t: t, master: master, cmds: make(map[*harness.Server]*exec.Cmd), load: make(map[*harness.Server]int)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	f.address = ln.Addr().String()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go f.balance(conn)
		}
	}()
	return f
}

// all returns the servers that run.
func (f *fleet) all() []*harness.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*harness.Server(nil), f.servers...)
}

// start adds a server, once it is ready and has the stream.
func (f *fleet) start() {
	f.t.Helper()
	s := harness.NewServer(f.t)
	cmd, _ := harness.RunProcess(f.t, f.t.TempDir(), s.WrappedCaddyfile(strings.Replace(harness.Station, "{", fmt.Sprintf(`{
	drain_on_stop %s
	relay /live.mp3 http://%s/live.mp3`, plotDrain, f.master), 1)))
	s.WaitForMount("/live.mp3")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers, f.cmds[s] = append(f.servers, s), cmd
}

// stop asks a server to end, and waits for that.
func (f *fleet) stop(s *harness.Server) {
	f.t.Helper()
	_ = f.cmds[s].Process.Signal(syscall.SIGTERM)
	_, _ = f.cmds[s].Process.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, other := range f.servers {
		if other == s {
			f.servers = append(f.servers[:i:i], f.servers[i+1:]...)
			break
		}
	}
}

// balance joins a connection to that of the ready server that has the fewest.
func (f *fleet) balance(conn net.Conn) {
	defer conn.Close()
	var to *harness.Server
	for _, s := range f.all() {
		resp, err := http.Get("http://" + s.AdminAddress + "/icecast/ready")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		f.mu.Lock()
		if resp.StatusCode == http.StatusOK && (to == nil || f.load[s] < f.load[to]) {
			to = s
		}
		f.mu.Unlock()
	}
	if to == nil {
		return
	}
	f.count(to, 1)
	defer f.count(to, -1)
	server, err := net.Dial("tcp", to.Plain)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, conn) }()
	_, _ = io.Copy(conn, server)
}

func (f *fleet) count(s *harness.Server, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load[s] += n
}

// crowd are listeners that connect again when their stream ends.
type crowd struct {
	hearing, again atomic.Int64
	samples        [][2]int64 // of both
}

func newCrowd(t *testing.T, f *fleet) *crowd {
	t.Helper()
	p := new(crowd)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	for range plotListeners {
		all.Go(func() {
			for heard := false; ctx.Err() == nil; heard = p.listen(ctx, f.address, heard) || heard {
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	harness.Eventually(t, "all listen", func() error {
		if n := p.hearing.Load(); n < plotListeners {
			return fmt.Errorf("%d do", n)
		}
		return nil
	})
	return p
}

// listen hears one stream to its end, and reports whether there was one.
func (p *crowd) listen(ctx context.Context, address string, again bool) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /live.mp3 HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	if again {
		p.again.Add(1)
	}
	p.hearing.Add(1)
	defer p.hearing.Add(-1)
	_, _ = io.Copy(io.Discard, resp.Body)
	return true
}

// record takes samples for a time.
func (p *crowd) record(d time.Duration) {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	p.recordUntil(over)
}

// while takes samples while something is done.
func (p *crowd) while(do func()) {
	over, recorded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(recorded)
		p.recordUntil(over)
	}()
	do()
	close(over)
	<-recorded
}

func (p *crowd) recordUntil(over <-chan struct{}) {
	tick := time.NewTicker(plotSampling)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			p.samples = append(p.samples, [2]int64{p.hearing.Load(), p.again.Load()})
		}
	}
}

func (p *crowd) least() int64 {
	n := p.samples[0][0]
	for _, s := range p.samples {
		n = min(n, s[0])
	}
	return n
}

// svg draws the samples, in colors for light, dark and paper.
func (p *crowd) svg(title string) string {
	const left, top, width, height = 56, 34, 560, 150
	seconds := float64(len(p.samples)) * plotSampling.Seconds()
	most := max(plotListeners, int(p.again.Load()))
	most = (most + 99) / 100 * 100
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 240" width="640" height="240" role="img" aria-label="%s: listeners over time">
<style>
svg{color:#24292f;background:#fff}text{font:12px sans-serif;fill:currentColor}.g{stroke:currentColor;opacity:.2}
polyline{fill:none;stroke-width:2}.h{stroke:#0969da}.a{stroke:#bc4c00;stroke-dasharray:6 3}
@media (prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}.h{stroke:#58a6ff}.a{stroke:#f0883e}}
@media print{svg{color:#000;background:#fff}}
</style>
<text x="%d" y="18" font-weight="bold">%s</text>
`, title, left, title)
	for y := 0; y <= most; y += 100 {
		at := top + height - height*y/most
		fmt.Fprintf(&b, `<path class="g" d="M%d %dh%d"/><text x="%d" y="%d" text-anchor="end">%d</text>`+"\n", left, at, width, left-6, at+4, y)
	}
	for x := 0; float64(x) <= seconds; x += 2 {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle">%d</text>`+"\n", left+float64(width)*float64(x)/seconds, top+height+16, x)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">seconds</text><text transform="translate(14 %d) rotate(-90)" text-anchor="middle">listeners</text>`+"\n",
		left+width/2, top+height+32, top+height/2)
	for i, line := range []struct{ class, label string }{{"h", "hear the stream"}, {"a", "have connected again"}} {
		x := left + width - 310 + 160*i
		fmt.Fprintf(&b, `<polyline class="%s" points="%d,14 %d,14"/><text x="%d" y="18">%s</text>`+"\n", line.class, x, x+22, x+27, line.label)
		fmt.Fprintf(&b, `<polyline class="%s" points="`, line.class)
		last := int64(-1)
		for j, s := range p.samples {
			if s[i] != last || j == len(p.samples)-1 || p.samples[j+1][i] != s[i] {
				fmt.Fprintf(&b, "%.0f,%.1f ", left+float64(width)*float64(j)/float64(len(p.samples)-1), top+height-height*float64(s[i])/float64(most))
			}
			last = s[i]
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}
