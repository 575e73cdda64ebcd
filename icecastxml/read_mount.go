package icecastxml

import (
	"fmt"
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
		r.note(e, "is of the type %q, which is not known; Icecast leaves it out, too", kind)
		e.silence()
		return nil
	}
	t := r.mountTable(m)
	t["relay"] = func(e *element) { // 2.5 has the relays of a mount in it
		relayed := r.relay(e)
		if !relayed.local.set() {
			relayed.local = m.name
		}
		c.relays = append(c.relays, relayed)
	}
	for name, why := range mountsWithout {
		t[name] = r.means(why)
	}
	r.each(e, t)
	if !m.byDefault && !m.name.set() {
		r.note(e, "has no <mount-name>, and is left out, as in Icecast; write one, or type=\"default\" if it is for all mounts")
		return nil
	}
	return m
}

// set adds a setting of the mount.
func (m *mount) set(e *element, words ...string) {
	m.settings = append(m.settings, line(e.line, words...))
}

// text returns what makes a setting of a text.
func (r *reader) text(m *mount, word string) func(*element) {
	return func(e *element) {
		if v, ok := r.value(e); ok {
			m.set(e, word, v)
		}
	}
}

// literalText is text where Caddy would look for placeholders. Panels let their users write
// names, and what they name so must not be a file of the server's.
func (r *reader) literalText(m *mount, word string) func(*element) {
	return func(e *element) {
		if v, ok := r.value(e); ok {
			m.set(e, word, literal(v))
		}
	}
}

// switched returns what makes a setting of a switch that stands so.
func (r *reader) switched(m *mount, when bool, words ...string) func(*element) {
	return func(e *element) {
		if on, ok := r.flag(e); ok && on == when {
			m.set(e, words...)
		}
	}
}

// seconds returns what makes a setting of a time.
func (r *reader) seconds(m *mount, word string) func(*element) {
	return func(e *element) {
		if n, ok := r.number(e); ok && n > 0 {
			m.set(e, word, duration(n))
		}
	}
}

