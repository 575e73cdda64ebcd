package origin

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/caddycast/caddycast/streaming/hls"
)

// Fetch loads a file of the server that a mount is relayed from: the one whose path is that of the mount
// there with a suffix, such as ".m3u8". It has so many bytes at most. The error is ErrNoMirror if
// that server has no HLS of the mount.
type Fetch func(ctx context.Context, mount, suffix string, most int64) ([]byte, error)

// ErrNoMirror is returned for a mount that is not relayed, or not from a server with HLS of it.
var ErrNoMirror = errors.New("no HLS to mirror")

const (
	// mirrorTime is how long a request of a mirror may take. The other node holds it for nine seconds.
	mirrorTime = 20 * time.Second

	// mirrorPause is between two requests if the list is the same, or cannot be loaded.
	mirrorPause = time.Second

	// A mount that cannot be mirrored is tried again after mirrorRetry.
	mirrorRetry = 10 * time.Second

	// mirrorBegin is how long a mount waits for the list of the other node before it makes one: that
	// may have to wait for nine seconds of sound itself. A list of this node would be ahead of it.
	mirrorBegin = 12 * time.Second

	maxEntry = 64 << 10
	maxFile  = 16 << 20 // of a segment
)

// mirror loads the list of a mount from another node as it grows, and its files. It is one
// goroutine, which begins and ends with the context.
type mirror struct {
	fetch func(ctx context.Context, suffix string, most int64) ([]byte, error)
	lists chan *hls.Remote // as they come, with the data of their segments
	since time.Time        // when it began

	cancel context.CancelFunc
	done   chan struct{} // closed at its end

	codec    string                  // in CODECS
	segments map[string]*hls.Segment // those listed, by name
	parts    map[string][]byte
	inits    map[string]*hls.Init
	room     int // bytes that the list may have yet
}

// startMirror begins to mirror the mount.
func (m *Mount) startMirror(now time.Time) {
	ctx, cancel := context.WithCancel(context.Background())
	n := &mirror{
		fetch: func(ctx context.Context, suffix string, most int64) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, mirrorTime)
			defer cancel()
			return m.manager.fetch(ctx, m.path, suffix, most)
		},
		lists: make(chan *hls.Remote), since: now, cancel: cancel, done: make(chan struct{}),
		inits: make(map[string]*hls.Init),
	}
	m.mirror = n
	go func() {
		defer close(n.done)
		defer close(n.lists)
		n.run(ctx)
	}()
}

// stopMirror ends the mirror, if there is one.
func (m *Mount) stopMirror() {
	if m.mirror != nil {
		m.mirror.cancel()
		<-m.mirror.done
		m.mirror = nil
	}
}

// updates returns the lists as they come. The channel is closed if there will be no more.
func (n *mirror) updates() <-chan *hls.Remote {
	if n == nil {
		return nil
	}
	return n.lists
}

// run loads lists until ctx is done, or there is nothing to mirror for a while.
func (n *mirror) run(ctx context.Context) {
	if err := n.enter(ctx); err != nil {
		return
	}
	after := ""          // what the next list must have
	var failed time.Time // since when requests fail; zero: they do not
	for ctx.Err() == nil {
		r, err := n.load(ctx, after)
		switch {
		case err == nil:
			failed, after = time.Time{}, nextOf(r)
			select {
			case n.lists <- r:
			case <-ctx.Done():
			}
			if r.Ended {
				return
			}
			continue
		case errors.Is(err, ErrNoMirror), !failed.IsZero() && time.Since(failed) > mirrorRetry:
			return
		case errors.Is(err, errSame):
			failed = time.Time{}
		case failed.IsZero():
			failed, after = time.Now(), ""
		}
		select {
		case <-time.After(mirrorPause):
		case <-ctx.Done():
		}
	}
}

var codecs = regexp.MustCompile(`CODECS="([A-Za-z0-9.-]{1,40})"`)

