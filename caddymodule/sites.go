package caddymodule

import (
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
			if err != nil || addr.IsUnixNetwork() || addr.IsFdNetwork() {
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

// welcome tells, when a station comes to life, how to feed it and where to hear
// it. It says nothing at reloads.
func (r *reign) welcome() {
	if r.live == nil {
		return
	}
	r.live.welcome.Do(func() {
		urls := r.sites.urls()
		if len(urls) == 0 {
			r.log.Warn("the station is on no site; add the icecast directive to one")
			return
		}
		_, host, _ := strings.Cut(urls[0], "://")
		feed := "ffmpeg -re -i MUSIC -f mp3 icecast://source:PASSWORD@" + host + "/live.mp3"
		if strings.HasPrefix(urls[0], "https") {
			feed = strings.Replace(feed, "-f mp3", "-tls 1 -f mp3", 1)
		}
		r.log.Info("on the air",
			zap.Strings("sites", urls),
			zap.String("feed_it_with", feed),
			zap.String("then_hear", urls[0]+"/live.mp3"))
	})
}
