//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hlsResult is what sessions of HLS showed.
type hlsResult struct {
	Lists      int64         `json:"playlists"` // in the window
	Segments   int64         `json:"segments"`  // likewise
	Seconds    float64       `json:"seconds"`   // of the window
	ListP50    time.Duration `json:"playlist_p50_ns"`
	ListP99    time.Duration `json:"playlist_p99_ns"`
	ListMax    time.Duration `json:"playlist_max_ns"`
	SegmentP99 time.Duration `json:"segment_p99_ns"`
	Missed     int64         `json:"missed_segments"` // in the whole run, and those that came twice
	Differing  int64         `json:"differing_segments"`
	Heap       int64         `json:"heap_bytes_of_sessions"` // when they have hung up; 0: unknown
}

// hlsPlayers are sessions that play a mount by HLS, each over a connection of its own that it keeps.
type hlsPlayers struct {
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	port, http int
	config     *tls.Config
	entry      string // path

	measuring                        atomic.Bool
	playing, refused, dropped        atomic.Int64
	lists, segments, missed, differs atomic.Int64
	bytes                            atomic.Int64
	scratch                          sync.Pool

	mu            sync.Mutex
	list, segment histogram
	sums          map[string]uint32 // of segments, by name
	example       error
}

func newHLSPlayers(ctx context.Context, port, version int, cert certificate, mount string) *hlsPlayers {
	p := &hlsPlayers{port: port, http: version, entry: mount + entrySuffix, sums: make(map[string]uint32)}
	p.config = &tls.Config{
		RootCAs: cert.trust, ServerName: "localhost", MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
	}
	if version == 2 {
		p.config.NextProtos = []string{"h2"}
	}
	p.scratch.New = func() any { b := make([]byte, 32<<10); return &b }
	p.ctx, p.end = context.WithCancel(ctx)
	return p
}

// Close ends all sessions.
func (p *hlsPlayers) Close() {
	p.end()
	p.running.Wait()
}

// add begins a session.
func (p *hlsPlayers) add(id int) {
	p.running.Go(func() {
		heard := false
		err := p.play(id, &heard)
		if p.ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		p.example = err
		p.mu.Unlock()
		if heard {
			p.playing.Add(-1)
			p.dropped.Add(1)
		} else {
			p.refused.Add(1)
		}
	})
}

// play is a session: it begins three segments before the end, and loads the list once for each segment.
func (p *hlsPlayers) play(id int, heard *bool) error {
	f, err := newFetcher(p.ctx, id, p.port, p.http, p.config)
	if err != nil {
		return err
	}
	defer f.Close()
	stop := context.AfterFunc(p.ctx, func() { _ = f.Close() })
	defer stop()
	at, err := p.enter(f)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(segmentTime)
	defer ticker.Stop()
	var last string
	for {
		names, err := p.poll(f, at)
		if err != nil {
			return err
		}
		for _, name := range p.following(names, last) {
			if err := p.load(f, path.Dir(at)+"/"+name); err != nil {
				return err
			}
			last = name
		}
		if !*heard {
			*heard = true
			p.playing.Add(1)
		}
		select {
		case <-ticker.C:
		case <-p.ctx.Done():
			return nil
		}
	}
}

// following returns the segments that follow one; the last three for nobody who has heard any.
func (p *hlsPlayers) following(names []string, last string) []string {
	if last == "" {
		return names[max(0, len(names)-3):]
	}
	for i, name := range names {
		if name == last {
			return names[i+1:]
		}
	}
	p.missed.Add(1)
	return names[len(names)-1:]
}

// text loads a playlist, and returns its lines that are no tags.
func (p *hlsPlayers) text(f *fetcher, at string) (uris []string, err error) {
	var b strings.Builder
	scratch := p.scratch.Get().(*[]byte)
	defer p.scratch.Put(scratch)
	if err := f.get(at, *scratch, func(part []byte) { b.Write(part) }); err != nil {
		return nil, err
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			uris = append(uris, line)
		}
	}
	if uris == nil {
		return nil, fmt.Errorf("nothing is listed: %.200q", b.String())
	}
	return uris, nil
}

// enter returns where the list is.
func (p *hlsPlayers) enter(f *fetcher) (string, error) {
	uris, err := p.text(f, p.entry)
	if err != nil {
		return "", err
	}
	return path.Join(path.Dir(p.entry), uris[0]), nil
}

// poll loads the list.
func (p *hlsPlayers) poll(f *fetcher, at string) ([]string, error) {
	began := time.Now()
	names, err := p.text(f, at)
	p.note(&p.lists, &p.list, time.Since(began))
	return names, err
}

