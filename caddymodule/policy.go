package caddymodule

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// The defaults of the linger of relays: a relay that has lost its upstream dials again at once.
const (
	relayLinger             = 10 * time.Second
	relayLingerWithFallback = 2 * time.Second
)

// policy resolves the settings of the mount at a path.
func (r *resolver) policy(path string) *state.MountPolicy {
	m := r.mounts.get(path)
	source := m.SourcePassword
	if source == nil {
		source = r.station.SourcePassword
	}
	hls := m.HLS.options(path)
	if hls != nil {
		hls.Others = r.otherVariants(path)
	}
	return &state.MountPolicy{
		Engine:           r.engineSettings(&m),
		Rule:             r.rule(&m),
		Recording:        m.Dump.options(),
		HLS:              hls,
		Source:           r.sources[source],
		ListenURL:        strings.ReplaceAll(m.ListenURL, mountVerb, mountpath.Escape(path)),
		SourceTLS:        m.SourceTLS == tlsRequired,
		HiddenFromSlaves: setting.Is(m.HiddenFromSlaves, true),
	}
}

// engineSettings translates one mount for the engine.
func (r *resolver) engineSettings(m *Mount) streaming.MountSettings {
	settings := streaming.MountSettings{
		Named:               r.mounts.names(m.Path),
		MaxListeners:        setting.Value(m.MaxListeners),
		MaxListenerDuration: time.Duration(setting.Value(m.MaxListenerDuration)),
		MaxBandwidth:        setting.Value(m.MaxBandwidth),
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
		Intro:               r.intros[setting.Value(m.Intro)],
		StreamInfo: streaming.Info{
			ContentType: streaming.ContentType(m.Type),
			Subtype:     m.Subtype,
			Name:        m.Name,
			Description: m.Description,
			Genre:       m.Genre,
			URL:         m.URL,
			Public:      m.Public,
		},
	}
	switch {
	case m.Linger != nil:
		settings.RelayLinger = settings.Linger
	case len(r.rule(m).Fallbacks) > 0:
		settings.RelayLinger = relayLingerWithFallback
	}
	if m.Bitrate > 0 {
		settings.StreamInfo.Bitrate = fmt.Sprint(m.Bitrate)
	}
	if b := m.Burst; b != nil {
		settings.Burst = blocklog.Burst{Bytes: b.Bytes, Time: time.Duration(b.Time)}
		settings.NoBurst = *b == Burst{}
	}
	settings.Titles = titleModes[m.Titles]
	if i := m.MetadataInterval; i != nil {
		if settings.MetadataInterval = *i; *i == 0 {
			settings.MetadataInterval = -1
		}
	}
	return settings
}

// titleModes are the values of Mount.Titles.
var titleModes = map[string]streaming.TitleMode{
	"":      streaming.TitlesInChain,
	"chain": streaming.TitlesInChain,
	"icy":   streaming.TitlesInICY,
	"off":   streaming.TitlesOff,
}

// rule translates the fallbacks of a mount.
func (r *resolver) rule(m *Mount) fallback.Rule {
	if mountpath.Check(m.Path) != nil {
		return fallback.Rule{}
	}
	rule := fallback.Rule{Stay: setting.Is(m.Override, false), ReturnAfter: time.Duration(setting.Value(m.ReturnAfter))}
	for _, f := range r.fallbacksOf(m.Path) {
		rule.Fallbacks = append(rule.Fallbacks, f.Targets(m.Path)...)
	}
	return rule
}

// fallbacksOf returns the fallbacks of the first entry for a mount that has any.
func (r *resolver) fallbacksOf(path string) (found []fallbacks.Module) {
	done := false
	r.mounts.each(path, func(m *Mount) {
		if modules, ok := r.fallbacks[m]; ok && !done {
			found, done = modules, true
		}
	})
	return found
}
