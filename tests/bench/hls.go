//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/crc32"
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
	Missed     int64         `json:"missed_segments"` // gaps in the whole run, of one segment or more
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
