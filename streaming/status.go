package streaming

import (
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// MountStatus is a mount at one moment: all that status pages, playlists, metrics and the
// administrator see of it. It is read under one lock, so the name of one stream never
// stands beside the title of another, nor a source beside the counts of the next.
type MountStatus struct {
	Path     string
	Settings MountSettings // in force
	AdHoc    bool          // only listeners have named the mount: see Mount.IsAdHoc
	Stats    MountStats

	// OnAir reports whether a listener that arrives now gets Stream: at once, or as soon
	// as a source that is waited for is back.
	OnAir    bool
	Stream   Stream             // with the mount's settings in place of what they override; zero unless OnAir
	Metadata *blocklog.Metadata // of that stream, else the mount's own; never nil

	// Playing is the path of the mount whose stream a new listener hears: this one or a
	// fallback. It is empty if there is none, or if its source is waited for.
	Playing string

	// AudioChanged is the number of listeners that hear another sampling rate or other
	// channels than they began with. Many players have stopped then.
	AudioChanged int

	Source *SourceStatus // what feeds the mount itself; nil: nothing does
}

// SourceStatus is a source at one moment.
type SourceStatus struct {
	User     string
	Addr     string
	Upstream string // of a relay; empty: an encoder
	Info     Info   // as the source declared it
	Since    time.Time
	Bitrate  float64       // bit/s of late; 0: not known yet
	Silence  time.Duration // since it last sent sound
}

// IsFallback reports whether a new listener hears another mount's stream.
func (s *MountStatus) IsFallback() bool { return s.Playing != "" && s.Playing != s.Path }

// Status returns the mount as it is now.
func (m *Mount) Status() MountStatus {
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	return m.status()
}

// Statuses returns the status of all mounts that live, in the order of their paths. All
// of it is of one moment, too.
func (st *Station) Statuses() []MountStatus {
	st.mu.RLock()
	defer st.mu.RUnlock()
	all := make([]MountStatus, 0, len(st.mounts))
	for _, m := range st.mounts {
		if !m.isInternal() {
			all = append(all, m.status())
		}
	}
	slices.SortFunc(all, func(a, b MountStatus) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// status returns the mount as it is now. mu is held, for reading at least.
func (m *Mount) status() MountStatus {
	s := MountStatus{
		Path: m.Path, Settings: *m.Settings(), AdHoc: m.IsAdHoc(), Stats: m.Stats(),
		Metadata: m.meta.Load(), Source: m.source.status(),
	}
	for g := range m.groups {
		if heard := g.heard(); heard != nil && heard.stream != nil && !g.audio.Fits(heard.stream.audio) {
			s.AudioChanged += g.listeners
		}
	}
	heard := m.offered()
	if heard == nil {
		return s
	}
	s.OnAir, s.Stream, s.Metadata = true, m.withOverrides(heard.stream), heard.streamMetadata()
	if heard.announced {
		s.Playing = heard.Path
	}
	return s
}

// offered returns the mount whose stream a new listener gets, nil if there is none. mu is
// held.
func (m *Mount) offered() *Mount {
	heard, _ := m.station.choose(m, promise{}, "")
	for g := range m.groups {
		if heard == nil {
			heard = g.heard() // it may be silent, but has not ended
		}
	}
	if heard == nil || heard.stream == nil {
		return nil
	}
	return heard
}

// streamMetadata returns the metadata of stream. mu is held.
func (m *Mount) streamMetadata() *blocklog.Metadata {
	if m.streamTitle != nil {
		return m.streamTitle
	}
	return m.meta.Load()
}

// setStream sets the stream of the mount, nil for none. mu is held.
func (m *Mount) setStream(s *Stream) { m.stream, m.streamTitle = s, nil }

// keepTitle keeps the title that belongs to the stream of the last source, as long as it is
// not known what the next one sends. mu is held.
func (m *Mount) keepTitle() {
	if m.stream != nil && m.streamTitle == nil {
		m.streamTitle = m.meta.Load()
	}
}

// status returns the source as it is now, nil if it is nil.
func (s *Source) status() *SourceStatus {
	if s == nil {
		return nil
	}
	return &SourceStatus{
		User: s.User, Addr: s.Addr, Upstream: s.Upstream, Info: s.info, Since: s.Since,
		Bitrate: s.Bitrate(), Silence: s.Silence(),
	}
}
