package caddymodule

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// settings translates the station for the engine.
func (s *Station) settings() *streaming.Settings {
	return &streaming.Settings{
		MaxListeners: s.Limits.Listeners,
		MaxSources:   s.Limits.Sources,
		MaxKbps:      s.Limits.Bandwidth,
		PerIP:        s.Limits.PerIP,
		Latency:      time.Duration(s.Limits.Latency),
		Mount:        s.mountSettings,
		Director:     s.director(),
	}
}

// mountSettings translates one mount for the engine.
func (s *Station) mountSettings(p string) streaming.MountSettings {
	m := s.mount(p)
	m.fill(&Mount{Burst: s.Limits.Burst, Queue: s.Limits.Queue, SourceTimeout: s.Limits.SourceTimeout})
	settings := streaming.MountSettings{
		Named:               s.names(p),
		MaxListeners:        setting.Value(m.MaxListeners),
		MaxListenerDuration: time.Duration(setting.Value(m.MaxListenerDuration)),
		MaxKbps:             setting.Value(m.MaxBandwidth),
		SourceTimeout:       time.Duration(m.SourceTimeout),
		Linger:              time.Duration(setting.Value(m.Linger)),
		RelayLinger:         relayLinger,
		Queue:               m.Queue,
		Takeover:            setting.Is(m.Takeover, true),
		Hidden:              setting.Is(m.Hidden, true) || setting.Is(m.HiddenFromSlaves, true),
		NoDirect:            setting.Is(m.Direct, false),
		RequireTLS:          setting.Is(m.RequireTLS, true),
		FallbackWhenFull:    setting.Is(m.FallbackWhenFull, true),
		Charset:             m.Charset,
		Intro:               s.intros[setting.Value(m.Intro)],
		StreamInfo: streaming.Info{
			ContentType: m.Type,
			Subtype:     m.Subtype,
			Name:        m.Name,
			Description: m.Description,
			Genre:       m.Genre,
			URL:         m.URL,
			Public:      m.Public,
		},
	}
	if m.Linger != nil {
		settings.RelayLinger = settings.Linger
	}
	if m.Bitrate > 0 {
		settings.StreamInfo.Bitrate = fmt.Sprint(m.Bitrate)
	}
	if b := m.Burst; b != nil {
		settings.Burst = blocklog.Burst{Bytes: b.Bytes, Time: time.Duration(b.Time)}
		settings.NoBurst = *b == Burst{}
	}
	if i := m.MetadataInterval; i != nil {
		if settings.MetadataInterval = *i; *i == 0 {
			settings.MetadataInterval = -1
		}
	}
	return settings
}

// names tells whether the configuration names a mount.
func (s *Station) names(path string) bool {
	return slices.ContainsFunc(s.Mounts, func(m *Mount) bool { return m.Path == path && !mountpath.IsPattern(m.Path) })
}

// relayLinger is how long listeners wait for a relay if nothing is set. A link that
// breaks is dialed again at once, and should cost nobody.
const relayLinger = 10 * time.Second
