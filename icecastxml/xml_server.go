package icecastxml

import (
	"maps"
	"slices"
)

// readConfig reads a tree into a config.
func (r *reader) readConfig(root *element) (*config, error) {
	if root.name != "icecast" {
		return nil, &LineError{root.line, "<" + root.name + ">: unknown root element; expected <icecast>"}
	}
	r.kh = usesKH(root)
	c := new(config)
	r.readRoot(root, c)
	r.noteUnknown(root)
	return c, joinErrors(r.problems)
}

// readRoot reads <icecast>.
func (r *reader) readRoot(e *element, c *config) {
	old := new(socket) // 2.4 also allows port and address outside of <listen-socket>
	identity := func(word string) func(*element) {
		return func(e *element) {
			if v, ok := r.value(e); ok {
				c.identity = append(c.identity, line(e.line, word, literal(v)))
			}
		}
	}
	t := table{
		"location": identity("location"),
		"admin":    identity("contact"),
		"hostname": identity("hostname"),

		"server-id":       store(r, r.value, &c.serverID),
		"server_id":       store(r, r.value, &c.serverID),
		"limits":          func(e *element) { r.limits(e, &c.limits) },
		"authentication":  func(e *element) { r.passwords(e, c) },
		"shoutcast-mount": store(r, r.value, &c.shoutcastMount),
		"listen-socket":   func(e *element) { c.sockets = append(c.sockets, r.socket(e)) },
		"port":            store(r, r.number, &old.port),
		"bind-address":    store(r, r.value, &old.host),
		"http-headers":    func(e *element) { c.headers = append(c.headers, r.headers(e)...) },
		"fileserve":       store(r, r.flag, &c.fileserve),
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

		"directory": r.directory,
		"include": func(e *element) { // without the other file, a mount may be open that should not be
			e.markKnown()
			r.errorf(e, "other files are not read; expected the elements of that file here")
		},
		"hls":          func(e *element) { r.readChildren(e, table{"enabled": store(r, r.flag, &c.hls)}) }, // RSAS
		"yp-directory": r.ignore("ignored; directory listings are not supported. Directories can read /status-json.xsl"),
		"icelogin":     r.ignoreUnlessOff("ignored; the ice-password header is not supported. Sources authenticate by Basic authentication or SHOUTcast login"),
		"ice-login":    r.ignoreUnlessOff("ignored; the ice-password header is not supported. Sources authenticate by Basic authentication or SHOUTcast login"),
	}
	maps.Copy(t, r.masterTable(&c.master))
	r.readChildren(e, t)
	if !c.hls.or(true) { // it wins over the <hls> of mounts
		for _, m := range c.mounts {
			m.settings = slices.DeleteFunc(m.settings, func(d *directive) bool { return d.words[0] == "hls" })
		}
	}
	if old.port.set() || len(c.sockets) == 0 {
		old.line = max(old.port.line, e.line)
		c.sockets = append([]*socket{old}, c.sockets...)
	}
}

// directory reads <directory>, none of which applies.
func (r *reader) directory(e *element) {
	r.readChildren(e, table{"yp-url": r.known, "yp-url-timeout": r.known, "touch-interval": r.known})
	r.notef(e, "ignored; directory listings are not supported. Directories can read /status-json.xsl")
}

// limits reads <limits>.
func (r *reader) limits(e *element, l *limits) {
	const unused = "ignored, as in Icecast"
	r.readChildren(e, table{
		"clients":          store(r, r.natural, &l.clients),
		"max-listeners":    store(r, r.number, &l.listeners),
		"sources":          store(r, r.natural, &l.sources),
		"queue-size":       store(r, r.size, &l.queue),
		"burst-size":       store(r, r.size, &l.burst),
		"burst-on-connect": store(r, r.flag, &l.burstOnConnect),
		"header-timeout":   store(r, r.natural, &l.headerTimeout),
		"source-timeout":   store(r, r.natural, &l.sourceTimeout),
		"max-bandwidth":    store(r, r.bandwidth, &l.bandwidth),

		"client-timeout":      r.ignore(unused),
		"threadpool":          r.ignore(unused),
		"inactivity-timeout":  r.ignore("ignored; use Caddy's timeouts { idle } for idle connections"),
		"server-idle-timeout": r.ignore("ignored; use Caddy's timeouts { idle } for idle connections"),
		"body-timeout":        r.ignore("ignored; form bodies have a fixed limit"),
		"body-size-limit":     r.ignore("ignored; form bodies have a fixed limit"),
		"bodysize":            r.ignore("ignored; form bodies have a fixed limit"),
		"min-queue-size":      r.ignore("ignored; the burst is the minimum queue"),
		"workers":             r.ignore("ignored; there is one worker per processor"),
	})
}

