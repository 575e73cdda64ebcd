package icecastxml

import "maps"

// read makes a config of a file.
func (r *reader) read(root *element) (*config, error) {
	if root.name != "icecast" {
		return nil, &LineError{root.line, "<" + root.name + "> is no configuration of Icecast; that begins with <icecast>"}
	}
	r.kh = isKH(root)
	c := new(config)
	r.root(root, c)
	r.unread(root)
	return c, joined(r.problems)
}

// root reads what stands in <icecast>.
func (r *reader) root(e *element, c *config) {
	old := new(socket) // 2.4 has the port and the address outside of listen-socket, too
	tell := func(word string) func(*element) {
		return func(e *element) {
			if v, ok := r.value(e); ok {
				c.identity = append(c.identity, line(e.line, word, literal(v)))
			}
		}
	}
	t := table{
		"location": tell("location"),
		"admin":    tell("contact"),
		"hostname": tell("hostname"),

		"server-id":       into(r, r.value, &c.serverID),
		"limits":          func(e *element) { r.limits(e, &c.limits) },
		"authentication":  func(e *element) { r.passwords(e, c) },
		"shoutcast-mount": into(r, r.value, &c.shoutcastMount),
		"listen-socket":   func(e *element) { c.sockets = append(c.sockets, r.socket(e)) },
		"port":            into(r, r.number, &old.port),
		"bind-address":    into(r, r.value, &old.host),
		"http-headers":    func(e *element) { c.headers = append(c.headers, r.headers(e)...) },
		"fileserve":       into(r, r.flag, &c.fileserve),
		"paths":           func(e *element) { r.paths(e, c) },
		"logging":         func(e *element) { r.logging(e, &c.logging) },
		"security":        func(e *element) { r.security(e, c) },
		"event-bindings":  func(e *element) { c.hooks = append(c.hooks, r.events(e)...) },
		"mount": func(e *element) {
			if m := r.mount(e, c); m != nil {
				c.mounts = append(c.mounts, m)
			}
		},
		"relay": func(e *element) { c.relays = append(c.relays, r.relay(e)) },

		"directory":    r.means("has no effect: this server is in no directory. Whoever lists streams may read /status-json.xsl"),
		"yp-directory": r.means("has no effect: this server is in no directory. Whoever lists streams may read /status-json.xsl"),
		"icelogin":     r.unlessOff("has no effect: sources log in by Basic authentication or as SHOUTcast's do, and by no header ice-password"),
		"ice-login":    r.unlessOff("has no effect: sources log in by Basic authentication or as SHOUTcast's do, and by no header ice-password"),
	}
	maps.Copy(t, r.masterTable(&c.master))
	r.each(e, t)
	if old.port.set() {
		old.line = old.port.line
		c.sockets = append([]*socket{old}, c.sockets...)
	}
}

// limits reads <limits>.
func (r *reader) limits(e *element, l *limits) {
	const unused = "has no effect, as in Icecast"
	r.each(e, table{
		"clients":          into(r, r.natural, &l.clients),
		"max-listeners":    into(r, r.number, &l.listeners),
		"sources":          into(r, r.natural, &l.sources),
		"queue-size":       into(r, r.size, &l.queue),
		"burst-size":       into(r, r.size, &l.burst),
		"burst-on-connect": into(r, r.flag, &l.burstOnConnect),
		"header-timeout":   into(r, r.natural, &l.headerTimeout),
		"source-timeout":   into(r, r.natural, &l.sourceTimeout),
		"max-bandwidth":    into(r, r.bandwidth, &l.bandwidth),

		"client-timeout":      r.means(unused),
		"threadpool":          r.means(unused),
		"inactivity-timeout":  r.means("has no effect: it is for connections that wait for a request, which Caddy's timeouts { idle } bounds"),
		"server-idle-timeout": r.means("has no effect: it is for connections that wait for a request, which Caddy's timeouts { idle } bounds"),
		"body-timeout":        r.means("has no effect: bodies of forms are bounded here"),
		"body-size-limit":     r.means("has no effect: bodies of forms are bounded here"),
		"bodysize":            r.means("has no effect: bodies of forms are bounded here"),
		"min-queue-size":      r.means("has no effect: what is kept for those who come is the burst"),
		"workers":             r.means("has no effect: there is a worker for each processor"),
	})
}

// passwords reads <authentication> of the server.
func (r *reader) passwords(e *element, c *config) {
	r.each(e, table{
		"source-password": into(r, r.secret, &c.source),
		"relay-user":      into(r, r.value, &c.relay.user),
		"relay-password":  into(r, r.secret, &c.relay.password),
		"admin-user":      into(r, r.value, &c.admin.user),
		"admin-password":  into(r, r.secret, &c.admin.password),
		"role":            func(e *element) { r.role(e, c) },
	})
}

// socket reads <listen-socket>.
func (r *reader) socket(e *element) *socket {
	s := &socket{line: e.line}
	e.attr("id")
	e.attr("type")
	e.attr("on-behalf-of")
	if kind := e.attr("type"); kind == "virtual" {
		r.note(e, "of the type virtual has no effect: Caddy asks no more than the Host of a request")
	}
	r.each(e, table{
		"port":                into(r, r.number, &s.port),
		"bind-address":        into(r, r.value, &s.host),
		"ssl":                 into(r, r.flag, &s.tls),
		"tls":                 into(r, r.tlsMode, &s.tls),
		"shoutcast-mount":     into(r, r.value, &s.shoutcast),
		"shoutcast-compat":    into(r, r.flag, &s.compat),
		"ssl-certificate":     into(r, r.value, &s.cert),
		"ssl-private-key":     into(r, r.value, &s.key),
		"tls-certificate":     into(r, r.value, &s.cert),
		"tls-key":             into(r, r.value, &s.key),
		"so-sndbuf":           r.means("has no effect: how much the system takes is bounded by itself"),
		"so-mss":              r.means("has no effect: it is the system's"),
		"listen-backlog":      r.means("has no effect: it is the system's"),
		"queue-len":           r.means("has no effect: it is the system's"),
		"authentication":      r.socketAuth,
		"ssl-ciphers":         r.means(ciphers),
		"ssl-allowed-ciphers": r.means(ciphers),
	})
	return s
}

const ciphers = "has no effect: Caddy chooses ciphers that are held to be safe"

// tlsMode reads how 2.5 has TLS at a socket.
func (r *reader) tlsMode(e *element) (on, ok bool) {
	v, ok := r.value(e)
	switch v {
	case "":
		return false, false
	case "rfc2818", "auto_no_plain":
		return true, ok
	case "disabled":
		return false, ok
	case "auto", "rfc2817":
		r.note(e, "%s: TLS within a plain connection is not offered; write a second <listen-socket> with rfc2818", v)
		return false, ok
	}
	return r.parseFlag(e, v)
}

// security reads <security>.
func (r *reader) security(e *element, c *config) {
	r.each(e, table{
		"chroot": func(e *element) {
			into(r, r.flag, &c.paths.chroot)(e)
			if c.paths.chroot.v {
				r.note(e, "is not done; paths are written with <basedir> before them. To shut the server in, run it in a container or as a service of systemd (RootDirectory, ProtectSystem)")
			}
		},
		"changeowner": r.means("is not done: start Caddy as the user who shall run it, as a service of systemd does (User=)"),
		"prng-seed":   r.means("has no effect: the system's random numbers are used"),
		"tls-context": func(e *element) { r.each(e, r.certificateTable(c)) },
	})
}
