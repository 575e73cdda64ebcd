package origin

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

// Options are those of a mount. They do not change.
type Options struct {
	Segment time.Duration // the length of segments
	Listed  int           // segments in the list
	FMP4    bool          // AAC is in fMP4
	Part    time.Duration // the longest part of a segment, for players of low latency; 0: there are none

	Rewind time.Duration // the length of the long list; 0: there is none
	Folder string        // of its segments; empty: they are in memory

	// Others are the mounts between which and this one players can change, each with a line end
	// after it; empty: there are none. Their segments begin at the same time.
	Others string

	NoTags     bool // titles are not in segments
	DateRanges bool // titles are in playlists

	CachePlaylists time.Duration // how long caches may keep playlists, in whole seconds; 0: not at all
	SegmentsFrom   string        // the URL that names of files are appended to; empty: they are relative
}

// form returns how the lists of a mount are written.
func (m *Mount) form() hls.Form {
	o := m.options.Load()
	return hls.Form{Base: o.SegmentsFrom, DateRanges: o.DateRanges, Renditions: m.renditions}
}

// renditions returns how far the mounts are between which and this one players can change. They begin to be
// served by their entry.
func (m *Mount) renditions() (all []hls.Rendition) {
	up := strings.Repeat("../", strings.Count(m.path, "/"))
	for path := range strings.Lines(m.options.Load().Others) {
		path = strings.TrimSuffix(path, "\n")
		if other := m.manager.Mount(path); other != nil && other.View().Page != nil {
			at := url.URL{Path: strings.TrimPrefix(path, "/") + listSuffix}
			all = append(all, other.View().Rendition(up+at.EscapedPath()))
		}
	}
	return all
}

// patience is how long a session may be without a poll: players poll once for each segment.
func (o *Options) patience() time.Duration { return max(3*o.Segment, minPatience) }

// idleTime is how long a list goes on without a request.
func (o *Options) idleTime() time.Duration {
	return max(2*time.Duration(o.Listed)*o.Segment, o.patience())
}

const minPatience = 30 * time.Second

// listSuffix follows the path of a mount in that of its list.
const listSuffix = ".hls/index.m3u8"

// Settings returns the options of a mount; nil: it has no HLS. It must be safe for concurrent
// use.
type Settings func(mount string) *Options

// Report is called when segments of a mount begin to be missing in its long list, with the cause,
// and when all is well again, with nil. It must not block.
type Report func(mount string, err error)

// Manager serves the mounts of a station.
type Manager struct {
	station *streaming.Station
	name    string // of the station
	key     func() []byte
	report  Report
	fetch   Fetch

	mu       sync.Mutex
	settings Settings
	mounts   map[string]*Mount
	closed   chan struct{}
	once     sync.Once
	running  sync.WaitGroup // the mounts

	numbering
}

// Config is what a manager needs of its surroundings. Its functions may be called by any goroutine.
type Config struct {
	Name   string        // of the station
	Key    func() []byte // secret of the station, from which names of segments and ids of sessions are made; called once
	Report Report

	Fetch   Fetch   // loads the lists of other nodes; nil: all are made here
	Reserve Reserve // nil: the numbers of discontinuities begin with the clock, after a restart as well
}

// NewManager returns a manager without settings.
func NewManager(st *streaming.Station, c Config) *Manager {
	m := &Manager{
		station: st, name: c.Name, key: sync.OnceValue(c.Key), report: c.Report, fetch: c.Fetch,
		mounts: make(map[string]*Mount), closed: make(chan struct{}),
		numbering: numbering{
			numbers: make(map[string]numbers), grids: make(map[time.Duration]numbers), reserve: c.Reserve,
		},
	}
	st.OnSource(func(s *streaming.Source) { m.openRewound(s.Mount().Path) })
	return m
}

// Apply takes new settings. A list whose segments get another length is followed by another;
// one of a mount without options ends.
func (m *Manager) Apply(s Settings) {
	m.mu.Lock()
	m.settings = s
	m.mu.Unlock()
	for _, mount := range m.station.Mounts() {
		if mount.Source() != nil {
			m.openRewound(mount.Path)
		}
	}
}

// openRewound begins to serve a mount that has a source, if it has a long list: what nobody hears
// now can be heard later.
func (m *Manager) openRewound(path string) {
	if o := m.options(path); o != nil && o.Rewind > 0 && strings.HasPrefix(path, "/") {
		m.Open(path)
	}
}

// options returns the options of a mount that are in force, nil if it has no HLS.
func (m *Manager) options(path string) *Options {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settings == nil || m.isClosed() {
		return nil
	}
	return m.settings(path)
}

// Mount returns the mount at a path if it is being served, else nil.
func (m *Manager) Mount(path string) *Mount {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mounts[path]
}

// Open returns the mount at a path, and begins to serve it. It is nil if the mount has no HLS.
func (m *Manager) Open(path string) *Mount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() || m.settings == nil {
		return nil
	}
	if found := m.mounts[path]; found != nil {
		found.ask()
		return found
	}
	options := m.settings(path)
	if options == nil {
		return nil
	}
	opened := newMount(m, path, options)
	m.mounts[path] = opened
	m.running.Go(opened.run)
	return opened
}

// closeIdle removes a mount unless it was asked for since a time, and reports whether it did.
func (m *Manager) closeIdle(o *Mount, since time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Unix(0, o.asked.Load()).After(since) {
		return false
	}
	delete(m.mounts, o.path)
	return true
}

// remove removes a mount.
func (m *Manager) remove(o *Mount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.mounts, o.path)
}

func (m *Manager) isClosed() bool {
	select {
	case <-m.closed:
		return true
	default:
		return false
	}
}

// Close ends all lists. It waits until that is done, or ctx is.
func (m *Manager) Close(ctx context.Context) error {
	m.once.Do(func() { close(m.closed) })
	done := make(chan struct{})
	go func() { // ends with the last mount, which waits for nothing
		m.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
