package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/adapter"
	"github.com/caddycast/caddycast/caddymodule/metrics"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/caddymodule/upgrade"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App holds stations: sets of mounts, each with its own identity, credentials and
// limits. A station is on the sites whose routes have the `icecast` handler. Sources
// and listeners survive every change of this configuration, unless their station is
// renamed or removed.
type App struct {
	// The stations by name. Default: one named `default`, which accepts no source
	// since it has no password.
	Stations map[string]*Station `json:"stations,omitempty"`

	generations map[string]*state.Generation
	atStart     []func()
	beforeStop  []func()
	log         *zap.Logger
	unfollow    func() // ends followHangup; nil: it has not begun
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision resolves the stations. No station in force changes before Start.
func (a *App) Provision(ctx caddy.Context) error {
	if len(a.Stations) == 0 {
		a.Stations = map[string]*Station{state.DefaultName: new(Station)}
	}
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting the events app: %w", err)
	}
	events := app.(*caddyevents.App)
	a.log = ctx.Logger()
	a.generations = make(map[string]*state.Generation)
	for name, s := range a.Stations {
		if s == nil {
			s = new(Station)
			a.Stations[name] = s
		}
		if err := state.CheckName(name); err != nil {
			return err
		}
		if err := a.resolve(ctx, name, s, events); err != nil {
			return fmt.Errorf("station %s: %w", name, err)
		}
	}
	if err := metrics.Register(ctx); err != nil {
		return err
	}
	on := func(event string, do func()) error {
		return events.On(event, eventFunc{do})
	}
	return errors.Join(on("started", a.started), on("stopping", a.stopping))
}

// Start publishes the stations, unless this process takes the place of another one: then they are
// published when that is done.
func (a *App) Start() error {
	if err := upgrade.CheckReload(); err != nil {
		return err
	}
	if !state.IsTakingOver() { // or the other process has them, of course
		if err := a.checkPorts(); err != nil {
			return err
		}
	}
	if !state.IsTakingOver() {
		for _, g := range a.generations {
			g.Publish()
		}
	}
	if adapter.Adapted.Load() {
		a.unfollow = followHangup()
	}
	return nil
}

// Stop retires the stations. If a later app of the same configuration failed to start, the
// previous configuration is in force again.
func (a *App) Stop() error {
	if a.unfollow != nil {
		a.unfollow()
	}
	for _, g := range a.generations {
		g.Retire()
	}
	return nil
}

// Cleanup releases what Provision acquired, also if Provision failed.
func (a *App) Cleanup() error {
	var errs []error
	for _, g := range a.generations {
		errs = append(errs, g.Release())
	}
	return errors.Join(errs...)
}

// started logs that the stations are ready, once all apps have started.
func (a *App) started() {
	takeLate := func() {}
	if state.IsTakingOver() {
		var err error
		if takeLate, err = upgrade.Take(a.log, a.generations); err != nil {
			a.log.Error("not in force", zap.Error(err))
			os.Exit(caddy.ExitCodeFailedStartup)
		}
	}
	state.Serve()
	a.notePorts()
	for _, do := range a.atStart {
		do()
	}
	takeLate()
	for _, g := range a.generations {
		g.LogReady()
		g.Events.Open()
	}
}

// stopping comes before the HTTP servers stop. It ends the streams if the process is about to
// exit, since the servers wait for all of them; slowly if the stations are to be drained.
func (a *App) stopping() {
	all := a.beforeStop
	if caddy.Exiting() {
		all = nil
		for name, g := range a.generations {
			all = append(all, func() {
				g.DrainToEnd(time.Duration(a.Stations[name].DrainOnStop))
				g.End()
			})
		}
	}
	var tasks sync.WaitGroup
	for _, task := range all {
		tasks.Go(task)
	}
	tasks.Wait()
}

// Generation implements state.Provider.
func (a *App) Generation(name string) (*state.Generation, error) {
	name = cmp.Or(name, state.DefaultName)
	if g := a.generations[name]; g != nil {
		return g, nil
	}
	names := slices.Sorted(maps.Keys(a.generations))
	return nil, fmt.Errorf("station %q: unknown; expected one of: %s", name, strings.Join(names, ", "))
}

// Only implements state.Provider.
func (a *App) Only() *state.Generation {
	if len(a.generations) == 1 {
		for _, g := range a.generations {
			return g
		}
	}
	return nil
}

// Wrap implements state.Provider.
func (a *App) Wrap(srv *caddyhttp.Server) {
	for _, g := range a.generations {
		g.WrapSite(srv)
	}
}

// Follow implements state.Provider.
func (a *App) Follow(started, stopping func()) {
	a.atStart, a.beforeStop = append(a.atStart, started), append(a.beforeStop, stopping)
}

// eventFunc is a function as an event handler.
type eventFunc struct{ do func() }

// Handle implements caddyevents.Handler.
func (f eventFunc) Handle(context.Context, caddy.Event) error {
	f.do()
	return nil
}

// Interface guards
var (
	_ caddy.App           = (*App)(nil)
	_ caddy.Provisioner   = (*App)(nil)
	_ caddy.CleanerUpper  = (*App)(nil)
	_ caddyevents.Handler = eventFunc{}
	_ state.Provider      = (*App)(nil)
)
