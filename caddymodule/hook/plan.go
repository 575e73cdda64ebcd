// Package hook turns the hooks of a configuration into a plan for package hooks.
//
// A Hook of the JSON has events and a module of the namespace icecast.hooks: exec, webhook, or
// one of another plugin. A Plan finds the hooks of an event: those of the station and, for
// the mount, its own or those of the first pattern that has some. CaddyEvents passes all events
// to Caddy's own events app.
//
// A Plan belongs to one configuration and does not change once it is complete; it may be used
// from any goroutine. The queues of events are not here: package hooks has them, and they
// outlive a configuration. A runner of a module is called by the workers of that package.
package hook

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
)

// Hook is an action upon events of a mount or the station.
type Hook struct {
	// The events: source_connected, source_disconnected, relay_up, relay_down,
	// listener_added, listener_removed, metadata_updated, fallback_engaged,
	// fallback_released, mount_full, slave_joined, slave_left,
	// recording_started, recording_ended, drain_started, drain_ended.
	Events []hooks.Name `json:"events"`

	// The action.
	DoRaw json.RawMessage `json:"do" caddy:"namespace=icecast.hooks inline_key=kind"`
}

// Module is implemented by the modules of the namespace icecast.hooks: actions upon events. A
// module may implement Identifier, too, and any of Caddy's interfaces such as
// caddy.Provisioner.
type Module interface {
	// Hook returns the runner and the policy of the action, and a label for the log. The
	// name is set by the caller. It is called once, after Provision. The runner is called
	// by several goroutines if the policy has several workers, and may block.
	Hook(Station) hooks.Hook
}

// Identifier is implemented by a Module whose hooks have one label but different targets.
// Without it, two hooks of one mount with the same label are distinguished by their order.
type Identifier interface {
	// Identity distinguishes this hook from others of its kind, for example by its full URL.
	// A hook of the next configuration with the same identity continues with the queued
	// events. It is called after Provision.
	Identity() string
}

// Station is the view that a module has of its station. The functions may be called from any
// goroutine, after Provision.
type Station struct {
	Name string

	// Logger returns the logger of the configuration that is in force; it logs nothing before
	// the station's first. While a configuration is loaded, use the logger of caddy.Context.
	Logger func() *zap.Logger

	// Address returns the host and the port of the station, as Icecast would report them.
	Address func() (server, port string)
}

// Scope is what the configuration has for the events of one mount, of the mounts that match a
// pattern, or of all mounts.
type Scope struct {
	Path       string // of a mount, or a pattern; empty: the whole station
	On         []*Hook
	Connect    string // program for source_connected; empty: none, "off": not the pattern's
	Disconnect string // program for source_disconnected
}

// scope holds the loaded hooks of a Scope.
type scope struct {
	on, connect, disconnect []*hooks.Hook
	events                  map[*hooks.Hook][]hooks.Name
}

// Plan finds the hooks of a configuration. It is complete before the configuration starts
// and does not change afterwards.
type Plan struct {
	station scope
	mounts  mountpath.Index[*scope]
	auths   mountpath.Index[*scope]
	all     []*hooks.Hook
}

// NewPlan loads the hooks of a station.
func NewPlan(ctx caddy.Context, about Station, scopes []Scope) (*Plan, error) {
	p := new(Plan)
	for _, s := range scopes {
		if s.Path == "" {
			if err := p.load(ctx, about, &p.station, s); err != nil {
				return nil, err
			}
			continue
		}
		loaded := new(scope)
		if err := p.load(ctx, about, loaded, s); err != nil {
			return nil, fmt.Errorf("mount %s: %w", s.Path, err)
		}
		if len(loaded.events) > 0 {
			p.mounts.Add(s.Path, loaded)
		}
	}
	return p, nil
}

// Bound is a hook that a module of another kind has for the events of its mounts. Its name
// must be unique.
type Bound struct {
	*hooks.Hook
	Events []hooks.Name
}

// Bind adds the hooks of a module for a mount or a pattern. An empty list hides those of a
// pattern, too.
func (p *Plan) Bind(path string, bound []Bound) {
	s := &scope{events: make(map[*hooks.Hook][]hooks.Name)}
	for _, b := range bound {
		s.on = append(s.on, b.Hook)
		s.events[b.Hook] = b.Events
		p.all = append(p.all, b.Hook)
	}
	p.auths.Add(path, s)
}

