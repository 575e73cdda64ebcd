package caddymodule

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddycast/caddycast/caddymodule/access"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/status"
	"github.com/caddycast/caddycast/streaming/recording"
	"github.com/caddycast/caddycast/streaming/relay"
)

// resolver turns the settings of a station into a generation. It outlives the provisioning,
// since the policy of a mount is resolved when the mount is first used.
type resolver struct {
	station   *Station
	mounts    mergedMounts
	sources   map[*auth.Credential]*auth.Verifier // of sources
	intros    intros
	fallbacks map[*Mount][]fallbacks.Module // of the entries that have fallbacks

	admin, relay *auth.Verifier
	slaves       []auth.SlaveLogin
	access       access.List
	templates    state.Templates
}

// resolve makes the generation of a station. The generation is in a.generations as soon as it
// needs a Release, also if resolve fails.
func (a *App) resolve(ctx caddy.Context, name string, s *Station, events *caddyevents.App) error {
	r, err := newResolver(ctx, s)
	if err != nil {
		return err
	}
	g, err := state.Acquire(name, ctx.Logger(), r.policy)
	if err != nil {
		return err
	}
	a.generations[name] = g
	r.fill(g)
	g.Storage, g.Events = ctx.Storage(), hook.NewCaddyEvents(ctx, events)
	if g.Relays, err = r.relays(ctx, g); err != nil {
		return err
	}
	if err := r.modules(ctx, g); err != nil {
		return err
	}
	if g.Peering, err = r.station.peering(ctx); err != nil {
		return err
	}
	if err := r.station.checkCaching(&r.mounts, g.Gate.DecidesOnListeners); err != nil {
		return err
	}
	g.Resolve()
	return nil
}

// newResolver checks the settings of a station and loads what they name. Credentials come
// first: their placeholders may be missing, and the other checks are of little use then.
func newResolver(ctx caddy.Context, s *Station) (r *resolver, err error) {
	if err := s.replacePlaceholders(); err != nil {
		return nil, err
	}
	r = &resolver{station: s, mounts: newMergedMounts(s)}
	if err := r.credentials(); err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if r.templates, err = status.LoadTemplates(s.Templates); err != nil {
		return nil, err
	}
	if r.access, err = access.New(s.Deny, s.Allow, ctx.Logger()); err != nil {
		return nil, err
	}
	r.intros = readIntros(s.Mounts, ctx.Logger())
	if err := r.loadFallbacks(ctx); err != nil {
		return nil, err
	}
	r.warn(ctx.Logger())
	return r, nil
}

// fill sets the fields of a generation that need no module.
func (r *resolver) fill(g *state.Generation) {
	s := r.station
	g.Identity = state.Identity{Name: s.Name, Location: s.Location, Contact: s.Contact, Hostname: s.Hostname}
	g.Limits = state.StationLimits{
		Listeners: s.Limits.Listeners, Sources: s.Limits.Sources, Bandwidth: s.Limits.Bandwidth, PerIP: s.Limits.PerIP,
		Latency: time.Duration(s.Limits.Latency),
	}
	g.Access, g.Templates, g.Named = r.access, r.templates, r.named()
	g.SegmentOrigins, g.HLSGroups = r.segmentOrigins(), r.hlsGroups()
	g.Gate.Admin, g.Gate.Relay, g.Gate.Slaves = r.admin, r.relay, r.slaves
	g.Gate.Source = func(mount string) *auth.Verifier { return g.Policy(mount).Source }
	if g.IsMaster = s.Master != nil; g.IsMaster {
		g.Redirect = cmp.Or(s.Master.Redirect, state.RedirectOff)
		g.PreferRegion = s.Master.PreferRegion
		g.RedirectExcept = access.NewAgents(s.Master.RedirectExcept)
	}
	if s.Peer != nil {
		g.IsMaster, g.Redirect = true, cmp.Or(s.Peer.Redirect, state.RedirectOff)
		g.PreferRegion, g.RedirectExcept = s.Peer.PreferRegion, access.NewAgents(s.Peer.RedirectExcept)
	}
	if s.Slave != nil && s.Slave.Auth == "master" {
		m := g.Relayer()
		g.Gate.Master = &auth.Master{
			Guards: func(mount string) bool { return len(m.Required(mount)) > 0 }, Ask: m.Ask, Ended: m.ListenerEnded,
		}
	}
	if l := r.sources[s.SourcePassword]; l != nil {
		g.SourceUser = l.User
	}
	if r.records() {
		g.Recordings = func(path string) *recording.Options { return g.Policy(path).Recording }
	}
}

