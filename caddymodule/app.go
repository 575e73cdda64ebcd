package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

func init() {
	caddy.RegisterModule(new(App))
}

// defaultStation is the name of the station that has none.
const defaultStation = "default"

// partingTime is how long listeners have, when the process exits, to take what
// is still in their mount's queue.
const partingTime = 900 * time.Millisecond

// App holds stations: sets of mounts, each with an identity, credentials and
// limits of its own. A station is put on the sites whose routes have the
// `icecast` handler. Sources and listeners survive every change of this
// configuration, except that of their station's name.
type App struct {
	// The stations by name. Without any there is one called `default`, which
	// no source can use since it has no password.
	Stations map[string]*Station `json:"stations,omitempty"`

	unfollow func() // ends followHangup, if it has begun
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision sets up the stations. Nothing that lives is touched before Start.
func (a *App) Provision(ctx caddy.Context) error {
	if len(a.Stations) == 0 {
		a.Stations = map[string]*Station{defaultStation: new(Station)}
	}
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting the events app: %w", err)
	}
	events := app.(*caddyevents.App)
	for name, s := range a.Stations {
		if s == nil {
			s = new(Station)
			a.Stations[name] = s
		}
		if err := checkStationName(name); err != nil {
			return err
		}
		if err := s.provision(ctx, name); err != nil {
			return fmt.Errorf("station %s: %w", name, err)
		}
		s.reign.connect(ctx, events)
	}
	if err := registerMetrics(ctx); err != nil {
		return err
	}
	on := func(event string, do func()) error {
		return events.On(event, eventFunc{do})
	}
	return errors.Join(on("started", a.started), on("stopping", a.stopping))
}

// Start puts the settings into force.
func (a *App) Start() error {
	for _, s := range a.Stations {
		s.live.publish(s.reign)
	}
	if adapted.Load() {
		a.unfollow = followHangup()
	}
	return nil
}

// Stop takes the settings back, which matters only if a later app of the same
// configuration could not start: then the one before is in force again.
func (a *App) Stop() error {
	if a.unfollow != nil {
		a.unfollow()
	}
	for _, s := range a.Stations {
		s.retire()
	}
	return nil
}

// Cleanup lets go of what Provision acquired, however far that got.
func (a *App) Cleanup() error {
	var errs []error
	for _, s := range a.Stations {
		if s != nil {
			errs = append(errs, s.cleanup())
		}
	}
	return errors.Join(errs...)
}

// started tells of each station where it is to be found.
func (a *App) started() {
	for _, s := range a.Stations {
		s.live.greet(s.reign)
		s.reign.events.open()
	}
}

// stopping ends the streams if the process is about to exit: the HTTP servers,
// which stop after this event, wait for every one of them.
func (a *App) stopping() {
	if !caddy.Exiting() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	done := make(chan struct{})
	for _, s := range a.Stations {
		go func() {
			s.live.close(ctx)
			done <- struct{}{}
		}()
	}
	for range a.Stations {
		<-done
	}
}

// station returns the station with the given name.
func (a *App) station(name string) (*Station, error) {
	if name == "" {
		name = defaultStation
	}
	if s, ok := a.Stations[name]; ok {
		return s, nil
	}
	names := slices.Sorted(maps.Keys(a.Stations))
	return nil, fmt.Errorf("there is no station %q; there is %s", name, strings.Join(names, ", "))
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
)