// load loads a segment, which is the same for all.
func (p *hlsPlayers) load(f *fetcher, at string) error {
	scratch := p.scratch.Get().(*[]byte)
	defer p.scratch.Put(scratch)
	began := time.Now()
	var sum uint32
	if err := f.get(at, *scratch, func(part []byte) {
		sum = crc32.Update(sum, castagnoli, part)
		p.bytes.Add(int64(len(part)))
	}); err != nil {
		return err
	}
	p.note(&p.segments, &p.segment, time.Since(began))
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.sums[at]; ok && known != sum {
		p.differs.Add(1)
	}
	p.sums[at] = sum
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// note counts a load in the window.
func (p *hlsPlayers) note(n *atomic.Int64, all *histogram, took time.Duration) {
	if !p.measuring.Load() {
		return
	}
	n.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	all.add(took)
}

// measureHLS plays a mount by HLS, and measures what that costs.
func (r *run) measureHLS(ctx context.Context, k serverKind) error {
	if err := r.startHLS(ctx, k); err != nil {
		return err
	}
	idle, _ := r.heap(ctx)
	p := newHLSPlayers(ctx, r.server.TLSPort, max(r.http, 1), r.cert, r.server.Mounts[0])
	defer p.Close()
	began := time.Now()
	for n := range r.listeners {
		sleep(ctx, time.Until(began.Add(time.Second*time.Duration(n)/time.Duration(r.ramp))))
		p.add(n)
	}
	sleep(ctx, r.settle)
	first, bytes := r.read(), p.bytes.Load()
	p.measuring.Store(true)
	sleep(ctx, r.window())
	p.measuring.Store(false)
	last := r.read()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.res.Bytes = residentBytes(r.server.pid())
	r.evaluate(first, last)
	if last.due == first.due { // a server of files has no source
		r.res.SourceShare = 1
	}
	seconds := last.at.Sub(first.at).Seconds()
	r.res.Gbits = 8 * float64(p.bytes.Load()-bytes) / seconds / 1e9
	r.concludeHLS(p, seconds)
	p.Close()
	if r.publisher != nil {
		if err := r.publisher.Close(); err != nil {
			return err
		}
		r.publisher = nil
	}
	for range 5 { // connections end soon, and sessions later
		sleep(ctx, time.Second)
		if busy, known := r.heap(ctx); known && (r.res.HLS.Heap == 0 || busy-idle < r.res.HLS.Heap) {
			r.res.HLS.Heap = busy - idle
		}
	}
	return nil
}

// startHLS brings up the server, and the mount.
func (r *run) startHLS(ctx context.Context, k serverKind) error {
	if err := r.start(ctx, k); err != nil {
		return err
	}
	if r.server.Web != "" {
		var err error
		r.publisher, err = publish(r.server.Web, r.server.Mounts[0])
		return err
	}
	return get(ctx, fmt.Sprintf("http://127.0.0.1:%d%s%s", r.server.Port, r.server.Mounts[0], entrySuffix), nil) // it has a list after a while
}

// concludeHLS counts what became of the sessions.
func (r *run) concludeHLS(p *hlsPlayers, seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	res := r.res
	res.Playing, res.Refused, res.Dropped = int(p.playing.Load()), int(p.refused.Load()), int(p.dropped.Load())
	res.Silent = r.listeners - res.Playing - res.Refused - res.Dropped
	res.Full = res.Playing
	if p.example != nil {
		res.Example = p.example.Error()
	}
	res.HLS = &hlsResult{
		Lists: p.lists.Load(), Segments: p.segments.Load(), Seconds: seconds, Missed: p.missed.Load(), Differing: p.differs.Load(),
		ListP50: p.list.quantile(0.5), ListP99: p.list.quantile(0.99), ListMax: p.list.max, SegmentP99: p.segment.quantile(0.99),
	}
	res.Lost, res.Corrupt = uint64(res.HLS.Missed), uint64(res.HLS.Differing)
	if r.server.hasExited() {
		res.Failed = "the server ended: " + r.server.lastWords()
	}
}

// heap returns what is in use of a Go server's heap, if it is one.
func (r *run) heap(ctx context.Context) (n int64, known bool) {
	if !r.server.kind.hasReload() {
		return 0, false
	}
	err := get(ctx, fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/heap?gc=1&debug=1", r.server.AdminPort), func(body io.Reader) error {
		for lines := bufio.NewScanner(body); lines.Scan(); {
			if value, ok := strings.CutPrefix(lines.Text(), "# HeapAlloc = "); ok {
				_, err := fmt.Sscan(value, &n)
				return err
			}
		}
		return io.ErrUnexpectedEOF
	})
	return n, err == nil
}

// sleep waits for a while, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// webFolder makes a folder for a server of files in memory.
func webFolder() (string, error) {
	web, err := os.MkdirTemp("/dev/shm", "caddycast-bench-")
	if err != nil {
		return "", err
	}
	return web, os.Chmod(web, 0o755) //nolint:gosec // G302: the server may run as somebody else
}

// hlsColumns are for scenarios with HLS.
var hlsColumns = []column{
	cpuColumn,
	number("playlists + segments per CPU second", "%.0f", func(r *result) float64 {
		h := r.hls()
		return float64(h.Lists+h.Segments) / max(r.CPU*h.Seconds, 1e-9)
	}),
	number("playlists + segments per second", "%.0f", func(r *result) float64 {
		h := r.hls()
		return float64(h.Lists+h.Segments) / max(h.Seconds, 1e-9)
	}),
	number("Gbit/s", "%.2f", func(r *result) float64 { return r.Gbits }),
	durations("playlist p50 / p99 / max, ms", func(r *result) time.Duration { return r.hls().ListP50 },
		func(r *result) time.Duration { return r.hls().ListP99 }, func(r *result) time.Duration { return r.hls().ListMax }),
	durations("segment p99, ms", func(r *result) time.Duration { return r.hls().SegmentP99 }),
	memoryColumn,
	number("heap of sessions without connections, MiB", "%.1f", func(r *result) float64 { return float64(r.hls().Heap) / mib }),
	number("playing", "%.0f", func(r *result) float64 { return float64(r.Playing) }),
	number("missed + differing segments", "%.0f", func(r *result) float64 { return float64(r.Lost + r.Corrupt) }),
	rigColumn, notesColumn,
}

// hls is zero if the run failed.
func (r *result) hls() hlsResult {
	if r.HLS == nil {
		return hlsResult{}
	}
	return *r.HLS
}
