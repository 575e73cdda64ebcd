package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what the goldens name
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/streaming"
)

// patience is how long a test waits for what should come at once.
const patience = 10 * time.Second

// TestMain fails if a goroutine of the engine outlives the tests: each station
// is closed at the end of its test, and Close waits for all of them.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }

// newHandler returns a handler whose station is in force until the test ends.
func newHandler(t *testing.T, s *Station) *Handler {
	t.Helper()
	h, _ := newLoggedHandler(t, s)
	return h
}

// newLoggedHandler returns a handler, and what its station writes to the log.
func newLoggedHandler(t *testing.T, s *Station) (*Handler, *observer.ObservedLogs) {
	t.Helper()
	provision(t, s)
	core, lines := observer.New(zap.DebugLevel)
	s.reign.log = zap.New(core)
	s.live.publish(s.reign)
	return &Handler{station: s}, lines
}

// provision provisions a station under the test's name; it is cleaned up when
// the test ends.
func provision(t *testing.T, s *Station) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := s.provision(ctx, t.Name()); err != nil {
		t.Fatalf("provisioning a station: %v", err)
	}
	t.Cleanup(func() {
		if err := s.cleanup(); err != nil {
			t.Errorf("cleaning up a station: %v", err)
		}
	})
}

// mp3Frames is a piece of MP3, 128 kbit/s at 44.1 kHz.
var mp3Frames = strings.Repeat("\xff\xfb\x90\xc4"+strings.Repeat("\x00", 413), 8)

// broadcast is a source that a test has put on the air.
type broadcast struct {
	mount *streaming.Mount
	pipe  *io.PipeWriter
	done  chan struct{}
}

// onAir puts a source on a mount and waits until it is heard. It ends with the
// test, if not before.
func (h *Handler) onAir(t *testing.T, path string, header map[string]string) *broadcast {
	t.Helper()
	r, w := io.Pipe()
	src := &streaming.Source{User: "source", Addr: "192.0.2.1"}
	info := streaming.ParseInfo(func(name string) string { return header[name] })
	stop := func() { _ = r.CloseWithError(io.ErrClosedPipe) }
	if err := h.station.live.NewSource(path, src, info, stop); err != nil {
		t.Fatalf("putting %s on the air: %v", path, err)
	}
	b := &broadcast{pipe: w, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		src.Run(r)
		src.End()
	}()
	t.Cleanup(b.end)
	b.send(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if b.mount = h.station.live.Await(ctx, path); b.mount == nil {
		t.Fatalf("%s did not come on the air", path)
	}
	return b
}

func (b *broadcast) send(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(b.pipe, mp3Frames); err != nil {
		t.Fatalf("sending: %v", err)
	}
}

// end ends the source and waits until the mount is free.
func (b *broadcast) end() {
	_ = b.pipe.Close()
	<-b.done
}

// unanswered is a next handler that leaves the request unanswered.
var unanswered = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })

// do sends a request to the handler and returns what it answered.
func (h *Handler) do(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, r, unanswered); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return w.Result()
}

func (h *Handler) get(t *testing.T, target string) *http.Response {
	t.Helper()
	return h.do(t, httptest.NewRequest(http.MethodGet, target, nil))
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading an answer: %v", err)
	}
	return string(b)
}

// checkStatus fails the test if an answer does not have the status.
func checkStatus(t *testing.T, resp *http.Response, want int) {
	t.Helper()
	if resp.StatusCode != want {
		t.Fatalf("status %d (%q); want %d", resp.StatusCode, body(t, resp), want)
	}
}

// checkError fails the test if err does not say want; an empty want is no error.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("error %q\nwant  %q", got, want)
	}
}

// streamOf returns what listeners of a mount hear.
func streamOf(t *testing.T, m *streaming.Mount) streaming.Stream {
	t.Helper()
	s, ok := m.Stream()
	if !ok {
		t.Fatalf("there is nothing to hear on %s", m.Path)
	}
	return s
}
