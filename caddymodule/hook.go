package caddymodule

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
)

// Hook is what is to happen when something happens to a mount or the station.
type Hook struct {
	// The events: source_connected, source_disconnected, relay_up, relay_down,
	// listener_added, listener_removed, metadata_updated, fallback_engaged,
	// fallback_released, mount_full, slave_joined, slave_left,
	// recording_started, recording_ended.
	Events []hooks.Name `json:"events"`

	// What is to happen.
	DoRaw json.RawMessage `json:"do" caddy:"namespace=icecast.hooks inline_key=kind"`
}

// HookModule is a module of the namespace icecast.hooks.
type HookModule interface {
	// Hook returns what is done upon an event of the station: all but the name.
	// It is called once, after Provision.
	Hook(HookStation) hooks.Hook
}

// HookStation is what a hook may know of its station.
type HookStation struct {
	Name string

	// Logger returns the logger of the configuration that is in force.
	Logger func() *zap.Logger

	// Address returns where the station is to be found, as Icecast would say it.
	Address func() (server, port string)
}

// hookScope is those who wait for events on a mount, on those that fit a pattern,
// or on all mounts.
type hookScope struct {
	on, connect, disconnect []*hooks.Hook
	events                  map[*hooks.Hook][]hooks.Name
}

// hookPlan finds the hooks of a configuration. It does not change.
type hookPlan struct {
	station hookScope
	mounts  mountpath.Index[*hookScope]
	auths   mountpath.Index[*hookScope]
	all     []*hooks.Hook
}

// newHookPlan loads the hooks of a station.
func newHookPlan(ctx caddy.Context, s *Station, about HookStation) (*hookPlan, error) {
	p := new(hookPlan)
	if err := p.load(ctx, about, &p.station, "", s.On, s.OnConnect, s.OnDisconnect); err != nil {
		return nil, err
	}
	for _, m := range s.Mounts {
		scope := new(hookScope)
		if err := p.load(ctx, about, scope, m.Path, m.On, m.OnConnect, m.OnDisconnect); err != nil {
			return nil, fmt.Errorf("mount %s: %w", m.Path, err)
		}
		if len(scope.events) > 0 {
			p.mounts.Add(m.Path, scope)
		}
	}
	return p, nil
}

// load fills a scope. The hooks are named after where they stand and what they tell, so
// that those of the next configuration go on with their queues, and no other does.
func (p *hookPlan) load(ctx caddy.Context, about HookStation, scope *hookScope, path string, on []*Hook, connect, disconnect string) error {
	scope.events = make(map[*hooks.Hook][]hooks.Name)
	add := func(to *[]*hooks.Hook, name string, m HookModule, events ...hooks.Name) {
		h := m.Hook(about)
		target := h.Label
		if t, ok := m.(interface{ target() string }); ok {
			target = t.target()
		}
		sum := sha256.Sum256([]byte(target)) // which may hold what no name should
		own := fmt.Sprintf("%s %s %x", path, name, sum[:8])
		h.Name = own
		for n := 2; slices.ContainsFunc(p.all, func(other *hooks.Hook) bool { return other.Name == h.Name }); n++ {
			h.Name = fmt.Sprintf("%s %d", own, n)
		}
		*to = append(*to, &h)
		scope.events[&h] = events
		p.all = append(p.all, &h)
	}
	for _, h := range on {
		m, err := h.load(ctx)
		if err != nil {
			return fmt.Errorf("on: %w", err)
		}
		add(&scope.on, string(m.(caddy.Module).CaddyModule().ID), m, h.Events...)
	}
	for _, c := range []struct {
		word, program string
		to            *[]*hooks.Hook
		event         hooks.Name
	}{
		{"on_connect", connect, &scope.connect, hooks.SourceConnected},
		{"on_disconnect", disconnect, &scope.disconnect, hooks.SourceDisconnected},
	} {
		switch c.program {
		case "":
			continue
		case "off": // what a pattern has does not count here
			nobody := new(hooks.Hook)
			*c.to, scope.events[nobody] = append(*c.to, nobody), nil
			continue
		}
		m := &ExecHook{Program: c.program}
		if err := m.Provision(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.word, err)
		}
		add(c.to, c.word, m, c.event)
	}
	return nil
}

