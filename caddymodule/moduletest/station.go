// Package moduletest runs stations for the tests of the packages beside it: a station of the
// app's JSON types on a handler, without a server, with sources that a test controls.
//
// A Station is in force until its test ends. Its log is in Logs. Tests that use it are
// external (package x_test), so that nothing but tests depends on this package.
package moduletest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what configurations name
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/handler"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// Patience is how long a test waits for what should happen at once.
const Patience = 10 * time.Second

// Station is a station in force, on a handler.
type Station struct {
	*state.Generation
	Handler *handler.Handler
	Logs    *observer.ObservedLogs
	App     *caddymodule.App
}

// New puts a station into force under the test's name, until the test ends.
func New(t testing.TB, s *caddymodule.Station) *Station {
	t.Helper()
	st, err := Provision(t, s)
	if err != nil {
		t.Fatalf("provisioning a station: %v", err)
	}
	if err := st.App.Start(); err != nil {
		t.Fatal(err)
	}
	return st
}

// Provision provisions a station under the test's name without putting it into force. It is
// cleaned up when the test ends.
func Provision(t testing.TB, s *caddymodule.Station) (*Station, error) {
	t.Helper()
	app, err := ProvisionApp(t, &caddymodule.App{Stations: map[string]*caddymodule.Station{t.Name(): s}})
	if err != nil {
		return nil, err
	}
	g := app.Only()
	core, logs := observer.New(zap.DebugLevel)
	g.Log = zap.New(core)
	h := new(handler.Handler)
	h.Use(g, t.Context().Done())
	return &Station{Generation: g, Handler: h, Logs: logs, App: app}, nil
}

// ProvisionApp provisions an app as Caddy does, from its JSON.
func ProvisionApp(t testing.TB, app *caddymodule.App) (*caddymodule.App, error) {
	t.Helper()
	raw, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin:      &caddy.AdminConfig{Disabled: true},
		StorageRaw: json.RawMessage(`{"module": "file_system", "root": ` + quote(t.TempDir()) + `}`),
		AppsRaw:    caddy.ModuleMap{"icecast": raw},
	})
	if err != nil {
		return nil, err
	}
	loaded, err := ctx.App("icecast")
	if err != nil {
		return nil, err
	}
	app = loaded.(*caddymodule.App)
	t.Cleanup(func() {
		if err := app.Stop(); err != nil {
			t.Errorf("stopping the app: %v", err)
		}
		if err := app.Cleanup(); err != nil {
			t.Errorf("cleaning up the app: %v", err)
		}
	})
	return app, nil
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// MP3 is some frames of MP3, 128 kbit/s at 44.1 kHz.
var MP3 = strings.Repeat("\xff\xfb\x90\xc4"+strings.Repeat("\x00", 413), 8)

// Broadcast is a source that a test controls.
type Broadcast struct {
	Mount *streaming.Mount
	pipe  *io.PipeWriter
	done  chan struct{}
}

// OnAir connects a source to a mount and waits until it is heard. header is what the source
// says of itself. It ends with the test, if not before.
func (s *Station) OnAir(t testing.TB, path string, header map[string]string) *Broadcast {
	t.Helper()
	r, w := io.Pipe()
	src := &streaming.Source{User: "source", Addr: "192.0.2.1"}
	info := streaming.ParseInfo(func(name string) string { return header[name] })
	stop := func() { _ = r.CloseWithError(io.ErrClosedPipe) }
	if err := s.NewSource(path, src, info, stop); err != nil {
		t.Fatalf("connecting a source to %s: %v", path, err)
	}
	b := &Broadcast{pipe: w, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		src.Run(r)
		src.End()
	}()
	t.Cleanup(b.End)
	b.Send(t)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if b.Mount = s.Await(ctx, path); b.Mount == nil {
		t.Fatalf("nothing is heard on %s", path)
	}
	return b
}

// Send sends some frames.
func (b *Broadcast) Send(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(b.pipe, MP3); err != nil {
		t.Fatalf("sending: %v", err)
	}
}

// End ends the source and waits until the mount is free.
func (b *Broadcast) End() {
	_ = b.pipe.Close()
	<-b.done
}

// Unanswered is a next handler that leaves the request unanswered.
var Unanswered = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })

// Do sends a request to the handler and returns the answer.
func (s *Station) Do(t testing.TB, r *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Handler.ServeHTTP(w, r, Unanswered); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return w.Result()
}

// Get sends a GET request to the handler and returns the answer.
func (s *Station) Get(t testing.TB, target string) *http.Response {
	t.Helper()
	return s.Do(t, httptest.NewRequest(http.MethodGet, target, nil))
}
