package state

import (
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/auth"
)

// ShoutcastPort is where SHOUTcast v1 sources connect: their mount, and the addresses of the
// server.
type ShoutcastPort struct {
	Mount    string
	Verifier *auth.Verifier // nil: the mount's own
	Listen   []string       // network addresses of the server
}

// on reports whether the server listens on a port.
func (s ShoutcastPort) on(port uint) bool {
	return slices.ContainsFunc(s.Listen, func(at string) bool {
		addr, err := caddy.ParseNetworkAddress(at)
		return err == nil && addr.StartPort <= port && port <= addr.EndPort
	})
}

// shoutcasts are the SHOUTcast ports of a station.
type shoutcasts struct {
	mu  sync.Mutex
	all []ShoutcastPort
}

func (s *shoutcasts) add(one ShoutcastPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// of returns the SHOUTcast port whose titles arrive at a port: the one at that port, else the one
// at the next port, where some encoders send their stream, else the only one of the station.
func (s *shoutcasts) of(port uint) (ShoutcastPort, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range []uint{port, port + 1} {
		if i := slices.IndexFunc(s.all, func(one ShoutcastPort) bool { return one.on(p) }); i >= 0 {
			return s.all[i], true
		}
	}
	if len(s.all) == 1 {
		return s.all[0], true
	}
	return ShoutcastPort{}, false
}

// login returns the verifier that a source of a mount may use in place of the mount's own.
func (s *shoutcasts) login(mount string) *auth.Verifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.Mount == mount && one.Verifier != nil {
			return one.Verifier
		}
	}
	return nil
}

// AddShoutcastPort adds a port for SHOUTcast v1 sources of the station.
func (g *Generation) AddShoutcastPort(p ShoutcastPort) { g.shoutcasts.add(p) }

// ShoutcastPortOf returns the SHOUTcast port whose titles arrive at a port.
func (g *Generation) ShoutcastPortOf(port uint) (ShoutcastPort, bool) { return g.shoutcasts.of(port) }

// ShoutcastVerifier returns what a source of a mount may send in place of the mount's own
// password; nil: nothing.
func (g *Generation) ShoutcastVerifier(mount string) *auth.Verifier { return g.shoutcasts.login(mount) }
