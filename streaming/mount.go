package streaming

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// Stream is what a mount's listeners are promised: it is known once the source
// has sent enough for its type to be certain.
type Stream struct {
	Type  string // content type, as the bytes have it
	Info  Info   // as the source declared it
	Since time.Time

	promise
}

// Audio returns the audio that the stream began with, zero if that is unknown.
func (s Stream) Audio() format.Audio { return s.audio }

// promise is what must not change for a listener, or change only if there is no choice.
type promise struct {
	kind  string       // format.Kind: the one name of all streams that may follow
	audio format.Audio // of the first one; many players stop if it changes
}

// Mount is a name that listeners ask for, and a log. Its listeners hear that log while the
// mount has a source, and else what the Director chooses. It lives as long as it has a
// source, waits for one to come back, or has listeners.
type Mount struct {
	Path string

	station *Station
	log     *blocklog.Log

	settings atomic.Pointer[MountSettings]
	meta     atomic.Pointer[blocklog.Metadata]
	full     atomic.Bool   // the last listener found no room
	served   atomic.Uint64 // the end of the log when a shard last served listeners

	titles       sync.Mutex         // held while meta changes, so that notices come in its order
	unannounced  bool               // the notice of its source is still to come; titles guards it
	pendingTitle *blocklog.Metadata // to be published after that, or by titleTimer; nil: nothing; titles guards it
	titleTimer   *time.Timer        // calls flushTitle; nil: no title waits for its time; titles guards it
	lastTitle    time.Time          // when one was last published; titles guards it

	*counters

	// Guarded by the station's mu.
	source         *Source
	announced      bool               // the source has shown what it sends
	stream         *Stream            // what that is, or was as long as it is waited for; nil: nothing
	streamTitle    *blocklog.Metadata // of stream, while the next source has yet to show what it sends; nil: meta is
	liveSince      time.Time          // when it was announced
	linger         *time.Timer        // nil: no source is waited for
	lingers        int                // how often one was
	handedOver     bool               // the last source made room for another, which continues with its title
	activeFallback string             // the mount that listeners hear instead; empty: none
	lastHeard      time.Time          // when a source on demand last had a listener
	ending         blocklog.Ending    // of the log, if a relay wrote it last; its source's while it has one
	groups         map[*listenerGroup]bool
	hearers        map[*listenerGroup]bool // groups of other mounts that may hold its log
	samples        uint64                  // of the last source's stream, if its frames are numbered
	waiting        int                     // requests that wait until something is heard
	dependsOn      []string                // the paths under which Station.homes has it
}

func newMount(st *Station, path string) *Mount {
	m := &Mount{Path: path, station: st, log: blocklog.New(), groups: make(map[*listenerGroup]bool), counters: new(counters)}
	m.meta.Store(blocklog.NoMetadata)
	m.applySettings(st.settings.Load())
	return m
}

// IsAdHoc reports whether only listeners have ever named the mount: neither a source nor
// the configuration. Where a pattern has a fallback, any client can do that.
func (m *Mount) IsAdHoc() bool { return m.sources.Load() == 0 && !m.Settings().Named }

// isInternal reports whether the mount only feeds others, and is hidden from clients.
func (m *Mount) isInternal() bool { return !strings.HasPrefix(m.Path, "/") }

// Settings returns the settings in force for the mount.
func (m *Mount) Settings() *MountSettings { return m.settings.Load() }

func (m *Mount) applySettings(s *Settings) {
	settings := s.mount(m.Path)
	m.settings.Store(&settings)
}

// Stream returns what a new listener hears: what the source sends, or the fallback, with
// the mount's settings in place of what they override. It reports false while there is
// nothing.
func (m *Mount) Stream() (Stream, bool) {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	heard := m.offered()
	if heard == nil {
		return Stream{}, false
	}
	return m.withOverrides(heard.stream), true
}

// withOverrides returns a stream as listeners of m see it.
func (m *Mount) withOverrides(p *Stream) Stream {
	s, over := *p, m.Settings().StreamInfo
	s.Info = s.Info.override(over)
	if over.ContentType != "" {
		s.Type = over.ContentType
	}
	return s
}

// Heard returns the path of the mount whose stream a new listener hears; empty if there is
// none, or only one that is waited for.
func (m *Mount) Heard() string {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	if heard, _ := m.station.choose(m, promise{}, ""); heard != nil && heard.announced {
		return heard.Path
	}
	return ""
}

// Kind returns the format.Kind of what the mount's source sends, or sent; empty if that is
// unknown.
func (m *Mount) Kind() string {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	if m.stream == nil {
		return ""
	}
	return m.stream.kind
}

// Source returns what feeds the mount, nil if nothing does.
func (m *Mount) Source() *Source {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	return m.source
}

// SetMetadata sets the title of the audio that is appended from now on. It reports whether
// anything has changed. A stream that carries its titles itself is begun anew with this
// one, if its format and the mount's Titles allow that.
func (m *Mount) SetMetadata(artist, title, url string) bool {
	if !m.Announce(artist, title, url) {
		return false
	}
	m.station.mu.Lock() // two at once must not leave the older title
	defer m.station.mu.Unlock()
	if m.source != nil {
		m.retitle(m.source)
	}
	return true
}

// retitle makes the stream of a source carry the title of the mount, unless Titles forbids
// that.
func (m *Mount) retitle(s *Source) {
	if m.Settings().Titles != TitlesInChain {
		return
	}
	meta := m.meta.Load()
	s.retitle.Store(&format.Comments{Artist: meta.Artist, Title: meta.Title})
}

// Announce is SetMetadata for a title that the stream or its source carries, with the other
// fields of its block.
func (m *Mount) Announce(artist, title, url string, others ...icy.Field) bool {
	m.titles.Lock()
	defer m.titles.Unlock()
	before := m.meta.Load()
	meta := blocklog.NewMetadata(artist, title, url, m.Settings().Charset, others...)
	if meta.Equal(before) {
		return false
	}
	m.meta.Store(meta)
	if !meta.HasTitle(before) {
		m.publishTitle(meta)
	}
	return true
}

// Interval returns the space between the metadata blocks that a client would get
// on this mount, 0 if it would get none.
func (m *Mount) Interval(c Client) int {
	s, _ := m.Stream()
	return m.interval(s.Type, c)
}

func (m *Mount) interval(contentType string, c Client) int {
	settings := m.Settings()
	switch {
	case !c.Metadata, settings.Titles == TitlesOff, settings.Titles == TitlesInChain && !format.TakesICY(contentType):
		return 0
	}
	return max(0, settings.MetadataInterval)
}

// appended tells the shards that the source has added to the log.
func (m *Mount) appended(now time.Time) {
	settings := m.Settings()
	m.log.Flush()
	m.log.Keep(settings.Burst, settings.Queue/2)
	urgent := m.isUrgent()
	m.station.notify(now.Sub(m.station.Started), urgent)
}

// isUrgent reports whether so much has been appended since a shard last served listeners
// that the interval must be cut short: one write should carry all that is due.
func (m *Mount) isUrgent() bool { return m.log.Tail().End() >= m.served.Load()+flushBytes }

// logOrNone returns the log, nil if m is nil.
func (m *Mount) logOrNone() *blocklog.Log {
	if m == nil {
		return nil
	}
	return m.log
}
