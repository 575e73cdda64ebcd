//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/hls"
)

const (
	segmentTime = 6 * time.Second
	listed      = 10 // segments

	// framesPerSegment is the nearest whole number.
	framesPerSegment = int(segmentTime / numbered.Duration)

	entrySuffix, folderSuffix, listName = ".m3u8", ".hls", "index.m3u8"
)

// publisher writes the files of a mount by HLS for a server of files: those that caddycast has for the same
// sound, at the same paths.
type publisher struct {
	entry, folder string
	list          *hls.List
	next          uint64 // sequence
	sound         *sentStream
	old           []string // files in their order

	stop, done chan struct{}
	err        error // once done is closed
}

// publish begins to publish a mount below a folder.
func publish(web, mount string) (*publisher, error) {
	p := &publisher{
		entry: filepath.Join(web, mount+entrySuffix), folder: filepath.Join(web, mount+folderSuffix),
		next: uint64(time.Now().Unix()), sound: newSentStream(1 << 20), stop: make(chan struct{}), done: make(chan struct{}),
	}
	p.list = hls.NewList(segmentTime, listed, p.next, 0)
	if err := os.Mkdir(p.folder, 0o755); err != nil { //nolint:gosec // G301: the server may run as somebody else
		return nil, err
	}
	for range listed {
		if err := p.add(); err != nil {
			return nil, err
		}
	}
	page := p.list.Page()
	entry := hls.Entry("", 0, hls.Variant{Page: page, URI: filepath.Base(p.folder) + "/" + listName})
	if err := replace(p.entry, []byte(entry)); err != nil {
		return nil, err
	}
	go p.run()
	return p, nil
}

// run adds a segment whenever its time is over.
func (p *publisher) run() {
	defer close(p.done)
	ticker := time.NewTicker(segmentTime)
	defer ticker.Stop()
	for p.err == nil {
		select {
		case <-ticker.C:
			p.err = p.add()
		case <-p.stop:
			return
		}
	}
}

// add makes a segment, and lists it.
func (p *publisher) add() error {
	s := &hls.Segment{
		Sequence: p.next, Name: fmt.Sprintf("%d-%016x.mp3", p.next, p.next*0x9e3779b97f4a7c15),
		Samples: uint64(framesPerSegment) * 1152, Rate: 44100, Time: time.Now().Add(-segmentTime), Codec: "mp4a.40.34",
	}
	for range framesPerSegment {
		s.Data = append(s.Data, p.sound.add(time.Now())...)
	}
	s.Size = len(s.Data)
	p.next++
	p.list.Add(s)
	path := filepath.Join(p.folder, s.Name)
	p.old = append(p.old, path)
	if len(p.old) > 3*listed {
		_ = os.Remove(p.old[0])
		p.old = p.old[1:]
	}
	if err := replace(path, s.Data); err != nil {
		return err
	}
	return replace(filepath.Join(p.folder, listName), p.list.Page().Full().Text)
}

// Close ends it.
func (p *publisher) Close() error {
	close(p.stop)
	<-p.done
	return p.err
}

// replace writes a file that is whole whenever it is read.
func replace(path string, data []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, data, 0o644); err != nil { //nolint:gosec // G306: the server may run as somebody else
		return err
	}
	return os.Rename(next, path)
}
