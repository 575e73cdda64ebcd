package state

import (
	"slices"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddyserver/caddy/v2"
)

// ShoutcastPort is where SHOUTcast v1 sources come in: their mount, and where the
// server listens.
type ShoutcastPort struct {
	Mount    string
	Verifier *auth.Verifier // nil: the mount's own
	Listen   []string       // network addresses of the server
}

// on tells whether it is on a port.
func (s ShoutcastPort) on(port uint) bool {
	return slices.ContainsFunc(s.Listen, func(at string) bool {
		addr, err := caddy.ParseNetworkAddress(at)
		return err == nil && addr.StartPort <= port && port <= addr.EndPort
	})
}

// shoutcasts are all of a station.
type shoutcasts struct {
	mu  sync.Mutex
	all []ShoutcastPort
}

func (s *shoutcasts) add(one ShoutcastPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// of returns that whose titles come to a port: the one on it, or the one on the
// port above, where encoders that were told a port send their sound to the next.
// Failing that it is the only one there is, if so.
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

// login returns what a source of the mount may say instead of its credentials.
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

// AddShoutcastPort notes where SHOUTcast v1 sources of the station connect.
func (g *Generation) AddShoutcastPort(p ShoutcastPort) { g.shoutcasts.add(p) }

// ShoutcastPortOf returns the one whose titles arrive at a port.
func (g *Generation) ShoutcastPortOf(port uint) (ShoutcastPort, bool) { return g.shoutcasts.of(port) }

// ShoutcastVerifier returns what a source of a mount may send in place of the mount's own
// password; nil: nothing.
func (g *Generation) ShoutcastVerifier(mount string) *auth.Verifier { return g.shoutcasts.login(mount) }
