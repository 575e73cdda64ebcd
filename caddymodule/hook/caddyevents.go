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

// handlerGrace is the time that Wait grants to handlers of Caddy's events. They have no
// context that ends them, and one that never returns must not block a reload.
const handlerGrace = time.Second

// CaddyEvents passes every event to Caddy's events app, under its name with `icecast.`
// before it. It is a hook like others, so that a slow handler delays only the events that
// follow. It belongs to one configuration.
type CaddyEvents struct {
	app *caddyevents.App
	ctx caddy.Context

	// ready is closed once all apps have started: they add handlers without a lock until then.
	ready     chan struct{}
	readyOnce sync.Once

	// retired is closed once the configuration is not, or no more, in force.
	retired     chan struct{}
	retiredOnce sync.Once

	// Guarded by mu.
	mu       sync.Mutex
	handling map[chan struct{}]struct{} // closed when the handlers of an event have returned
	ended    bool                       // whether Wait was called
}

// NewCaddyEvents returns what passes events to an app.
func NewCaddyEvents(ctx caddy.Context, app *caddyevents.App) *CaddyEvents {
	return &CaddyEvents{
		app: app, ctx: ctx, ready: make(chan struct{}), retired: make(chan struct{}), handling: make(map[chan struct{}]struct{}),
	}
}

// Open lets events pass, once all apps have started.
func (c *CaddyEvents) Open() { c.readyOnce.Do(func() { close(c.ready) }) }

// Close retires the configuration: Run does not wait for handlers any more. It does not block.
func (c *CaddyEvents) Close() {
	if c != nil {
		c.retiredOnce.Do(func() { close(c.retired) })
	}
}

// Wait waits after Close until the handlers have returned, for handlerGrace at most. No
// handler is called afterwards.
func (c *CaddyEvents) Wait() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.ended = true
	var all []chan struct{}
	for done := range c.handling {
		all = append(all, done)
	}
	c.mu.Unlock()
	grace := time.NewTimer(handlerGrace)
	defer grace.Stop()
	for _, done := range all {
		select {
		case <-done:
		case <-grace.C:
			return
		}
	}
}

// errRetired is the error of an event that the next configuration's handlers must get.
var errRetired = errors.New("the configuration is retired")

// hasHandlers reports whether an event has handlers, as far as is known yet.
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
	case <-c.retired:
		return errRetired
	case <-ctx.Done():
		return ctx.Err()
	}
	done, err := c.emit(e)
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-c.retired: // events of the next configuration need not wait for these handlers
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// emit calls the handlers of an event in a goroutine of its own, since they may never return.
// Wait waits for it.
func (c *CaddyEvents) emit(e *hooks.Event) (done chan struct{}, err error) {
	data := make(map[string]any)
	for _, f := range e.All() {
		data[f.Key] = f.Value
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, errRetired
	}
	done = make(chan struct{})
	c.handling[done] = struct{}{}
	go func() {
		c.app.Emit(c.ctx, "icecast."+string(e.Name), data)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.handling, done)
		close(done)
	}()
	return done, nil
}

// hook returns the hook that all events have.
func (c *CaddyEvents) hook() *hooks.Hook {
	return &hooks.Hook{
		Name: "events", Label: "events of Caddy", Runner: c,
		Policy: hooks.Policy{Retry: time.Minute, Key: func(*hooks.Event) string { return "" }},
	}
}
