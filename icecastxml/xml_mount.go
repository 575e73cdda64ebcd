package icecastxml

import (
	"maps"
	"strconv"
	"strings"
)

// mount reads <mount>.
func (r *reader) mount(e *element, c *config) *mount {
	m := &mount{line: e.line}
	switch kind := e.attr("type"); kind {
	case "", "normal":
	case "default":
		m.byDefault = true
	default:
		r.notef(e, "ignored, as in Icecast; unknown type %q", kind)
		e.markKnown()
		return nil
	}
	t := r.mountTable(m)
	t["relay"] = func(e *element) { // 2.5 nests the relays of a mount
		relayed := r.relay(e)
		if !relayed.local.set() {
			relayed.local = m.name
		}
		c.relays = append(c.relays, relayed)
	}
	for name, why := range ignoredInMounts {
		t[name] = r.ignore(why)
	}
	r.readChildren(e, t)
	if !m.byDefault && !m.name.set() {
		r.notef(e, "ignored, as in Icecast; expected a <mount-name>, or type=\"default\" for all mounts")
		return nil
	}
	return m
}

// set adds a setting of the mount.
func (m *mount) set(e *element, words ...string) {
	m.settings = append(m.settings, line(e.line, words...))
}

// textSetting returns a function that makes a setting of a text.
func (r *reader) textSetting(m *mount, word string) func(*element) {
	return func(e *element) {
		if v, ok := r.value(e); ok {
			m.set(e, word, v)
		}
	}
}

// literalSetting is textSetting for values in which Caddy replaces placeholders. Users of panels
// choose such values, and a placeholder could expose a file of the server.
func (r *reader) literalSetting(m *mount, word string) func(*element) {
	return func(e *element) {
		if v, ok := r.value(e); ok {
			m.set(e, word, literal(v))
		}
	}
}

// flagSetting returns a function that makes a setting of a switch with that position.
func (r *reader) flagSetting(m *mount, when bool, words ...string) func(*element) {
	return func(e *element) {
		if on, ok := r.flag(e); ok && on == when {
			m.set(e, words...)
		}
	}
}

// secondsSetting returns a function that makes a setting of a number of seconds.
func (r *reader) secondsSetting(m *mount, word string) func(*element) {
	return func(e *element) {
		if n, ok := r.number(e); ok && n > 0 {
			m.set(e, word, duration(n))
		}
	}
}

// mountTable returns the readers for the elements of a mount.
func (r *reader) mountTable(m *mount) table {
	t := table{
		"mount-name": store(r, r.mountName, &m.name),
		"username":   store(r, r.value, &m.user),
		"password":   store(r, r.secret, &m.password),

		"authentication":        func(e *element) { r.mountAuth(e, m) },
		"max-listeners":         func(e *element) { r.maxListeners(e, m) },
		"max-listener-duration": r.secondsSetting(m, "max_listener_duration"),
		"max-bandwidth": func(e *element) {
			if v, ok := r.bandwidth(e); ok {
				m.set(e, "max_bandwidth", v)
			}
		},
		"no-mount":            r.flagSetting(m, true, "direct", "off"),
		"allow-direct-access": r.flagSetting(m, false, "direct", "off"),
		"hidden":              r.flagSetting(m, true, "hidden", "all"),
		"hijack":              r.flagSetting(m, true, "takeover"),

		"fallback":           func(e *element) { r.khFallback(e, m) },
		"fallback-mount":     func(e *element) { r.khFallback(e, m) },
		"fallback-override":  store(r, r.override, &m.override),
		"fallback-when-full": r.flagSetting(m, true, "fallback_when_full"),

		"intro":     store(r, r.value, &m.intro),
		"dump-file": r.textSetting(m, "dump"),
		"hls": func(e *element) { // RSAS
			switch on, ok := r.flag(e); {
			case ok && on:
				m.set(e, "hls")
			case ok: // the default mount may have it
				m.set(e, "hls", "off")
			}
		},
		"linger-for":     r.secondsSetting(m, "linger"),
		"source-timeout": r.secondsSetting(m, "source_timeout"),
		"queue-size": func(e *element) {
			if n, ok := r.size(e); ok && n > 0 {
				m.set(e, "queue", size(n))
			}
		},
		"burst-size": func(e *element) {
			if n, ok := r.size(e); ok {
				m.set(e, "burst", burst(n))
			}
		},
	}
	maps.Copy(t, r.infoTable(m))
	return t
}

// infoTable returns the readers for the stream information, metadata and hooks of a mount.
func (r *reader) infoTable(m *mount) table {
	return table{
		"stream-name":        r.literalSetting(m, "name"),
		"stream-description": r.literalSetting(m, "description"),
		"stream-url":         r.literalSetting(m, "url"),
		"genre":              r.literalSetting(m, "genre"),
		"listenurl":          func(e *element) { r.listenURL(e, m) },
		"type":               func(e *element) { r.contentType(e, m) },
		"subtype":            r.textSetting(m, "subtype"),
		"charset":            r.textSetting(m, "charset"),
		"public":             func(e *element) { r.public(e, m) },
		"bitrate": func(e *element) {
			v, ok := r.value(e)
			if n, err := strconv.Atoi(v); ok && err == nil && n >= 0 {
				m.set(e, "bitrate", v)
			} else if ok {
				r.notef(e, "ignored; %q is not a number of kbit/s. Without one, the source's value is sent", v)
			}
		},

		"mp3-metadata-interval": r.interval(m),
		"icy-metadata-interval": r.interval(m),
		"metadata-interval":     r.interval(m),

		"on-connect":     store(r, r.value, &m.onConnect),
		"on-disconnect":  store(r, r.value, &m.onDisconnect),
		"event-bindings": func(e *element) { m.settings = append(m.settings, r.events(e)...) },
		"http-headers":   func(e *element) { m.headers = append(m.headers, r.headers(e)...) },
	}
}

