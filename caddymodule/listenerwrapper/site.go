package listenerwrapper

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// site returns the host for a request without one: the station's host name, or the local
// address. A server all of whose sites have names gets one of those, since no other is served.
func (c *sniffer) site(w *ListenerWrapper) string {
	host := ""
	if w.station != nil {
		host = w.station.Identity.Hostname
	}
	if w.siteNames != nil {
		if names := w.siteNames(); len(names) > 0 && !slices.Contains(names, host) {
			return names[0]
		}
	}
	if host != "" {
		return host
	}
	if at, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
		return netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()).String()
	}
	return "localhost"
}

// siteNames returns the host names of a server's sites, in their order; none if there is a site
// without a name, which serves all others.
func siteNames(srv *caddyhttp.Server) []string {
	var names []string
	for _, route := range srv.Routes {
		if len(route.MatcherSets) == 0 {
			return nil
		}
		for _, set := range route.MatcherSets {
			hosts := hostsOf(set)
			if hosts == nil {
				return nil
			}
			for _, host := range hosts {
				if !strings.ContainsAny(host, "*{") {
					names = append(names, host)
				}
			}
		}
	}
	return names
}

// hostsOf returns the hosts that a set of matchers is for; nil: any.
func hostsOf(set caddyhttp.MatcherSet) caddyhttp.MatchHost {
	for _, m := range set {
		switch hosts := m.(type) {
		case *caddyhttp.MatchHost:
			return *hosts
		case caddyhttp.MatchHost:
			return hosts
		}
	}
	return nil
}
