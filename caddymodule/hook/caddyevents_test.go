package hook_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/hooks"
)

// slowHandler is a handler of Caddy's events that returns when a test lets it.
type slowHandler struct {
	entered, proceed chan struct{}
	returned         atomic.Bool
}

func (h *slowHandler) Handle(context.Context, caddy.Event) error {
	h.entered <- struct{}{}
	<-h.proceed
	h.returned.Store(true)
	return nil
}

// emit calls a slow handler for an event, and retires the configuration meanwhile.
func emit(t *testing.T) (*hook.CaddyEvents, *slowHandler) {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := ctx.App("events")
	if err != nil {
		t.Fatal(err)
	}
	app := loaded.(*caddyevents.App)
	h := &slowHandler{entered: make(chan struct{}, 1), proceed: make(chan struct{})}
	if err := app.On("icecast.source_connected", h); err != nil {
		t.Fatal(err)
	}
	c := hook.NewCaddyEvents(ctx, app)
	c.Open()
	result := make(chan error, 1)
	go func() { result <- c.Run(t.Context(), hooks.NewEvent(hooks.SourceConnected, "/m")) }()
	<-h.entered
	c.Close()
	select {
	case err := <-result: // the next configuration's events do not wait for the handler
		if err != nil {
			t.Error(err)
		}
	case <-time.After(moduletest.Patience):
		t.Fatal("the hook waits for a handler of a retired configuration")
	}
	return c, h
}

// A handler used the modules of its configuration after their cleanup, since nothing waited
// for it.
func TestTheEndOfAConfigurationWaitsForHandlersOfItsEvents(t *testing.T) {
	c, h := emit(t)
	time.AfterFunc(20*time.Millisecond, func() { close(h.proceed) })
	c.Wait()
	if !h.returned.Load() {
		t.Error("Wait has returned before the handler")
	}
	if err := c.Run(t.Context(), hooks.NewEvent(hooks.SourceConnected, "/m")); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("an event after the end: %v; want an error that leaves it to the next configuration", err)
	}
	if len(h.entered) > 0 {
		t.Error("the handler is called after Wait")
	}
}

func TestAHandlerThatNeverReturnsBlocksNoReload(t *testing.T) {
	c, h := emit(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(moduletest.Patience):
		t.Error("Wait waits for a handler that does not return")
	}
	close(h.proceed)
	c.Wait() // for the sake of the next test
	<-ended
}
