package state

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
)

// sites are the HTTP servers that a station is on.
type sites struct {
	mu      sync.Mutex
	servers []*caddyhttp.Server
	wrapped []*caddyhttp.Server // with the listener wrapper, whether the station is there or not
}

func (s *sites) add(srv *caddyhttp.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.servers, srv) {
		s.servers = append(s.servers, srv)
		transport.RegisterConnContext(srv)
	}
}

// urls returns the addresses of the servers, plain HTTP first. They are complete once all apps
// have started.
func (s *sites) urls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var plain, encrypted []string
	for _, srv := range s.servers {
		for _, listen := range srv.Listen {
			addr, err := caddy.ParseNetworkAddress(listen)
			if err != nil || addr.IsUnixNetwork() || addr.IsFdNetwork() || addr.StartPort == 0 {
				continue
			}
			host := addr.Host
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "localhost"
			}
			at := addr.JoinHostPort(0)
			_, port, err := net.SplitHostPort(at)
			if err != nil {
				continue
			}
			if len(srv.TLSConnPolicies) > 0 {
				encrypted = append(encrypted, "https://"+net.JoinHostPort(host, port))
			} else {
				plain = append(plain, "http://"+net.JoinHostPort(host, port))
			}
		}
	}
	slices.Sort(plain)
	slices.Sort(encrypted)
	return append(plain, encrypted...)
}

// mayBe reports whether a port of a host name may be that of a scheme. It may not if it is the
// default port of the other scheme, or a port of ours that has only the other scheme.
func (s *sites) mayBe(port, scheme string) bool {
	if port == "80" || port == "443" {
		return (port == "443") == (scheme == "https")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	other := false
	for _, srv := range s.servers {
		for _, listen := range srv.Listen {
			addr, err := caddy.ParseNetworkAddress(listen)
			if err != nil || uint(n) < addr.StartPort || uint(n) > addr.EndPort {
				continue
			}
			if (len(srv.TLSConnPolicies) > 0) == (scheme == "https") {
				return true
			}
			other = true
		}
	}
	return !other
}

// unwrapped returns the addresses with TLS of servers without the listener wrapper.
func (s *sites) unwrapped() (addresses []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		if len(srv.TLSConnPolicies) > 0 && !slices.Contains(s.wrapped, srv) {
			addresses = append(addresses, srv.Listen...)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// Addresses returns the TCP addresses of the servers that the station is on, without those whose
// port the system chooses.
func (g *Generation) Addresses() (all []*net.TCPAddr) {
	s := &g.sites
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		for _, listen := range srv.Listen {
			parsed, err := caddy.ParseNetworkAddress(listen)
			if err != nil || !strings.HasPrefix(parsed.Network, "tcp") || parsed.StartPort == 0 {
				continue
			}
			for i := range parsed.PortRangeSize() {
				if addr, err := net.ResolveTCPAddr(parsed.Network, parsed.JoinHostPort(i)); err == nil {
					all = append(all, addr)
				}
			}
		}
	}
	return all
}

// none reports whether the station is on no site.
func (s *sites) none() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.servers) == 0
}

// AddSite adds a server to those that the station is on.
func (g *Generation) AddSite(srv *caddyhttp.Server) { g.sites.add(srv) }

// WrapSite notes that a server has the listener wrapper.
func (g *Generation) WrapSite(srv *caddyhttp.Server) {
	g.sites.mu.Lock()
	defer g.sites.mu.Unlock()
	g.sites.wrapped = append(g.sites.wrapped, srv)
}

// SecurePort returns the port of a site of the station with TLS; empty: there is none.
func (g *Generation) SecurePort() string { return g.sites.securePort() }

// maxFiles returns the limit of open files of the process; 0: no limit.
var maxFiles = streaming.MaxFiles

// LogReady logs, once all apps have started, where the station is found, with an example of how
// to feed and hear it. That line is written once, and not at every reload.
func (g *Generation) LogReady() {
	if g.sites.none() {
		g.Log.Warn("station on no site; add the icecast directive to one")
		return
	}
	if files, want := maxFiles(), g.Limits.Listeners; files > 0 && want > files {
		g.Log.Warn("limits.listeners exceeds the limit of open files; raise that limit (ulimit -Hn, LimitNOFILE)",
			zap.Int("listeners", want), zap.Int("files", files))
	}
	urls := g.sites.urls()
	if len(urls) == 0 { // unix sockets, or unknown ports
		return
	}
	g.readyLogged.Do(func() {
		_, host, _ := strings.Cut(urls[0], "://")
		feed := "ffmpeg -re -i MUSIC -f mp3 icecast://" + g.SourceUser + ":PASSWORD@" + host + "/live.mp3"
		if strings.HasPrefix(urls[0], "https") {
			feed = strings.Replace(feed, "-f mp3", "-tls 1 -f mp3", 1)
		}
		g.Log.Info("station ready",
			zap.Strings("sites", urls),
			zap.String("feed_it_with", feed),
			zap.String("then_hear", urls[0]+"/live.mp3"))
		if at := g.sites.unwrapped(); len(at) > 0 {
			g.Log.Warn("HTTPS site without the listener wrapper; its listeners cost three times the memory",
				zap.Strings("sites", at), zap.String("add_to_the_global_options", "servers { listener_wrappers { icecast tls } }"))
		}
	})
}

// securePort returns the port of a site with TLS; empty: there is none. Since Caddy numbers its
// servers in any order, sites that ask for client certificates come last; of the others, 443
// comes first, then the lowest port.
func (s *sites) securePort() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best string
	var least [2]int
	for _, srv := range s.servers {
		if len(srv.TLSConnPolicies) == 0 {
			continue
		}
		var rank [2]int
		if slices.ContainsFunc(srv.TLSConnPolicies, asksForCertificate) {
			rank[0] = 1
		}
		for _, listen := range srv.Listen {
			addr, err := caddy.ParseNetworkAddress(listen)
			if err != nil || addr.IsUnixNetwork() || addr.IsFdNetwork() || addr.StartPort == 0 {
				continue
			}
			if rank[1] = int(addr.StartPort); rank[1] == 443 {
				rank[1] = 0
			}
			if best == "" || slices.Compare(rank[:], least[:]) < 0 {
				best, least = strconv.Itoa(int(addr.StartPort)), rank
			}
		}
	}
	return best
}

// asksForCertificate reports whether a policy asks clients for a certificate.
func asksForCertificate(p *caddytls.ConnectionPolicy) bool {
	return p.ClientAuthentication != nil && p.ClientAuthentication.Active()
}