// enter loads the entry, which begins the list of the other node.
func (n *mirror) enter(ctx context.Context) error {
	entry, err := n.fetch(ctx, ".m3u8", maxEntry)
	if err != nil {
		return err
	}
	found := codecs.FindSubmatch(entry)
	if found == nil {
		return fmt.Errorf("%w: the entry names no codec", ErrNoMirror)
	}
	n.codec = string(found[1])
	return nil
}

// nextOf returns the query for the list that follows one.
func nextOf(r *hls.Remote) string {
	next := fmt.Sprintf("?_HLS_msn=%d", r.Sequence+uint64(len(r.Segments)))
	if r.Part == 0 {
		return next
	}
	grown := 0
	if r.Growing != nil {
		grown = len(r.Growing.Parts)
	}
	return fmt.Sprintf("%s&_HLS_part=%d", next, grown)
}

// errSame is returned for a list that has not changed.
var errSame = errors.New("the list is the same")

// load loads the next list with its files.
func (n *mirror) load(ctx context.Context, query string) (*hls.Remote, error) {
	text, err := n.fetch(ctx, listSuffix+query, hls.MaxRemote)
	if err != nil {
		return nil, err
	}
	r, err := hls.ParsePlaylist(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoMirror, err)
	}
	if nextOf(r) == query && !r.Ended {
		return nil, errSame
	}
	return r, n.fill(ctx, r)
}

// fill gives the segments of a list their data. What an earlier list had is not loaded again.
func (n *mirror) fill(ctx context.Context, r *hls.Remote) error {
	segments, parts := make(map[string]*hls.Segment), make(map[string][]byte)
	n.room = maxMemory
	for i, s := range r.Segments {
		if known := n.segments[s.Name]; known != nil && known.Sequence == s.Sequence {
			r.Segments[i] = known
		} else if err := n.fillSegment(ctx, s, parts); err != nil {
			return err
		} else if s.Data, err = n.file(ctx, s.Name); err != nil {
			return err
		} else {
			s.Size = len(s.Data)
		}
		if err := n.fits(r.Segments[i].Size); err != nil {
			return err
		}
		segments[s.Name] = r.Segments[i]
	}
	if r.Growing != nil {
		if err := n.fillSegment(ctx, r.Growing, parts); err != nil {
			return err
		}
	}
	n.segments, n.parts = segments, parts
	return nil
}

// fillSegment loads the init and the parts of a segment.
func (n *mirror) fillSegment(ctx context.Context, s *hls.Segment, parts map[string][]byte) (err error) {
	s.Codec = n.codec
	if s.Init != nil {
		if s.Init, err = n.loadInit(ctx, s.Init.Name); err != nil {
			return err
		}
		if err := n.fits(len(s.Init.Data)); err != nil {
			return err
		}
	}
	for _, p := range s.Parts {
		data := n.parts[p.Name]
		if data == nil {
			if data, err = n.file(ctx, p.Name); err != nil {
				return err
			}
		}
		p.Data, parts[p.Name] = data, data
		if err := n.fits(len(data)); err != nil {
			return err
		}
	}
	return nil
}

// fits counts bytes of a list. They are bounded, whatever the other node lists.
func (n *mirror) fits(size int) error {
	if n.room -= size; n.room < 0 {
		return fmt.Errorf("%w: more than %d MiB are listed", ErrNoMirror, maxMemory>>20)
	}
	return nil
}

// maxInits bounds the inits that are kept: a stream changes its parameters seldom.
const maxInits = 16

func (n *mirror) loadInit(ctx context.Context, name string) (*hls.Init, error) {
	if known := n.inits[name]; known != nil {
		return known, nil
	}
	data, err := n.file(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(n.inits) >= maxInits {
		clear(n.inits)
	}
	n.inits[name] = &hls.Init{Name: name, Data: data}
	return n.inits[name], nil
}

// file loads a file of the list.
func (n *mirror) file(ctx context.Context, name string) ([]byte, error) {
	return n.fetch(ctx, ".hls/"+name, maxFile)
}
