package hook

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddycast/caddycast/hooks"
)

// CaddyEvents passes every event on to Caddy's events app, under its name with
// `icecast.` before it. It is a hook like others, so that a handler that is slow
// keeps nobody waiting but the events that follow.
type CaddyEvents struct {
	app *caddyevents.App
	ctx caddy.Context

	// Handlers are added as long as the apps start, and without a lock.
	ready chan struct{}
	once  sync.Once

	gone     chan struct{}
	goneOnce sync.Once
}

func NewCaddyEvents(ctx caddy.Context, app *caddyevents.App) *CaddyEvents {
	return &CaddyEvents{app: app, ctx: ctx, ready: make(chan struct{}), gone: make(chan struct{})}
}

// Open lets events pass, now that all apps have started.
func (c *CaddyEvents) Open() { c.once.Do(func() { close(c.ready) }) }

// Close tells that the apps are not, or no more, in force.
func (c *CaddyEvents) Close() {
	if c != nil {
		c.goneOnce.Do(func() { close(c.gone) })
	}
}

// errRetired says that those who come next are to be told.
var errRetired = errors.New("the configuration was taken back")

// hasHandlers reports whether somebody waits for such an event, as far as is known yet.
func (c *CaddyEvents) hasHandlers(name hooks.Name) bool {
	select {
	case <-c.ready:
		return c.app.ShouldEmit("icecast." + string(name))
	default:
		return true
	}
}

// Run implements hooks.Runner.
func (c *CaddyEvents) Run(ctx context.Context, e *hooks.Event) error {
	select {
	case <-c.ready:
	case <-c.gone:
		return errRetired
	case <-ctx.Done():
		return ctx.Err()
	}
	data := make(map[string]any)
	for _, f := range e.All() {
		data[f.Key] = f.Value
	}
	done := make(chan struct{})
	go func() { // a handler may never return
		defer close(done)
		c.app.Emit(c.ctx, "icecast."+string(e.Name), data)
	}()
	select {
	case <-done:
		return nil
	case <-c.gone: // those of the next configuration need not wait for it
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hook returns the hook that all events have.
func (c *CaddyEvents) hook() *hooks.Hook {
	return &hooks.Hook{
		Name: "events", Label: "events of Caddy", Runner: c,
		Policy: hooks.Policy{Retry: time.Minute, Key: func(*hooks.Event) string { return "" }},
	}
}
