package icecastxml

// masterTable returns the readers for the elements of a slave.
func (r *reader) masterTable(m *master) table {
	server, port := store(r, r.value, &m.server), store(r, r.natural, &m.port)
	t := table{
		"master-server":          server,
		"master-server-port":     port,
		"master-username":        store(r, r.value, &m.user),
		"master-password":        store(r, r.secret, &m.password),
		"master-update-interval": store(r, r.natural, &m.interval),
		"master-ssl":             store(r, r.flag, &m.tls),
		"master-redirect":        store(r, r.flag, &m.redirect),
		"relays-on-demand":       store(r, r.flag, &m.onDemand),
		"max-redirect-slaves":    r.ignore("ignored; the number of slaves is not limited"),
		"master-relay-auth":      r.ignore("ignored; a slave always authenticates to its master"),
		"master-ssl-port":        r.ignore("ignored; use the TLS port as <master-server-port>, and <master-ssl>1</master-ssl>"),
		"master-bind":            r.ignore("ignored; the operating system selects the source address"),
		"slaves":                 r.ignore("ignored; slaves register themselves"),
		"redirect":               r.ignore("ignored; slaves register themselves. <master-redirect> sends listeners to them"),
	}
	t["master"] = func(e *element) { // nested in Icecast-KH
		r.readChildren(e, table{
			"server":           server,
			"port":             port,
			"username":         store(r, r.value, &m.user),
			"password":         store(r, r.secret, &m.password),
			"interval":         store(r, r.natural, &m.interval),
			"update-interval":  store(r, r.natural, &m.interval),
			"ssl":              store(r, r.flag, &m.tls),
			"on-demand":        store(r, r.flag, &m.onDemand),
			"relays-on-demand": store(r, r.flag, &m.onDemand),
			"redirect":         store(r, r.flag, &m.redirect),
			"bind":             t["master-bind"],
			"relay-auth":       t["master-relay-auth"],
			"ssl-port":         t["master-ssl-port"],
			"run-on":           r.ignore(runOn),
			"retry-delay":      r.ignore(runOn),
		})
	}
	return t
}

const runOn = "ignored; listeners wait for the relay during <linger-for> of the mount, and it reconnects at once"

// relay reads <relay>, with one server (2.4), several <upstream> (2.5), or several <host> or
// <master> (KH).
func (r *reader) relay(e *element) *relay {
	v := &relay{line: e.line}
	own := &upstream{line: e.line}
	t := r.upstreamTable(own, v)
	t["local-mount"] = store(r, r.mountName, &v.local)
	t["on-demand"] = store(r, r.flag, &v.onDemand)
	t["enable"] = store(r, r.flag, &v.enabled)
	t["run-on"], t["retry-delay"] = r.ignore(runOn), r.ignore(runOn)
	for _, name := range []string{"upstream", "host", "master"} {
		t[name] = func(e *element) {
			u := &upstream{line: e.line}
			if kind := e.attr("type"); kind == "default" {
				r.readChildren(e, r.upstreamTable(own, v)) // the defaults of the others
				return
			}
			r.readChildren(e, r.upstreamTable(u, v))
			v.upstreams = append(v.upstreams, u)
		}
	}
	r.readChildren(e, t)
	if len(v.upstreams) == 0 {
		v.upstreams = []*upstream{own}
		return v
	}
	for _, u := range v.upstreams {
		u.inherit(own)
	}
	return v
}

// upstreamTable returns the readers for the elements of one upstream.
func (r *reader) upstreamTable(u *upstream, v *relay) table {
	mount := store(r, r.value, &u.path)
	server := store(r, r.value, &u.server)
	return table{
		"server": server,
		"ip":     server,
		"port":   store(r, r.natural, &u.port),
		"mount":  mount,
		"uri":    store(r, r.value, &u.uri),
		"ssl":    store(r, r.flag, &u.tls),
		"tls":    store(r, r.tlsMode, &u.tls),

		"username": store(r, r.value, &v.user),
		"password": store(r, r.secret, &v.password),

		"relay-shoutcast-metadata": store(r, r.flag, &v.sendTitles),
		"relay-icy-metadata":       store(r, r.flag, &v.sendTitles),

		"bind":         r.ignore("ignored; the operating system selects the source address"),
		"timeout":      r.ignore("ignored; the timeout is 10 seconds"),
		"priority":     r.ignore("ignored; upstreams are tried in the order of the file"),
		"http-headers": r.ignore("ignored; requests to upstreams have no extra header fields"),
	}
}

// inherit copies unset values from another upstream.
func (u *upstream) inherit(o *upstream) {
	for _, s := range []struct{ to, from *setting[string] }{{&u.server, &o.server}, {&u.path, &o.path}, {&u.uri, &o.uri}} {
		if !s.to.set() {
			*s.to = *s.from
		}
	}
	if !u.port.set() {
		u.port = o.port
	}
	if !u.tls.set() {
		u.tls = o.tls
	}
}
