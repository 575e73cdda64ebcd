package streaming

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Why a listener or a source is refused.
var (
	ErrMountFull      = errors.New("max listeners reached")
	ErrStationFull    = errors.New("Icecast connection limit reached") //nolint:staticcheck // the wording that clients know
	ErrNoDirect       = errors.New("mountpoint unavailable")
	ErrMountInUse     = errors.New("Mountpoint in use") //nolint:staticcheck // the wording that clients know
	ErrTooManySources = errors.New("too many sources connected")
	ErrClosed         = errors.New("station is closed")
)

// Stream is what a mount's listeners are promised: it is known once the source
// has sent enough for its type to be certain.
type Stream struct {
	Type  string // content type, as the bytes have it
	Info  Info   // as the source said it
	Since time.Time
}

// Mount is a name that listeners ask for, and its log. It lives as long as it
// has a source or waits for one to come back; it is the station's until then,
// and only its listeners' afterwards.
type Mount struct {
	Path string

	station *Station
	log     *Log
	ready   chan struct{} // closed when stream is set for the first time, or never will be

	settings atomic.Pointer[MountSettings]
	meta     atomic.Pointer[Metadata]
	stream   atomic.Pointer[Stream]
	closing  atomic.Pointer[closing]

	listeners   atomic.Int64
	peak        atomic.Int64
	connections atomic.Int64
	slow        atomic.Int64
	bytesRead   atomic.Uint64
	bytesSent   atomic.Uint64

	// Guarded by the station's mu.
	source *Source
	linger *time.Timer
}

// closing says that a mount is no more, and why, and how long listeners have to
// take what is left.
type closing struct {
	reason   Reason
	deadline time.Time
}

func newMount(st *Station, path string) *Mount {
	m := &Mount{Path: path, station: st, log: newLog(), ready: make(chan struct{})}
	m.meta.Store(noMetadata)
	m.applySettings(st.settings.Load())
	return m
}

// Settings returns what is in force for the mount now.
func (m *Mount) Settings() *MountSettings { return m.settings.Load() }

func (m *Mount) applySettings(s *Settings) {
	settings := s.mount(m.Path)
	m.settings.Store(&settings)
}

// Stream returns what the source sends, or sent last, with the mount's settings
// in place of what they override. It reports false while that is unknown; it
// never is once Station.Await has returned the mount.
func (m *Mount) Stream() (Stream, bool) {
	p := m.stream.Load()
	if p == nil {
		return Stream{}, false
	}
	s, over := *p, m.Settings().Override
	s.Info = s.Info.override(over)
	if over.ContentType != "" {
		s.Type = over.ContentType
	}
	return s, true
}

// Metadata returns what the stream says of itself now.
func (m *Mount) Metadata() *Metadata { return m.meta.Load() }

// SetMetadata announces a title with the audio that is appended from now on. It
// reports whether anything has changed. A stream that carries its titles itself
// is begun anew with this one, if its format allows.
func (m *Mount) SetMetadata(artist, title, url string) bool {
	if !m.announce(artist, title, url) {
		return false
	}
	m.station.mu.Lock() // two at once must not leave the older title
	defer m.station.mu.Unlock()
	if m.source != nil {
		meta := m.Metadata()
		m.source.retitle.Store(&format.Comments{Artist: meta.Artist, Title: meta.Title})
	}
	return true
}

// announce is SetMetadata for what the stream itself has said.
func (m *Mount) announce(artist, title, url string) bool {
	for {
		old := m.meta.Load()
		if old.says(artist, title, url) {
			return false
		}
		if m.meta.CompareAndSwap(old, newMetadata(artist, title, url, m.Settings().Charset)) {
			return true
		}
	}
}

// Admit counts a new listener in, unless a limit forbids it.
func (m *Mount) Admit(c Client) (*Listener, error) {
	settings := m.Settings()
	if settings.NoDirect {
		return nil, ErrNoDirect
	}
	st := m.station
	total := st.listeners.Add(1)
	if st.closedAt.Load() != nil { // counted first: Close waits for those who came before it
		st.listeners.Add(-1)
		return nil, ErrClosed
	}
	if limit := st.settings.Load().MaxListeners; total > int64(limit) && limit > 0 {
		st.listeners.Add(-1)
		return nil, ErrStationFull
	}
	n := m.listeners.Add(1)
	if limit := settings.MaxListeners; n > int64(limit) && limit > 0 {
		m.release()
		return nil, ErrMountFull
	}
	shard, err := st.pickShard()
	if err != nil {
		m.release()
		return nil, err
	}
	for peak := m.peak.Load(); n > peak && !m.peak.CompareAndSwap(peak, n); peak = m.peak.Load() {
	}
	m.connections.Add(1)
	st.arrived()

	shard.load.Add(1)
	l := &Listener{
		ID: st.nextID.Add(1), Client: c, Since: time.Now(), Interval: m.Interval(c),
		mount: m, shard: shard,
	}
	l.cursor = newCursor(m.log, l.Interval) // it hears what sounds now, however long its answer takes
	if settings.MaxListenerDuration > 0 {
		l.deadline = l.Since.Add(settings.MaxListenerDuration)
	}
	return l, nil
}

// Interval returns the space between the metadata blocks that a client would get
// on this mount, 0 if it would get none.
func (m *Mount) Interval(c Client) int {
	s, _ := m.Stream()
	if !c.Metadata || !format.TakesICY(s.Type) {
		return 0
	}
	return max(0, m.Settings().MetadataInterval)
}

// release counts a listener out.
func (m *Mount) release() {
	m.listeners.Add(-1)
	m.station.listeners.Add(-1)
}

// appended makes what the source has added to the log known to the shards.
func (m *Mount) appended(now time.Time) {
	settings := m.Settings()
	m.log.flush()
	m.log.keep(settings.Burst, settings.Queue/2)
	urgent := m.log.urgent()
	if m.listeners.Load() > 0 {
		m.station.notify(now.Sub(m.station.Started), urgent)
	}
}

// end lets the mount's listeners go once they have got what is in the log.
func (m *Mount) end(r Reason) {
	m.closing.Store(&closing{reason: r, deadline: time.Now().Add(drainTime)})
	m.station.attend()
}
