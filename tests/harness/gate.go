package harness

import (
	"net"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() { caddy.RegisterModule(gate{}) }

// gate is a listener wrapper that lets connections in only when Caddy has loaded its whole
// configuration. Caddy 2.11.9 starts its apps one after another, and the slaves of a cluster in
// one process connect before its TLS app and HTTP/3 have started, which is a race in Caddy that
// the race detector would blame on the tests.
type gate struct{}

// loading is closed when the configuration that is being loaded is in force, or has failed.
var loading struct {
	mu   sync.Mutex
	done chan struct{}
}

// beginLoading closes the gates of the next configuration, until end is called.
func beginLoading() (end func()) {
	loading.mu.Lock()
	defer loading.mu.Unlock()
	done := make(chan struct{})
	loading.done = done
	return func() { close(done) }
}

// CaddyModule implements caddy.Module.
func (gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.test_gate", New: func() caddy.Module { return new(gate) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (*gate) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

// WrapListener implements caddy.ListenerWrapper.
func (*gate) WrapListener(ln net.Listener) net.Listener {
	loading.mu.Lock()
	defer loading.mu.Unlock()
	if loading.done == nil { // not by LoadCaddyfile
		return ln
	}
	return gatedListener{ln, loading.done}
}

type gatedListener struct {
	net.Listener
	open <-chan struct{}
}

func (l gatedListener) Accept() (net.Conn, error) {
	<-l.open
	return l.Listener.Accept()
}