// ignoredInMounts has the notes for ignored elements of mounts.
var ignoredInMounts = map[string]string{ //nolint:gosec // there is a word password in it, and none of them
	"no-yp":                  "ignored; directory listings are not supported",
	"yp-url":                 "ignored; directory listings are not supported",
	"cluster-password":       "ignored; directory listings are not supported",
	"content-language":       "ignored; the language of a stream is not sent",
	"max-send-size":          "ignored; each listener gets what is due at once",
	"max-history":            "ignored; there is no title history. Titles are in the playlist log",
	"wait-time":              "ignored; a mount can be used again at once",
	"ban-client":             "ignored; put the addresses in the file of <deny-ip>",
	"limit-rate":             "ignored; sources are not throttled, and files play at their own bitrate",
	"priority":               "ignored; patterns apply in the order of the file",
	"min-queue-size":         "ignored; the burst is the minimum queue",
	"filter-theora":          "ignored; streams are not filtered",
	"ogg-passthrough":        "ignored; an Ogg stream is unchanged, except that a new title restarts it",
	"admin_comments_only":    "ignored; the last title counts, from the stream or from /admin/metadata",
	"allow-url-ogg-metadata": "ignored; the last title counts, from the stream or from /admin/metadata",
	"intro-skip-replay":      "ignored; returning listeners hear the intro again",
	"file-seekable":          "ignored; Caddy serves files with ranges",
	"allow-chunked":          "ignored; streams are never chunked, because old players do not support that",
	"skip-accesslog":         "ignored; each listener has a line in the access log. Use Caddy's log filters to omit mounts",
	"accesslog":              "ignored; there is one access log, and each line names the mount",
	"preroll-log":            "ignored; intros are not logged",
	"redirect":               "ignored; use Caddy's redir for this path",
	"redirect-to":            "ignored; use Caddy's redir for this path",
	"so-sndbuf":              "ignored; the operating system sizes socket buffers",
	"mss":                    "ignored; this is a setting of the operating system",
	"qlen":                   "ignored; this is a setting of the operating system",
	"max-stream-duration":    "ignored; the duration of a source is not limited",
	"relay-icy-metadata":     "ignored; titles are always relayed",
	"dump-file-size-limit":   "ignored; use dump { rotate <duration> <size> }",
	"dump-file-time-limit":   "ignored; use dump { rotate <duration> <size> }",
}

// mountName reads the name of a mount, or a pattern.
func (r *reader) mountName(e *element) (string, bool) {
	v, ok := r.value(e)
	if ok && !strings.HasPrefix(v, "/") {
		r.errorf(e, "invalid mount %q; expected /%s", v, v)
		return "", false
	}
	return v, ok
}

// khFallback reads a fallback: a name or, in Icecast-KH, elements with a name and a rate.
func (r *reader) khFallback(e *element, m *mount) {
	if len(e.children) == 0 {
		store(r, r.value, &m.fallback)(e)
		return
	}
	r.readChildren(e, table{
		"mount": store(r, r.value, &m.fallback),
		"rate":  r.ignore("ignored; files play at their own bitrate"),
	})
}

// override reads whether listeners return to the source: 0 or 1, in 2.5 none, all or own.
func (r *reader) override(e *element) (on, ok bool) {
	v, ok := r.value(e)
	switch v {
	case "":
		return false, false
	case "none":
		return false, ok
	case "all", "own":
		return true, ok
	}
	return r.parseFlag(e, v)
}

// maxListeners reads the listener limit: -1 is none, 0 allows no listeners.
func (r *reader) maxListeners(e *element, m *mount) {
	n, ok := r.number(e)
	switch {
	case !ok:
	case n == 0:
		r.notef(e, "0 allows no listeners in Icecast; converted to direct off. For no limit use -1")
		m.set(e, "direct", "off")
	case n < 0:
		m.set(e, "max_listeners", "0")
	default:
		m.set(e, "max_listeners", strconv.Itoa(n))
	}
}

// contentType reads the type of a mount. In Icecast 2.4 and 2.5 it changes only server_type;
// Icecast-KH sends it to listeners, too.
func (r *reader) contentType(e *element, m *mount) {
	if r.kh {
		r.textSetting(m, "type")(e)
		return
	}
	r.notef(e, "ignored; Icecast sends it to no listener. server_type is the type of the stream")
	e.markKnown()
}

// listenURL reads the URL of a mount of Icecast-KH.
func (r *reader) listenURL(e *element, m *mount) {
	v, ok := r.value(e)
	switch {
	case !ok:
	case !isWebURL(v):
		r.errorf(e, "invalid URL; expected one such as http://radio.example.org:8000/live.mp3")
	default:
		m.set(e, "listen_url", literal(v))
	}
}

// public reads whether the stream is listed in directories; -1 leaves that to the source.
func (r *reader) public(e *element, m *mount) {
	v, ok := r.value(e)
	if !ok || v == "-1" {
		return
	}
	on, ok := r.parseFlag(e, v)
	switch {
	case !ok:
	case on:
		m.set(e, "public")
	default:
		m.set(e, "public", "off")
	}
}

// interval returns a function that reads the metadata interval.
func (r *reader) interval(m *mount) func(*element) {
	return func(e *element) {
		n, ok := r.number(e)
		switch {
		case !ok || n < 0:
		case n == 0:
			m.set(e, "metadata_interval", "off")
		default:
			m.set(e, "metadata_interval", size(n))
		}
	}
}