// checkOn refuses events that no mount has.
func (m *Mount) checkOn() error {
	for _, h := range m.On {
		if h == nil {
			continue
		}
		for _, e := range h.Events {
			if e == hooks.SlaveJoined || e == hooks.SlaveLeft {
				return fmt.Errorf("on %s: that is about the whole station; write it there, outside of mount", e)
			}
		}
	}
	return nil
}

// load loads the module that does what is to happen.
func (h *Hook) load(ctx caddy.Context) (HookModule, error) {
	if h == nil || len(h.Events) == 0 {
		return nil, errors.New("a hook wants events")
	}
	for _, e := range h.Events {
		if !hooks.IsName(string(e)) {
			return nil, fmt.Errorf("there is no event %q; there are %v", e, hooks.Names)
		}
	}
	if len(h.DoRaw) == 0 {
		return nil, errors.New("a hook wants something to do, such as exec or webhook")
	}
	module, err := ctx.LoadModule(h, "DoRaw")
	if err != nil {
		return nil, err
	}
	m, ok := module.(HookModule)
	if !ok {
		return nil, fmt.Errorf("%T is no hook", module)
	}
	return m, nil
}

// find returns the hooks that wait for an event on a mount: those of the station
// and, of each kind, those of the mount or else of the first pattern that has some.
func (p *hookPlan) find(name hooks.Name, mount string) (found []*hooks.Hook) {
	take := func(s *hookScope, list []*hooks.Hook) {
		for _, h := range list {
			if slices.Contains(s.events[h], name) {
				found = append(found, h)
			}
		}
	}
	for _, list := range []func(*hookScope) []*hooks.Hook{
		func(s *hookScope) []*hooks.Hook { return s.on },
		func(s *hookScope) []*hooks.Hook { return s.connect },
		func(s *hookScope) []*hooks.Hook { return s.disconnect },
	} {
		take(&p.station, list(&p.station))
		if s, ok := p.mounts.Find(mount, func(s *hookScope) bool { return len(list(s)) > 0 }); ok {
			take(s, list(s))
		}
	}
	if s, ok := p.auths.Find(mount, func(*hookScope) bool { return true }); ok {
		take(s, s.on)
	}
	return found
}

// provisionHooks makes the plan of what is to happen upon events.
func (s *Station) provisionHooks(ctx caddy.Context) error {
	r := s.reign
	about := HookStation{Name: s.key, Logger: s.live.logger, Address: s.live.address}
	plan, err := newHookPlan(ctx, s, about)
	if err != nil {
		return err
	}
	if err := s.provisionAuth(ctx, about, plan); err != nil {
		return err
	}
	r.hostname = s.Hostname
	r.plan = &hooks.Plan{Hooks: plan.all, For: plan.find}
	return nil
}

// connect gives what belongs to the whole configuration: where queues are kept,
// and the events app, which gets every event.
func (r *reign) connect(ctx caddy.Context, app *caddyevents.App) {
	r.storage, r.events = ctx.Storage(), newCaddyEvents(ctx, app)
	everything, own := r.events.hook(), r.plan.For
	r.plan = &hooks.Plan{
		Hooks: append(r.plan.Hooks, everything),
		For: func(name hooks.Name, mount string) []*hooks.Hook {
			found := own(name, mount)
			if r.events.wants(name) {
				found = append(found, everything)
			}
			return found
		},
	}
}

// address returns where the station is to be found, as Icecast says it in what it
// posts: its host name, and the first port that it is on.
func (l *live) address() (server, port string) {
	server, port = "localhost", "8000"
	r := l.last.Load()
	if r == nil {
		return server, port
	}
	if urls := r.sites.urls(); len(urls) > 0 {
		if u, err := url.Parse(urls[0]); err == nil {
			port = u.Port()
		}
	}
	if u, err := url.Parse("http://" + r.hostname); err == nil && u.Hostname() != "" {
		server, port = u.Hostname(), cmp.Or(u.Port(), port)
	}
	return server, port
}
