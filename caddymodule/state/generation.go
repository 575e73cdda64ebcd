package state

import (
	"html/template"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls/origin"
	"github.com/caddycast/caddycast/streaming/recording"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Generation is one loaded configuration of a station, resolved. The app fills it in while it
// is provisioned. After that it does not change, except by its own methods. The embedded
// station outlives it.
type Generation struct {
	*Station

	Identity Identity
	Limits   StationLimits
	Access   access.List
	Gate     auth.Gate
	IsMaster bool // listeners may be sent to slaves
	Redirect Redirect
	// PreferRegion is a text with placeholders of a request; see relay.PickQuery.
	PreferRegion string
	// RedirectExcept are players that are not redirected; nil: none.
	RedirectExcept *access.Agents
	Templates      Templates
	Named          []string // mounts that the configuration names
	HLSGroups      []*HLSGroup
	SegmentOrigins []string // of the caches that segments of HLS are loaded from

	// Log is the configuration's logger.
	Log *zap.Logger

	// SourceUser is the user name of the station's sources.
	SourceUser string

	// Storage stores what outlives a restart; nil: nothing is stored.
	Storage certmagic.Storage

	Relays     relay.Settings
	Peering    *Peering           // nil: the station is no node of a cluster
	Recordings recording.Settings // nil: no mount is recorded
	Hooks      *hooks.Plan
	Events     *hook.CaddyEvents // nil: no event is passed to Caddy

	policies   policies
	settings   *streaming.Settings
	director   *fallback.Director
	overrides  sync.Map // of fallbacks by Icecast's command: a mount's path to that of another
	sites      sites
	released   atomic.Bool
	shoutcasts shoutcasts

	// Guarded by the station's mu.
	published bool        // and not retired
	previous  *Generation // the next older one that is published
}

// Identity describes a station. Empty fields are left out or have defaults.
type Identity struct {
	Name     string
	Location string
	Contact  string
	Hostname string // base of listen URLs, with a port or without; empty: the host of the request
}

// StationLimits bound a whole station; 0 is no limit.
type StationLimits struct {
	Listeners int
	Sources   int
	Bandwidth int           // kbit/s
	PerIP     int           // listeners from one address
	Latency   time.Duration // 0: the engine's default
}

// Templates are those of the station's pages.
type Templates struct{ Status, Admin *template.Template }

// MountPolicy is what is set for one mount, resolved. It does not change.
type MountPolicy struct {
	Engine    streaming.MountSettings
	Rule      fallback.Rule
	Recording *recording.Options // nil: the mount is not recorded
	HLS       *origin.Options    // nil: the mount has no HLS

	// Source verifies the credentials of a source; nil: no source is allowed.
	Source *auth.Verifier

	// ListenURL is the URL of the mount for listeners; empty: that of the request's site.
	ListenURL string

	SourceTLS        bool // sources and titles over plain HTTP are refused
	HiddenFromSlaves bool
}

// MaxNamed bounds the named mounts that metrics and lists show without a source.
const MaxNamed = 1000

// Acquire returns a generation of the station with a name, for the app to fill in, and makes the
// station if no configuration has it yet. Each generation needs a Release. resolve returns the
// policy of a mount; it is called at most a few times for each path.
func Acquire(name string, log *zap.Logger, resolve func(path string) *MountPolicy) (*Generation, error) {
	st, err := acquire(name)
	if err != nil {
		return nil, err
	}
	if name != DefaultName {
		log = log.With(zap.String("station", name))
	}
	return &Generation{Station: st, Log: log, SourceUser: "source", policies: policies{resolve: resolve}}, nil
}

// Publish puts the configuration into force. Retire takes it back.
func (g *Generation) Publish() { g.publish(g) }

// PublishFirst puts the configuration into force if the station has had none: Caddy starts its
// apps in any order, so a source may be there before the station has started. It may be called
// for each request. If this process is to take another one's place, it waits until that is done.
func (g *Generation) PublishFirst() {
	if g.Current() != nil {
		return
	}
	if IsTakingOver() {
		<-tookOver
	} else {
		g.Publish()
	}
}

// Adopt puts the settings of the streams into force, and nothing else, and begins to take the streams
// of another process over.
func (g *Generation) Adopt() *streaming.Adoption {
	g.Apply(g.settings)
	a := g.Station.Adopt(g.adoptedEnded)
	a.Admit = func(mount string, c *streaming.Client) {
		if m, ok := g.Gate.Module(mount).(auth.ListenerAdopter); ok && c.User != "" && !c.Slave {
			c.Admission = m.AdoptListener(c.User)
		}
	}
	return a
}

// adoptedEnded logs the end of a source that came by another process.
func (g *Generation) adoptedEnded(src *streaming.Source) {
	g.Logger().Info("source disconnected",
		zap.String("mount", src.Mount().Path),
		zap.String("client_ip", src.Addr),
		zap.String("user_agent", src.Info().UserAgent),
		zap.Stringer("reason", src.Reason()),
		zap.Duration("duration", time.Since(src.Since)))
}

// Retire takes the configuration back, whether it is in force or not. If it was the newest, the
// previous one is in force again, unless that has been retired too. It may be called twice.
func (g *Generation) Retire() { g.retire(g) }

// Release retires the generation; the station ends with its last generation. It may be called
// twice.
func (g *Generation) Release() error {
	g.Retire()
	if g.released.Swap(true) {
		return nil
	}
	g.Events.Wait()
	return release(g.name)
}

// IsInForce reports whether the station has the settings of this configuration, and it has not
// been retired.
func (g *Generation) IsInForce() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.published && g.current.Load() == g
}

