//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

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
