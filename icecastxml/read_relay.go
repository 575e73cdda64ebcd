package icecastxml

// masterTable says what becomes of the elements that make a slave.
func (r *reader) masterTable(m *master) table {
	server, port := into(r, r.value, &m.server), into(r, r.natural, &m.port)
	t := table{
		"master-server":          server,
		"master-server-port":     port,
		"master-username":        into(r, r.value, &m.user),
		"master-password":        into(r, r.secret, &m.password),
		"master-update-interval": into(r, r.natural, &m.interval),
		"master-ssl":             into(r, r.flag, &m.tls),
		"master-redirect":        into(r, r.flag, &m.redirect),
		"relays-on-demand":       into(r, r.flag, &m.onDemand),
		"max-redirect-slaves":    r.means("has no effect: there may be any number of slaves"),
		"master-relay-auth":      r.means("has no effect: a slave logs in wherever it pulls from its master"),
		"master-ssl-port":        r.means("has no effect: write the port of TLS as <master-server-port>, and <master-ssl>1</master-ssl>"),
		"master-bind":            r.means("has no effect: the system chooses the address that is dialed from"),
		"slaves":                 r.means("has no effect: slaves tell of themselves"),
		"redirect":               r.means("has no effect: slaves tell of themselves; <master-redirect> sends listeners to them"),
	}
	t["master"] = func(e *element) { // nested, as Icecast-KH has it
		r.each(e, table{
			"server":           server,
			"port":             port,
			"username":         into(r, r.value, &m.user),
			"password":         into(r, r.secret, &m.password),
			"interval":         into(r, r.natural, &m.interval),
			"update-interval":  into(r, r.natural, &m.interval),
			"ssl":              into(r, r.flag, &m.tls),
			"on-demand":        into(r, r.flag, &m.onDemand),
			"relays-on-demand": into(r, r.flag, &m.onDemand),
			"redirect":         into(r, r.flag, &m.redirect),
			"bind":             t["master-bind"],
			"run-on":           r.means(runOn),
			"retry-delay":      r.means(runOn),
		})
	}
	return t
}

const runOn = "has no effect: listeners wait for a link as long as <linger-for> of the mount says, and it is dialed again at once"

// relay reads <relay>: one server in it (2.4), several <upstream> (2.5), or several
// <host> or <master> (KH).
func (r *reader) relay(e *element) *relay {
	v := &relay{line: e.line}
	own := &upstream{line: e.line}
	t := r.upstreamTable(own, v)
	t["local-mount"] = into(r, r.mountName, &v.local)
	t["on-demand"] = into(r, r.flag, &v.onDemand)
	t["enable"] = into(r, r.flag, &v.enabled)
	t["run-on"], t["retry-delay"] = r.means(runOn), r.means(runOn)
	for _, name := range []string{"upstream", "host", "master"} {
		t[name] = func(e *element) {
			u := &upstream{line: e.line}
			if kind := e.attr("type"); kind == "default" {
				r.each(e, r.upstreamTable(own, v)) // what the others have if they say nothing
				return
			}
			r.each(e, r.upstreamTable(u, v))
			v.upstreams = append(v.upstreams, u)
		}
	}
	r.each(e, t)
	if len(v.upstreams) == 0 {
		v.upstreams = []*upstream{own}
		return v
	}
	for _, u := range v.upstreams {
		u.inherit(own)
	}
	return v
}

// upstreamTable says what becomes of the elements of one upstream.
func (r *reader) upstreamTable(u *upstream, v *relay) table {
	mount := into(r, r.value, &u.path)
	server := into(r, r.value, &u.server)
	return table{
		"server": server,
		"ip":     server,
		"port":   into(r, r.natural, &u.port),
		"mount":  mount,
		"uri":    into(r, r.value, &u.uri),
		"ssl":    into(r, r.flag, &u.tls),
		"tls":    into(r, r.tlsMode, &u.tls),

		"username": into(r, r.value, &v.user),
		"password": into(r, r.secret, &v.password),

		"relay-shoutcast-metadata": into(r, r.flag, &v.tell),
		"relay-icy-metadata":       into(r, r.flag, &v.tell),

		"bind":         r.means("has no effect: the system chooses the address that is dialed from"),
		"timeout":      r.means("has no effect: an upstream has 10 seconds to answer"),
		"priority":     r.means("has no effect: upstreams are tried in the order in which they stand"),
		"http-headers": r.means("has no effect: upstreams are asked without fields of their own"),
	}
}

// inherit takes from another what is not set.
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
