package state

import (
	"cmp"
	"net"
	"net/url"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
)

// Address returns the station's host name and its first port, as Icecast sends them to URLs of
// authentication.
func (st *Station) Address() (server, port string) {
	server, port = "localhost", "8000"
	g := st.current.Load()
	if g == nil {
		return server, port
	}
	if urls := g.sites.urls(); len(urls) > 0 {
		if u, err := url.Parse(urls[0]); err == nil {
			port = u.Port()
		}
	}
	if u, err := url.Parse("http://" + g.Identity.Hostname); err == nil && u.Hostname() != "" {
		server, port = u.Hostname(), cmp.Or(u.Port(), port)
	}
	return server, port
}

// BaseURL returns the base of listen URLs, without a path: the scheme and port of the request,
// and the station's host name if it has one, else that of the request.
func (g *Generation) BaseURL(r *request.Facts) string {
	host := r.AskedHost
	if hostname := g.HostnameOver(r.Scheme); hostname != "" {
		_, port, err := net.SplitHostPort(host)
		host = hostname
		if _, _, own := net.SplitHostPort(host); own != nil && err == nil {
			host += ":" + port
		}
	}
	return r.Scheme + "://" + host
}

// ListenURL returns the URL by which listeners hear a mount: its own, if the configuration sets
// one, else that of the mount on the site that is asked.
func (g *Generation) ListenURL(r *request.Facts, mount string) string {
	if own := g.Policy(mount).ListenURL; own != "" {
		return own
	}
	return g.BaseURL(r) + mountpath.Escape(r.Prefix+mount)
}

// HostnameOver returns the station's host name for URLs of a scheme: with its port if it has
// one, unless that is only for the other scheme.
func (g *Generation) HostnameOver(scheme string) string {
	host, port, err := net.SplitHostPort(g.Identity.Hostname)
	switch {
	case err != nil || g.sites.mayBe(port, scheme):
		return g.Identity.Hostname
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}