// Resolve makes the engine's settings, once everything else is filled in.
func (g *Generation) Resolve() {
	g.director = fallback.NewDirector(g.Rule, g.players, g.relays, g.warnOfMismatch)
	g.settings = &streaming.Settings{
		MaxListeners: g.Limits.Listeners,
		MaxSources:   g.Limits.Sources,
		MaxBandwidth: g.Limits.Bandwidth,
		PerIP:        g.Limits.PerIP,
		Latency:      g.Limits.Latency,
		Mount:        func(path string) streaming.MountSettings { return g.Policy(path).Engine },
		Director:     g.director,
	}
}

// warnOfMismatch logs a fallback that differs from what listeners were promised.
func (g *Generation) warnOfMismatch(m fallback.Mismatch) {
	fields := []zap.Field{zap.String("mount", m.Home), zap.String("fallback", fallback.Label(m.Fallback))}
	if m.Kind != fallback.OtherType {
		fields = append(fields, zap.Stringer("promised", m.Promised), zap.Stringer("offered", m.Offered))
	}
	log := g.Logger()
	switch m.Kind {
	case fallback.OtherType:
		log.Warn("fallback skipped; its content type differs", fields...)
	case fallback.OtherAudio:
		log.Warn("fallback with another sampling rate or channels; many players stop", fields...)
	case fallback.NoneWouldFit:
		log.Warn("no fallback has the sampling rate and channels of the stream", fields...)
	}
}

// Watched returns the named mounts that metrics and lists show although they have no source.
func (g *Generation) Watched() []string { return g.Named[:min(len(g.Named), MaxNamed)] }

// Policy returns what is set for the mount at a path. It is cheap, and never nil.
func (g *Generation) Policy(path string) *MountPolicy { return g.policies.get(path) }

// Rule returns the fallbacks of a mount, those of Icecast's command if it was given.
func (g *Generation) Rule(path string) fallback.Rule {
	rule := g.Policy(path).Rule
	if to, ok := g.overrides.Load(path); ok {
		rule.Fallbacks = nil
		if to != "" {
			rule.Fallbacks = []string{to.(string)}
		}
	}
	return rule
}

// OverrideFallback replaces the fallbacks of a mount until the next configuration; an empty
// path removes them.
func (g *Generation) OverrideFallback(mount, to string) {
	g.overrides.Store(mount, to)
	g.Station.Logger().Info("fallback overridden until the next configuration",
		zap.String("mount", response.Printable(mount)), zap.String("fallback", response.Printable(to)))
	g.director.Forget()
	g.Reconsider()
}

// credentials returns the credentials with which slaves may be registered.
func (g *Generation) credentials() []relay.Credential {
	all := g.Gate.Credentials()
	if g.Peering != nil {
		all = append(all, *relay.PeerCredential(nil))
	}
	return all
}

// Has reports whether a mount exists, or has settings or a relay of its own.
func (g *Generation) Has(path string) bool {
	return g.Policy(path).Engine.Named || g.Mount(path) != nil || g.relays.Has(path)
}
