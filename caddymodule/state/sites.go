package state

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"go.uber.org/zap"
)

// sites are the HTTP servers that a station is on.
type sites struct {
	mu      sync.Mutex
	servers []*caddyhttp.Server
}

func (s *sites) add(srv *caddyhttp.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.servers, srv) {
		s.servers = append(s.servers, srv)
		transport.RegisterConnContext(srv)
	}
}

// urls returns where the servers listen, plain HTTP first. It is complete once
// everything has started.
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

// mayBe tells whether a port that somebody wrote may be that of a scheme. It may not if it is
// the usual one of the other, or one of ours at which only that is spoken.
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

// none tells whether the station is on no site at all.
func (s *sites) none() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.servers) == 0
}

// AddSite notes that the station is on a server.
func (g *Generation) AddSite(srv *caddyhttp.Server) { g.sites.add(srv) }

// SecurePort returns the port of a site of the station that is encrypted, empty if none is.
func (g *Generation) SecurePort() string { return g.sites.securePort() }

// maxFiles is how many files the process may have open; 0: as many as it likes.
var maxFiles = streaming.MaxFiles

// Greet tells, when a station is first on a site, how to feed it and where to
// hear it. It says so once, not at every reload.
func (g *Generation) Greet() {
	if g.sites.none() {
		g.Log.Warn("the station is on no site; add the icecast directive to one")
		return
	}
	if files, want := maxFiles(), g.Limits.Listeners; files > 0 && want > files {
		g.Log.Warn("limits.listeners is more than the files that this process may open; raise the limit of open files (ulimit -Hn, LimitNOFILE)",
			zap.Int("listeners", want), zap.Int("files", files))
	}
	urls := g.sites.urls()
	if len(urls) == 0 { // unix sockets, or ports that are not known
		return
	}
	g.welcome.Do(func() {
		_, host, _ := strings.Cut(urls[0], "://")
		feed := "ffmpeg -re -i MUSIC -f mp3 icecast://" + g.SourceUser + ":PASSWORD@" + host + "/live.mp3"
		if strings.HasPrefix(urls[0], "https") {
			feed = strings.Replace(feed, "-f mp3", "-tls 1 -f mp3", 1)
		}
		g.Log.Info("on the air",
			zap.Strings("sites", urls),
			zap.String("feed_it_with", feed),
			zap.String("then_hear", urls[0]+"/live.mp3"))
	})
}

// securePort returns the port of a site that is encrypted, empty if none is. Caddy names its
// servers in any order. Those come last that may want a certificate of who comes, then 443
// comes first, then the lowest.
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
		if slices.ContainsFunc(srv.TLSConnPolicies, wantsCertificate) {
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

// wantsCertificate tells whether connections may have to show a certificate.
func wantsCertificate(p *caddytls.ConnectionPolicy) bool {
	return p.ClientAuthentication != nil && p.ClientAuthentication.Active()
}