// Hooks returns the plan in the form that the dispatcher takes, with further hooks.
func (p *Plan) Hooks(events *CaddyEvents) *hooks.Plan {
	everything := events.hook()
	return &hooks.Plan{
		Hooks: append(slices.Clone(p.all), everything),
		For: func(name hooks.Name, mount string) []*hooks.Hook {
			found := p.find(name, mount)
			if events.hasHandlers(name) {
				found = append(found, everything)
			}
			return found
		},
	}
}

// load fills a scope. The names of the hooks are made of their scope and their identity, so
// that only the same hook of the next configuration continues with a queue.
func (p *Plan) load(ctx caddy.Context, about Station, to *scope, s Scope) error {
	to.events = make(map[*hooks.Hook][]hooks.Name)
	add := func(list *[]*hooks.Hook, name string, m Module, events ...hooks.Name) {
		h := m.Hook(about)
		target := h.Label
		if t, ok := m.(Identifier); ok {
			target = t.Identity()
		}
		sum := sha256.Sum256([]byte(target)) // it may hold a secret
		own := fmt.Sprintf("%s %s %x", s.Path, name, sum[:8])
		h.Name = own
		for n := 2; slices.ContainsFunc(p.all, func(other *hooks.Hook) bool { return other.Name == h.Name }); n++ {
			h.Name = fmt.Sprintf("%s %d", own, n)
		}
		*list = append(*list, &h)
		to.events[&h] = events
		p.all = append(p.all, &h)
	}
	for _, h := range s.On {
		m, err := h.load(ctx)
		if err != nil {
			return fmt.Errorf("on: %w", err)
		}
		setting.WarnMissing(ctx.Logger(), s.Path, "on", m)
		add(&to.on, string(m.(caddy.Module).CaddyModule().ID), m, h.Events...)
	}
	for _, c := range []struct {
		directive, program string
		list               *[]*hooks.Hook
		event              hooks.Name
	}{
		{"on_connect", s.Connect, &to.connect, hooks.SourceConnected},
		{"on_disconnect", s.Disconnect, &to.disconnect, hooks.SourceDisconnected},
	} {
		switch c.program {
		case "":
			continue
		case "off": // hides the program of a pattern
			nobody := new(hooks.Hook)
			*c.list, to.events[nobody] = append(*c.list, nobody), nil
			continue
		}
		m := &Exec{Program: c.program}
		if err := m.Provision(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.directive, err)
		}
		setting.WarnMissing(ctx.Logger(), s.Path, c.directive, m)
		add(c.list, c.directive, m, c.event)
	}
	return nil
}

// load loads the module of the action.
func (h *Hook) load(ctx caddy.Context) (Module, error) {
	if h == nil || len(h.Events) == 0 {
		return nil, errors.New("missing events; expected at least one, such as source_connected")
	}
	for _, e := range h.Events {
		if !hooks.IsName(string(e)) {
			return nil, errors.New(setting.Suggest("unknown event", string(e), eventNames()))
		}
	}
	if len(h.DoRaw) == 0 || string(h.DoRaw) == "null" {
		return nil, errors.New("missing action; expected a module such as exec or webhook")
	}
	module, err := ctx.LoadModule(h, "DoRaw")
	if err != nil {
		return nil, err
	}
	m, ok := module.(Module)
	if !ok {
		return nil, fmt.Errorf("%T does not implement hook.Module", module)
	}
	return m, nil
}

// find returns the hooks of an event on a mount: those of the station
// and, of each kind, those of the mount or else of the first pattern that has some.
func (p *Plan) find(name hooks.Name, mount string) (found []*hooks.Hook) {
	take := func(s *scope, list []*hooks.Hook) {
		for _, h := range list {
			if slices.Contains(s.events[h], name) {
				found = append(found, h)
			}
		}
	}
	for _, list := range []func(*scope) []*hooks.Hook{
		func(s *scope) []*hooks.Hook { return s.on },
		func(s *scope) []*hooks.Hook { return s.connect },
		func(s *scope) []*hooks.Hook { return s.disconnect },
	} {
		take(&p.station, list(&p.station))
		if s, ok := p.mounts.Find(mount, func(s *scope) bool { return len(list(s)) > 0 }); ok {
			take(s, list(s))
		}
	}
	if s, ok := p.auths.Find(mount, func(*scope) bool { return true }); ok {
		take(s, s.on)
	}
	return found
}
