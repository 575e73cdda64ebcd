package streaming

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/audience"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

// Why a listener or a source is refused.
var (
	ErrMountFull          = errors.New("max listeners reached")
	ErrStationFull        = errors.New("Icecast connection limit reached") //nolint:staticcheck // the wording that clients know
	ErrMountBandwidth     = errors.New("mount bandwidth reached")
	ErrStationBandwidth   = errors.New("server bandwidth reached")
	ErrTooManyFromAddress = audience.ErrTooMany
	ErrNoDirect           = errors.New("mountpoint unavailable")
	ErrMountInUse         = errors.New("Mountpoint in use") //nolint:staticcheck // the wording that clients know
	ErrTooManySources     = errors.New("too many sources connected")
	ErrNothing            = errors.New("there is nothing to hear")
	ErrClosed             = errors.New("station is closed")
)

// Stream is what a mount's listeners are promised: it is known once the source
// has sent enough for its type to be certain.
type Stream struct {
	Type  string // content type, as the bytes have it
	Info  Info   // as the source said it
	Since time.Time

	kind string // the one name of all streams that may follow this one unnoticed
}

// Mount is a name that listeners ask for, and a log. What its listeners hear is
// that log while the mount has a source, and else what the Director says. It lives
// as long as it has a source, waits for one to come back, or has listeners.
type Mount struct {
	Path string

	station *Station
	log     *blocklog.Log

	settings atomic.Pointer[MountSettings]
	meta     atomic.Pointer[blocklog.Metadata]
	titles   sync.Mutex         // held while meta changes, so that notices come in its order
	untold   bool               // it has a source that nobody was told of yet; titles guards it
	held     *blocklog.Metadata // what is told after that; nil: nothing; titles guards it
	full     atomic.Bool        // the last who came found no place
	served   atomic.Uint64      // the end of the log when a shard last served listeners

	*counters

	// Guarded by the station's mu.
	source     *Source
	announced  bool               // it is known what the source sends
	own        *Stream            // what that is, or was as long as it is waited for; nil: nothing
	ownTitle   *blocklog.Metadata // of own, while the next source has yet to show what it sends; nil: meta is
	liveSince  time.Time          // when it was announced
	linger     *time.Timer        // nil: no source is waited for
	waits      int                // how often one was
	handedOver bool               // the last source made room for another, which goes on with its title
	standIn    string             // what listeners hear in place of it; empty: nothing
	wantedAt   time.Time          // when somebody last heard a source that plays on demand
	ending     blocklog.Ending    // of the log, if a relay wrote it last; its source's while it has one
	lanes      map[*lane]bool
	awaited    int // requests that wait for something to be heard
}

func newMount(st *Station, path string) *Mount {
	m := &Mount{Path: path, station: st, log: blocklog.New(), lanes: make(map[*lane]bool), counters: new(counters)}
	m.meta.Store(blocklog.NoMetadata)
	m.applySettings(st.settings.Load())
	return m
}

// IsAdHoc tells whether nobody but its listeners has ever named the mount: neither a
// source nor the configuration. Where a pattern has a fallback, anybody can do that.
func (m *Mount) IsAdHoc() bool { return m.sources.Load() == 0 && !m.Settings().Named }

// isInternal tells whether the mount feeds others only, and is nobody's to ask for.
func (m *Mount) isInternal() bool { return !strings.HasPrefix(m.Path, "/") }

// Settings returns what is in force for the mount now.
func (m *Mount) Settings() *MountSettings { return m.settings.Load() }

func (m *Mount) applySettings(s *Settings) {
	settings := s.mount(m.Path)
	m.settings.Store(&settings)
}

// Stream returns what those hear who come now: what the source sends, or what
// stands in for it, with the mount's settings in place of what they override. It
// reports false while there is nothing.
func (m *Mount) Stream() (Stream, bool) {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	heard := m.offered()
	if heard == nil {
		return Stream{}, false
	}
	return m.promise(heard.own), true
}

// promise is what listeners of m are told of a stream.
func (m *Mount) promise(p *Stream) Stream {
	s, over := *p, m.Settings().StreamInfo
	s.Info = s.Info.override(over)
	if over.ContentType != "" {
		s.Type = over.ContentType
	}
	return s
}

// Heard returns the path of the mount whose stream those hear who come now; empty if
// there is none, or only one that is waited for.
func (m *Mount) Heard() string {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	if heard, _ := m.station.choose(m, "", ""); heard != nil && heard.announced {
		return heard.Path
	}
	return ""
}

// Metadata returns what the stream that is heard says of itself now.
func (m *Mount) Metadata() *blocklog.Metadata {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	if heard, _ := m.station.choose(m, "", ""); heard != nil {
		return heard.meta.Load()
	}
	return m.meta.Load()
}

// Kind returns the format.Kind of what the mount's source sends, or sent; empty if that
// is not known.
func (m *Mount) Kind() string {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	if m.own == nil {
		return ""
	}
	return m.own.kind
}

// Source returns what feeds the mount, nil if nothing does.
func (m *Mount) Source() *Source {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	return m.source
}

// SetMetadata announces a title with the audio that is appended from now on. It
// reports whether anything has changed. A stream that carries its titles itself
// is begun anew with this one, if its format allows.
func (m *Mount) SetMetadata(artist, title, url string) bool {
	if !m.Announce(artist, title, url) {
		return false
	}
	m.station.mu.Lock() // two at once must not leave the older title
	defer m.station.mu.Unlock()
	if m.source != nil {
		meta := m.meta.Load()
		m.source.retitle.Store(&format.Comments{Artist: meta.Artist, Title: meta.Title})
	}
	return true
}

// Announce is SetMetadata for what the stream itself says, or its source.
func (m *Mount) Announce(artist, title, url string) bool {
	m.titles.Lock()
	defer m.titles.Unlock()
	if m.meta.Load().Equal(artist, title, url) {
		return false
	}
	meta := blocklog.NewMetadata(artist, title, url, m.Settings().Charset)
	m.meta.Store(meta)
	if m.untold {
		m.held = meta
	} else {
		m.tell(Notice{Kind: MetadataUpdated, Metadata: meta})
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
	if !c.Metadata || !format.TakesICY(contentType) {
		return 0
	}
	return max(0, m.Settings().MetadataInterval)
}

// appended makes what the source has added to the log known to the shards.
func (m *Mount) appended(now time.Time) {
	settings := m.Settings()
	m.log.Flush()
	m.log.Keep(settings.Burst, settings.Queue/2)
	urgent := m.isUrgent()
	if m.station.listeners.Load() > 0 {
		m.station.notify(now.Sub(m.station.Started), urgent)
	}
}

// isUrgent reports whether so much has been appended since a shard last served listeners
// that the turn must not be slept out: one write should carry all that is due.
func (m *Mount) isUrgent() bool { return m.log.Tail().End() >= m.served.Load()+urgeBytes }

// logOrNone returns the log, nil if m is nil.
func (m *Mount) logOrNone() *blocklog.Log {
	if m == nil {
		return nil
	}
	return m.log
}