// mountTable says what becomes of the elements of a mount.
func (r *reader) mountTable(m *mount) table {
	t := table{
		"mount-name": into(r, r.mountName, &m.name),
		"username":   into(r, r.value, &m.user),
		"password":   into(r, r.secret, &m.password),

		"authentication":        func(e *element) { r.mountAuth(e, m) },
		"max-listeners":         func(e *element) { r.maxListeners(e, m) },
		"max-listener-duration": r.seconds(m, "max_listener_duration"),
		"max-bandwidth": func(e *element) {
			if v, ok := r.bandwidth(e); ok {
				m.set(e, "max_bandwidth", v)
			}
		},
		"no-mount":            r.switched(m, true, "direct", "off"),
		"allow-direct-access": r.switched(m, false, "direct", "off"),
		"hidden":              r.switched(m, true, "hidden", "all"),
		"hijack":              r.switched(m, true, "takeover"),

		"fallback-mount":     into(r, r.value, &m.fallback),
		"fallback-override":  into(r, r.override, &m.override),
		"fallback-when-full": r.switched(m, true, "fallback_when_full"),

		"intro":          into(r, r.value, &m.intro),
		"dump-file":      r.text(m, "dump"),
		"linger-for":     r.seconds(m, "linger"),
		"source-timeout": r.seconds(m, "source_timeout"),
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
	maps.Copy(t, r.toldTable(m))
	return t
}

// toldTable says what becomes of those elements by which something is told.
func (r *reader) toldTable(m *mount) table {
	return table{
		"stream-name":        r.literalText(m, "name"),
		"stream-description": r.literalText(m, "description"),
		"stream-url":         r.literalText(m, "url"),
		"genre":              r.literalText(m, "genre"),
		"type":               r.text(m, "type"),
		"subtype":            r.text(m, "subtype"),
		"charset":            r.text(m, "charset"),
		"public":             func(e *element) { r.public(e, m) },
		"bitrate": func(e *element) {
			v, ok := r.value(e)
			if n, err := strconv.Atoi(v); ok && err == nil && n >= 0 {
				m.set(e, "bitrate", v)
			} else if ok {
				r.note(e, "%q has no effect: listeners are told a number of kbit/s, or what the source says", v)
			}
		},

		"mp3-metadata-interval": r.interval(m),
		"icy-metadata-interval": r.interval(m),
		"metadata-interval":     r.interval(m),

		"on-connect":     into(r, r.value, &m.onConnect),
		"on-disconnect":  into(r, r.value, &m.onGone),
		"event-bindings": func(e *element) { m.settings = append(m.settings, r.events(e)...) },
		"http-headers":   func(e *element) { m.headers = append(m.headers, r.headers(e)...) },
	}
}

// mountsWithout says why elements of mounts mean nothing here.
var mountsWithout = map[string]string{ //nolint:gosec // there is a word password in it, and none of them
	"no-yp":                  "has no effect: this server is in no directory",
	"yp-url":                 "has no effect: this server is in no directory",
	"cluster-password":       "has no effect: this server is in no directory",
	"content-language":       "has no effect: the language of streams is not told",
	"max-history":            "has no effect: no history of titles is kept; the log of titles has them",
	"wait-time":              "has no effect: the name of a mount is free at once",
	"ban-client":             "has no effect: write the addresses into the file of <deny-ip>",
	"limit-rate":             "has no effect: a source may send as fast as it likes; files are paced by their own bitrate",
	"priority":               "has no effect: patterns count in the order in which they stand",
	"min-queue-size":         "has no effect: what is kept for those who come is the burst",
	"filter-theora":          "has no effect: streams are passed on as they are",
	"ogg-passthrough":        "has no effect: a title begins an Ogg stream anew, otherwise it is passed on as it is",
	"admin_comments_only":    "has no effect: titles of the stream and of /admin/metadata both count, the last one",
	"allow-url-ogg-metadata": "has no effect: titles of the stream and of /admin/metadata both count, the last one",
	"intro-skip-replay":      "has no effect: who comes again hears the intro again",
	"file-seekable":          "has no effect: files are served by Caddy, with ranges",
	"allow-chunked":          "has no effect: streams are never chunked, which old players need",
	"skip-accesslog":         "has no effect: each listener has a line in the log of listeners; leave mounts out with Caddy's log filters",
	"accesslog":              "has no effect: there is one log of listeners, in which each line names the mount",
	"preroll-log":            "has no effect: intros are not logged",
	"redirect":               "has no effect: write Caddy's redir for this path",
	"redirect-to":            "has no effect: write Caddy's redir for this path",
	"so-sndbuf":              "has no effect: how much the system takes is bounded by itself",
	"mss":                    "has no effect: it is the system's",
	"qlen":                   "has no effect: it is the system's",
	"max-stream-duration":    "has no effect: a source may stay as long as it likes",
	"relay-icy-metadata":     "has no effect: titles are passed on",
	"dump-file-size-limit":   "has no effect: write dump { rotate <duration> <size> }",
	"dump-file-time-limit":   "has no effect: write dump { rotate <duration> <size> }",
}

// mountName reads the name of a mount, or a pattern.
func (r *reader) mountName(e *element) (string, bool) {
	v, ok := r.value(e)
	if ok && !strings.HasPrefix(v, "/") {
		r.wrong(e, "%q: a mount begins with a slash: write /%s", v, v)
		return "", false
	}
	return v, ok
}

// override reads whether listeners come back: 0 or 1, in 2.5 none, all or own.
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

// maxListeners reads how many may listen: -1 is all, and 0 nobody.
func (r *reader) maxListeners(e *element, m *mount) {
	n, ok := r.number(e)
	switch {
	case !ok:
	case n == 0:
		r.note(e, "0 lets nobody in, in Icecast; it is written as direct off. If no limit is meant, write -1")
		m.set(e, "direct", "off")
	case n < 0:
		m.set(e, "max_listeners", "0")
	default:
		m.set(e, "max_listeners", strconv.Itoa(n))
	}
}

// public reads whether the stream wants to be in directories; -1 is what the source says.
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

// interval reads the space between titles.
func (r *reader) interval(m *mount) func(*element) {
	return func(e *element) {
		n, ok := r.number(e)
		switch {
		case !ok || n < 0:
		case n == 0:
			m.set(e, "metadata_interval", "off")
		default:
			m.set(e, "metadata_interval", strconv.Itoa(n))
		}
	}
}

// bandwidth reads a rate: in Icecast-KH bits per second, with a unit perhaps.
func (r *reader) bandwidth(e *element) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	digits := strings.TrimRight(v, "kKmMgGbBiItTsSpP/ ")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		r.wrong(e, "%q: write a number of bits in a second, such as 100M", v)
		return "", false
	}
	switch unit := strings.ToLower(strings.TrimSpace(v[len(digits):])); {
	case unit == "" || strings.HasPrefix(unit, "b"):
		return bitrate(n), true
	case strings.HasPrefix(unit, "k"):
		return bitrate(n * 1e3), true
	case strings.HasPrefix(unit, "m"):
		return bitrate(n * 1e6), true
	case strings.HasPrefix(unit, "g"):
		return bitrate(n * 1e9), true
	}
	r.wrong(e, "%q: write a number of bits in a second, such as 100M", v)
	return "", false
}

// bitrate writes bits in a second as a Caddyfile has them.
func bitrate(bits float64) string {
	for _, unit := range []struct {
		bits float64
		name string
	}{{1e9, "Gbit/s"}, {1e6, "Mbit/s"}} {
		if bits >= unit.bits && bits == unit.bits*float64(int(bits/unit.bits)) {
			return fmt.Sprintf("%d%s", int(bits/unit.bits), unit.name)
		}
	}
	return fmt.Sprintf("%dkbit/s", int(bits+999)/1000)
}