// credentials makes the verifiers of the station and its mounts.
func (r *resolver) credentials() (err error) {
	s := r.station
	if r.admin, err = newVerifier(auth.KindAdmin, "admin_password", "admin", s.AdminPassword); err != nil {
		return err
	}
	if r.relay, err = newVerifier(auth.KindRelay, "relay_password", "relay", s.RelayPassword); err != nil {
		return err
	}
	if r.slaves, err = s.Master.slaveLogins(r.relay); err != nil {
		return err
	}
	r.sources = make(map[*auth.Credential]*auth.Verifier)
	if r.sources[s.SourcePassword], err = newVerifier(auth.KindStation, "source_password", "source", s.SourcePassword); err != nil {
		return err
	}
	for _, m := range s.Mounts {
		if m.SourcePassword == nil {
			continue
		}
		if r.sources[m.SourcePassword], err = newVerifier(auth.KindMount, "source_password", "source", m.SourcePassword); err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
	}
	return nil
}

// newVerifier makes the verifier of a credential of a kind.
func newVerifier(kind, directive, user string, c *auth.Credential) (*auth.Verifier, error) {
	v, err := auth.NewVerifier(directive, user, c)
	if v != nil {
		v.Kind = kind
	}
	return v, err
}

// loadFallbacks loads the fallbacks of all mounts.
func (r *resolver) loadFallbacks(ctx caddy.Context) error {
	r.fallbacks = make(map[*Mount][]fallbacks.Module)
	for _, m := range r.station.Mounts {
		if m.FallbacksRaw == nil {
			continue
		}
		modules, err := fallbacks.Load(ctx, m, "FallbacksRaw", m.FallbacksRaw)
		if err != nil {
			return fmt.Errorf("mount %s: %w", m.Path, err)
		}
		r.fallbacks[m] = modules
		for _, module := range modules {
			setting.WarnMissing(ctx.Logger(), m.Path, "fallback", module)
		}
	}
	return nil
}

// relays translates the relays and the role of a slave for the engine.
func (r *resolver) relays(ctx caddy.Context, g *state.Generation) (settings relay.Settings, err error) {
	for _, one := range r.station.Relays {
		config, err := one.settings(ctx)
		if err != nil {
			return settings, err
		}
		settings.Relays = append(settings.Relays, config)
	}
	if r.station.Slave != nil {
		settings.Slave, err = r.station.Slave.settings(ctx, g.Report, g.Missing)
	}
	if r.station.Peer != nil && err == nil {
		settings.Slave, err = r.station.Peer.settings(g.Missing)
	}
	return settings, err
}

// modules loads the hooks, and the auth modules, which may have hooks of their own.
func (r *resolver) modules(ctx caddy.Context, g *state.Generation) error {
	about := hook.Station{Name: g.StationName(), Logger: g.Logger, Address: g.Address}
	plan, err := r.hooks(ctx, about)
	if err != nil {
		return err
	}
	g.Gate.Roles = r.roles() // before what is loaded is cleared
	for _, m := range r.station.Mounts {
		if len(m.AuthRaw) == 0 {
			continue
		}
		loaded, err := ctx.LoadModule(m, "AuthRaw")
		if err != nil {
			return fmt.Errorf("mount %s: auth: %w", m.Path, err)
		}
		module, ok := loaded.(auth.Module)
		if !ok {
			return fmt.Errorf("mount %s: auth: %T does not implement auth.Module", m.Path, loaded)
		}
		plan.Bind(m.Path, module.Bind(auth.Station{
			Station: about, Scope: m.Path, NewID: g.NewID, Enqueue: g.Enqueue, SetWill: g.SetWill, Sessions: g.Sessions(),
		}))
		g.Gate.Modules.Add(m.Path, module)
	}
	g.Hooks = plan.Hooks(g.Events)
	return nil
}

// hooks loads the hooks of the station and its mounts.
func (r *resolver) hooks(ctx caddy.Context, about hook.Station) (*hook.Plan, error) {
	s := r.station
	scopes := []hook.Scope{{On: s.On, Connect: s.OnConnect, Disconnect: s.OnDisconnect}}
	for _, m := range s.Mounts {
		scopes = append(scopes, hook.Scope{Path: m.Path, On: m.On, Connect: m.OnConnect, Disconnect: m.OnDisconnect})
	}
	return hook.NewPlan(ctx, about, scopes)
}

// named returns the mounts that the configuration names.
func (r *resolver) named() (paths []string) {
	for _, m := range r.station.Mounts {
		if !mountpath.IsPattern(m.Path) {
			paths = append(paths, m.Path)
		}
	}
	return paths
}

// records reports whether any mount is recorded.
func (r *resolver) records() bool {
	for _, m := range r.station.Mounts {
		if m.Dump != nil && m.Dump.Pattern != "" {
			return true
		}
	}
	return false
}

// roles returns the paths of auth.Gate.Roles. Icecast 2.5 counts the administrator, slaves and
// everybody else first, then for each mount its authentication, the rest of its listeners, and
// its source.
func (r *resolver) roles() []string {
	roles := []string{""}
	for _, c := range []*auth.Credential{r.station.AdminPassword, r.station.RelayPassword} {
		if c != nil {
			roles = append(roles, "")
		}
	}
	for _, m := range r.station.Mounts {
		if len(m.AuthRaw) > 0 {
			roles = append(roles, m.Path, "")
		}
		if m.SourcePassword != nil {
			roles = append(roles, "")
		}
	}
	return roles
}
