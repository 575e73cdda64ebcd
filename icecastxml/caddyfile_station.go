package icecastxml

import (
	"slices"
	"strconv"
)

// station returns the settings of the station.
func (g *generator) station() []*directive {
	c := g.config
	ds := g.identityLines()
	ds = append(ds, secretLine("source_password", "source", login{password: c.source})...)
	ds = append(ds, secretLine("relay_password", "relay", c.relay)...)
	if c.admin.password.set() && !c.admin.user.set() {
		g.notef(elementAt(c.admin.password.line, "admin-password"), "the user is admin; Icecast accepts no administrator without <admin-user>")
	}
	ds = append(ds, secretLine("admin_password", "admin", c.admin)...)
	ds = append(ds, g.eventLines(c.hooks)...)
	for _, d := range c.clients {
		d.words[2] = g.rootPath(d.words[2])
		ds = append(ds, d)
	}
	ds = append(ds, block(g.root.line, []string{"limits"}, g.limitLines()))
	ds = append(ds, g.mountBlocks()...)
	ds = append(ds, g.relayBlocks()...)
	return append(ds, g.roles()...)
}

// identityLines returns the identity of the station. The hostname localhost is Icecast's unchanged
// example and is left out, because it would be in every playlist.
func (g *generator) identityLines() []*directive {
	ds := lastOfEach(g.config.identity)
	return slices.DeleteFunc(ds, func(d *directive) bool {
		local := d.words[0] == "hostname" && d.words[1] == "localhost"
		if local {
			g.notef(elementAt(d.line, "hostname"), "ignored; localhost is not reachable for listeners. URLs have the host of the request")
		}
		return local
	})
}

// lastOfEach keeps the last of several lines that begin with the same word.
func lastOfEach(ds []*directive) (kept []*directive) {
	where := make(map[string]int)
	for _, d := range ds {
		if i, again := where[d.words[0]]; again {
			kept[i] = d
			continue
		}
		where[d.words[0]] = len(kept)
		kept = append(kept, d)
	}
	return kept
}

// secretLine returns a line with a password and, if it is not the default, a user.
func secretLine(word, defaultUser string, of login) []*directive {
	switch {
	case !of.password.set():
		return nil
	case of.user.or(defaultUser) != defaultUser:
		return []*directive{line(of.password.line, word, literal(of.user.v), literal(of.password.v))}
	}
	return []*directive{line(of.password.line, word, literal(of.password.v))}
}

// limitLines returns the limits of the server, with Icecast's defaults.
func (g *generator) limitLines() []*directive {
	l := &g.config.limits
	lineOf := func(n int) int {
		if n == 0 {
			return g.root.line
		}
		return n
	}
	listeners := setting[int]{l.clients.or(defaultClients), lineOf(l.clients.line)}
	if l.listeners.set() && l.listeners.v >= 0 && l.listeners.v < listeners.v {
		listeners = l.listeners
	}
	sources := l.sources.or(defaultSources)
	if listeners.v == 0 {
		g.errorf(elementAt(listeners.line, "clients"), "0 allows no listeners; expected a maximum such as 100")
	}
	if sources == 0 {
		g.errorf(elementAt(l.sources.line, "sources"), "0 allows no sources; expected a maximum such as 10")
	}
	burstSize := l.burst.or(defaultBurst)
	if !l.burstOnConnect.or(true) {
		burstSize = 0
	}
	queue := l.queue.or(defaultQueue)
	if queue == 0 {
		queue = defaultQueue
		g.notef(elementAt(l.queue.line, "queue-size"), "0 would disconnect every listener; converted to Icecast's default")
	}
	timeout := l.sourceTimeout.or(10)
	if timeout == 0 {
		timeout = 10
		g.notef(elementAt(l.sourceTimeout.line, "source-timeout"), "0 would disconnect every source; converted to Icecast's default")
	}
	ds := []*directive{
		line(listeners.line, "listeners", strconv.Itoa(listeners.v)),
		line(lineOf(l.sources.line), "sources", strconv.Itoa(sources)),
	}
	if l.bandwidth.set() {
		ds = append(ds, line(l.bandwidth.line, "bandwidth", l.bandwidth.v))
	}
	return append(ds,
		line(lineOf(l.sourceTimeout.line), "source_timeout", duration(timeout)),
		line(lineOf(l.queue.line), "queue", size(queue)),
		line(lineOf(l.burst.line), "burst", burst(burstSize)))
}
