package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// Settings are the configuration of a station. They are a snapshot: a change is a new
// Settings for Station.Apply.
type Settings struct {
	MaxListeners int           // listeners of all mounts together; 0: no limit
	MaxSources   int           // sources at a time; 0: no limit
	MaxBandwidth int           // kbit/s to all listeners together; 0: no limit
	PerIP        int           // listeners from one address; 0: no limit
	Latency      time.Duration // the longest that a byte waits; 0: DefaultLatency

	// Mount returns the settings of the mount at a path. It must be safe for
	// concurrent use and return the same for the same path. Nil: all defaults.
	Mount func(path string) MountSettings

	// Director decides what listeners hear. Nil: the mount they asked for, and
	// nothing else.
	Director Director
}

func (s *Settings) director() Director {
	if s.Director == nil {
		return noFallbacks{}
	}
	return s.Director
}

// MountSettings are those of one mount. The zero value is a mount with the
// defaults of Icecast.
type MountSettings struct {
	Named               bool           // the configuration names the mount: a request alone has not created it
	MaxListeners        int            // 0: no limit
	MaxBandwidth        int            // kbit/s to all listeners together; 0: no limit
	MaxListenerDuration time.Duration  // 0: no limit
	SourceTimeout       time.Duration  // silence after which a source is gone; 0: DefaultSourceTimeout
	Linger              time.Duration  // how long listeners wait for a source that ended
	RelayLinger         time.Duration  // the same if the source was a relay
	Burst               blocklog.Burst // zero: DefaultBurst, unless NoBurst
	NoBurst             bool
	Queue               int  // bytes a listener may be behind; 0: DefaultQueue
	Takeover            bool // a source may replace the one that is there
	Hidden              bool // left out of public lists
	NoDirect            bool // listeners may not ask for this mount
	RequireTLS          bool // only encrypted connections may; the server checks that
	FallbackWhenFull    bool // listeners beyond the limits hear one of Director.Overflow
	MetadataInterval    int  // bytes; 0: DefaultMetadataInterval, negative: no metadata

	// Intro returns what a listener hears before a stream of a format.Kind, nil
	// for nothing. It must be safe for concurrent use. Nil: there are no intros.
	Intro func(kind string) *blocklog.Intro

	Titles  TitleMode
	Charset string // of titles, from the source and to listeners; empty: UTF-8

	// StreamInfo replaces how the source describes itself.
	StreamInfo Info
}

// TitleMode is how titles that are set for a mount reach its listeners.
type TitleMode uint8

const (
	TitlesInChain TitleMode = iota // in the stream itself if its format has titles, else as ICY metadata
	TitlesInICY                    // as ICY metadata, in every format
	TitlesOff                      // not at all; status pages, events and hooks have them
)

// The defaults are Icecast's.
const (
	DefaultSourceTimeout    = 10 * time.Second
	DefaultQueue            = 512 << 10
	DefaultLatency          = 250 * time.Millisecond
	DefaultMetadataInterval = 16000
)

// DefaultBurst is what a new listener gets at once.
var DefaultBurst = blocklog.Burst{Bytes: 64 << 10}

// withDefaults fills in what was left out.
func (m MountSettings) withDefaults() MountSettings {
	if m.SourceTimeout <= 0 {
		m.SourceTimeout = DefaultSourceTimeout
	}
	if m.NoBurst {
		m.Burst = blocklog.Burst{}
	} else if m.Burst == (blocklog.Burst{}) {
		m.Burst = DefaultBurst
	}
	if m.Queue <= 0 {
		m.Queue = DefaultQueue
	}
	// A listener that has just got its burst must not be too slow.
	m.Queue = max(m.Queue, 2*m.Burst.Bytes)
	if m.MetadataInterval == 0 {
		m.MetadataInterval = DefaultMetadataInterval
	}
	return m
}

// intro returns what a client hears first, nil for nothing. Relays and slaves pass the stream
// on without it.
func (m *MountSettings) intro(c Client, kind string) *blocklog.Intro {
	if m.Intro == nil || c.Slave || c.Relay {
		return nil
	}
	if i := m.Intro(kind); i != nil && i.Kind() == kind {
		return i
	}
	return nil
}

func (s *Settings) mount(path string) MountSettings {
	if s.Mount == nil {
		return MountSettings{}.withDefaults()
	}
	return s.Mount(path).withDefaults()
}
