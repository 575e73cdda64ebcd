package icecastxml

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// relayBlocks returns the relays.
func (g *generator) relayBlocks() (ds []*directive) {
	first := make(map[string]int)
	for _, v := range g.config.relays {
		e := elementAt(v.line, "relay")
		if !v.enabled.or(true) {
			g.notef(e, "ignored; it is not enabled")
			continue
		}
		words, ok := g.relayWords(v)
		if !ok {
			continue
		}
		if before, again := first[words[1]]; again {
			g.errorf(e, "mount %s is already relayed in line %d; expected another <local-mount>", words[1], before)
		}
		first[words[1]] = v.line
		var inner []*directive
		if v.user.set() && v.password.set() {
			inner = append(inner, line(v.user.line, "user", literal(v.user.v)), line(v.password.line, "password", literal(v.password.v)))
		} else if v.password.set() {
			g.notef(elementAt(v.password.line, "password"), "ignored without <username>, as in Icecast")
		}
		if v.onDemand.or(g.config.master.onDemand.or(false)) {
			inner = append(inner, line(v.line, "on_demand"))
		}
		if !v.sendTitles.or(true) {
			inner = append(inner, line(v.sendTitles.line, "metadata", "off"))
		}
		ds = append(ds, block(v.line, words, inner))
	}
	return ds
}

// relayWords returns the first line of a relay: the mount and the upstream URLs.
func (g *generator) relayWords(v *relay) (words []string, ok bool) {
	local, _, _ := strings.Cut(v.upstreams[0].path.v, "?") // the query can hold a password
	words, ok = []string{"relay", v.local.or(local)}, true
	for _, u := range v.upstreams {
		to, is := g.upstream(v, u)
		words, ok = append(words, to), ok && is
	}
	if ok && words[1] == "" {
		g.errorf(elementAt(v.line, "relay"), "no mount; expected <local-mount>")
	}
	return words, ok && words[1] != ""
}

// upstream returns the URL of an upstream.
func (g *generator) upstream(v *relay, u *upstream) (string, bool) {
	if u.uri.set() {
		return g.uri(v, u)
	}
	host := u.server.or("127.0.0.1")
	if !u.port.set() || u.port.v < 1 || u.port.v > 65535 {
		g.errorf(elementAt(u.line, "relay"), "no port of %s; expected <port>8000</port>", host)
		return "", false
	}
	if !isHost(host) {
		g.errorf(elementAt(u.server.line, "server"), "invalid host; expected a name or an address alone, such as radio.example.org or 192.0.2.1")
		return "", false
	}
	mount, query, asks := strings.Cut(u.path.or("/"), "?")
	if !strings.HasPrefix(mount, "/") {
		mount = "/" + mount
	}
	at := url.URL{Scheme: scheme(u.tls.or(false)), Host: net.JoinHostPort(host, strconv.Itoa(u.port.v)), Path: mount}
	if asks {
		at.RawQuery = query
	}
	return literal(at.String()), true
}

// uri returns the URL of <uri>, which 2.5 has in place of <server>. It can hold the relay's user
// and password.
func (g *generator) uri(v *relay, u *upstream) (string, bool) {
	if !isWebURL(u.uri.v) {
		g.errorf(elementAt(u.uri.line, "uri"), "invalid URL; expected the URL of a stream, such as http://192.0.2.1:8000/live.mp3")
		return "", false
	}
	to, _ := url.Parse(u.uri.v)
	if password, ok := to.User.Password(); ok && !v.password.set() {
		v.user = setting[string]{to.User.Username(), u.uri.line}
		v.password = setting[string]{password, u.uri.line}
	}
	to.User = nil
	return literal(to.String()), true
}

// isHost reports whether a text may be a host name or an address. Other texts are not repeated
// in errors, because they can be a URL with a password.
func isHost(text string) bool {
	return net.ParseIP(text) != nil || text != "" && !strings.ContainsAny(text, " :/?#@[]")
}

func scheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

// roles returns the roles master and slave of the station.
func (g *generator) roles() (ds []*directive) {
	m := &g.config.master
	if m.redirect.or(false) {
		ds = append(ds, block(m.redirect.line, []string{"role", "master"}, []*directive{line(m.redirect.line, "redirect", "when_full")}))
	}
	if !m.server.set() {
		return ds
	}
	e := elementAt(m.server.line, "master-server")
	if !m.password.set() {
		g.notef(e, "ignored without <master-password>, as in Icecast")
		return ds
	}
	if !m.port.set() || m.port.v < 1 || m.port.v > 65535 {
		g.errorf(e, "no port; expected <master-server-port>8000</master-server-port>")
		return ds
	}
	if !isHost(m.server.v) {
		g.errorf(e, "invalid host; expected a name or an address alone, such as radio.example.org or 192.0.2.1")
		return ds
	}
	at := url.URL{Scheme: scheme(m.tls.or(false)), Host: net.JoinHostPort(m.server.v, strconv.Itoa(m.port.v))}
	inner := []*directive{line(m.server.line, "master", at.String())}
	if m.user.set() {
		inner = append(inner, line(m.user.line, "user", literal(m.user.v)))
	}
	inner = append(inner, line(m.password.line, "password", literal(m.password.v)))
	interval := m.interval.or(defaultUpdateInterval)
	if interval == 0 {
		interval = defaultUpdateInterval
	}
	inner = append(inner, line(m.server.line, "interval", duration(interval)))
	if m.onDemand.or(false) {
		inner = append(inner, line(m.onDemand.line, "on_demand"))
	}
	return append(ds, block(m.server.line, []string{"role", "slave"}, inner))
}
