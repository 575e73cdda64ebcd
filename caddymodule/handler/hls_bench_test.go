package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// discard is a response writer without a network.
type discard struct {
	header http.Header
	status int
	size   int
}

func (w *discard) Header() http.Header    { return w.header }
func (w *discard) WriteHeader(status int) { w.status = status }
func (w *discard) Write(p []byte) (int, error) {
	w.size += len(p)
	return len(p), nil
}

// hlsPaths returns the paths of a session's list and of a segment.
func hlsPaths(t testing.TB, h *moduletest.Station) (list, segment string) {
	t.Helper()
	b := h.OnAir(t, "/live.mp3", nil)
	for range 60 { // a dozen seconds of sound
		b.Send(t)
	}
	last := func(path string) string {
		resp := h.Get(t, path)
		moduletest.CheckStatus(t, resp, http.StatusOK)
		lines := strings.Fields(moduletest.Body(t, resp))
		return lines[len(lines)-1]
	}
	list = strings.TrimPrefix(last("/live.mp3.m3u8"), ".")
	return list, "/live.mp3.hls/" + last(list)
}

// mostHLSAllocations bounds the allocations of a request, by what it is for. Those of the server around it are not
// among them.
var mostHLSAllocations = map[string]float64{"list": 30, "segment": 16}

// What players ask for all the time takes few allocations.
func TestRequestsOfPlayersAllocateLittle(t *testing.T) {
	h := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3", HLS: &caddymodule.HLS{Segment: caddy.Duration(time.Second)}}}})
	list, segment := hlsPaths(t, h)
	for name, path := range map[string]string{"list": list, "segment": segment} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		n := testing.AllocsPerRun(100, func() {
			w := &discard{header: make(http.Header)}
			if err := h.Handler.ServeHTTP(w, r, moduletest.Unanswered); err != nil || w.status != http.StatusOK || w.size == 0 {
				t.Fatalf("%s: %d, %d bytes, %v", path, w.status, w.size, err)
			}
		})
		if n > mostHLSAllocations[name] {
			t.Errorf("a %s takes %g allocations, want %g at most", name, n, mostHLSAllocations[name])
		}
	}
}

// BenchmarkHLS measures what players ask for all the time.
func BenchmarkHLS(b *testing.B) {
	h := moduletest.New(b, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3", HLS: &caddymodule.HLS{Segment: caddy.Duration(time.Second)}}}})
	list, segment := hlsPaths(b, h)
	for name, path := range map[string]string{"list": list, "segment": segment} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			for b.Loop() {
				if err := h.Handler.ServeHTTP(&discard{header: make(http.Header)}, r, moduletest.Unanswered); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