// passwords reads <authentication> of the server.
func (r *reader) passwords(e *element, c *config) {
	r.readChildren(e, table{
		"source-password": store(r, r.secret, &c.source),
		"relay-user":      store(r, r.value, &c.relay.user),
		"relay-password":  store(r, r.secret, &c.relay.password),
		"admin-user":      store(r, r.value, &c.admin.user),
		"admin-password":  store(r, r.secret, &c.admin.password),
		"role":            func(e *element) { r.role(e, c) },
		"shoutcast-user":  r.ignore("ignored; SHOUTcast sources send no user. Theirs is source, or that of the mount's source_password"),
	})
}

// socket reads <listen-socket>.
func (r *reader) socket(e *element) *socket {
	s := &socket{line: e.line}
	e.attr("id")
	e.attr("type")
	e.attr("on-behalf-of")
	if kind := e.attr("type"); kind == "virtual" {
		r.notef(e, "ignored; type=\"virtual\" is not needed, because Caddy selects sites by the Host header")
	}
	r.readChildren(e, table{
		"port":                store(r, r.number, &s.port),
		"bind-address":        store(r, r.value, &s.host),
		"ssl":                 store(r, r.flag, &s.tls),
		"tls":                 store(r, r.tlsMode, &s.tls),
		"shoutcast-mount":     store(r, r.value, &s.shoutcast),
		"shoutcast-compat":    store(r, r.flag, &s.compat),
		"ssl-certificate":     store(r, r.value, &s.cert),
		"ssl-private-key":     store(r, r.value, &s.key),
		"tls-certificate":     store(r, r.value, &s.cert),
		"tls-key":             store(r, r.value, &s.key),
		"so-sndbuf":           r.ignore("ignored; the operating system sizes socket buffers"),
		"so-mss":              r.ignore("ignored; this is a setting of the operating system"),
		"listen-backlog":      r.ignore("ignored; this is a setting of the operating system"),
		"queue-len":           r.ignore("ignored; this is a setting of the operating system"),
		"authentication":      r.socketAuth,
		"ssl-ciphers":         r.ignore(ciphers),
		"ssl-allowed-ciphers": r.ignore(ciphers),
	})
	return s
}

const ciphers = "ignored; Caddy selects secure ciphers"

// tlsMode reads the TLS mode of a socket in 2.5.
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
		r.notef(e, "TLS upgrade (%s) is not supported; use a second <listen-socket> with rfc2818", v)
		return false, ok
	}
	return r.parseFlag(e, v)
}

// security reads <security>.
func (r *reader) security(e *element, c *config) {
	r.readChildren(e, table{
		"chroot": func(e *element) {
			store(r, r.flag, &c.paths.chroot)(e)
			if c.paths.chroot.v {
				r.notef(e, "not applied; paths are written with <basedir> in front. To confine the server, use a container or a systemd service (RootDirectory, ProtectSystem)")
			}
		},
		"changeowner": func(e *element) {
			r.readChildren(e, table{"user": r.known, "group": r.known})
			r.notef(e, "ignored; start Caddy as the intended user, for example with User= in a systemd service")
		},
		"prng-seed":   r.ignore("ignored; the operating system's random numbers are used"),
		"tls-context": func(e *element) { r.readChildren(e, r.certificateTable(c)) },
	})
}
