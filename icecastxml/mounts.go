package icecastxml

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mountWords is the order in which a person writes the settings of a mount.
var mountWords = []string{
	"source_password", "auth", "max_listeners", "max_listener_duration", "max_bandwidth", "takeover", "direct", "hidden",
	"fallback", "fallback_when_full", "override", "intro", "linger", "burst", "queue", "source_timeout",
	"name", "description", "genre", "url", "bitrate", "public", "type", "subtype", "charset", "metadata_interval",
	"on", "on_connect", "on_disconnect", "dump",
}

// everyMount is the pattern that every mount fits.
const everyMount = "/**"

// pathOf returns a mount's name, or the pattern of those it is for.
func (m *mount) pathOf() string { return m.name.or(everyMount) }

func (m *mount) isPattern() bool { return strings.ContainsAny(m.pathOf(), "*?[") }

func (m *mount) isDefault() bool { return m.byDefault }

// mountBlocks returns the mounts in the order in which they count: Icecast looks for the name
// first, then for patterns, then for what is the default.
func (g *generator) mountBlocks() (ds []*directive) {
	rank := func(m *mount) int {
		switch {
		case m.byDefault:
			return 2
		case m.isPattern():
			return 1
		}
		return 0
	}
	slices.SortStableFunc(g.config.mounts, func(a, b *mount) int { return rank(a) - rank(b) })
	if n := slices.IndexFunc(g.config.mounts, func(m *mount) bool { return rank(m) > 0 }); n >= 0 {
		g.several = g.config.mounts[n:]
	}
	first := make(map[string]int)
	for _, m := range g.config.mounts {
		name := m.pathOf()
		if before, again := first[name]; again {
			g.note(at(m.line, "mount"), "%s stands here again; that of line %d counts", name, before)
			continue
		}
		first[name] = m.line
		g.overlaps(m)
		if settings := g.mountSettings(m); len(settings) > 0 {
			ds = append(ds, block(m.line, []string{"mount", name}, settings))
		}
	}
	return ds
}

// overlaps tells where settings come together that Icecast keeps apart.
func (g *generator) overlaps(m *mount) {
	if m.byDefault && m.authLine > 0 && slices.ContainsFunc(g.config.mounts, func(o *mount) bool { return !o.byDefault }) {
		g.note(at(m.authLine, "authentication"), "is for all mounts that have none of their own; Icecast leaves out those that have a <mount>")
	}
	if m.byDefault || m.isPattern() {
		return
	}
	for _, o := range g.several {
		if fits, _ := path.Match(o.pathOf(), m.pathOf()); fits && !o.byDefault {
			g.note(at(m.line, "mount"), "%s gets what it does not set itself from %s of line %d; Icecast takes one of them alone", m.pathOf(), o.pathOf(), o.line)
		}
	}
}

// mountSettings returns what stands in the block of a mount.
func (g *generator) mountSettings(m *mount) []*directive {
	var ds []*directive
	for _, d := range m.settings {
		switch {
		case d.words[0] == "max_listeners" && d.words[1] == "0" && slices.ContainsFunc(g.several, (*mount).isDefault):
			continue // -1 is what Icecast fills in from the default mount
		case d.words[0] == "auth" && d.words[1] == "htpasswd":
			d.words[2] = literal(g.path(d.words[2]))
		case d.words[0] == "dump":
			d.words[1] = strings.ReplaceAll(literal(g.path(d.words[1])), `$\{mount\}`, "{mount}")
		}
		ds = append(ds, d)
	}
	ds = lastBut(ds, "on")
	ds = append(ds, g.sourceLine(m)...)
	ds = append(ds, g.fallbackLines(m)...)
	if m.intro.set() {
		if file, ok := g.web(at(m.intro.line, "intro"), m.intro.v); ok {
			ds = append(ds, line(m.intro.line, "intro", literal(file)))
		}
	}
	ds = append(ds, g.hookLine("on_connect", "source_connected", m.onConnect)...)
	ds = append(ds, g.hookLine("on_disconnect", "source_disconnected", m.onGone)...)
	return ordered(ds, mountWords)
}

// lastBut is last, but for lines of which there may be several.
func lastBut(ds []*directive, word string) []*directive {
	several := slices.DeleteFunc(slices.Clone(ds), func(d *directive) bool { return d.words[0] != word })
	return append(last(slices.DeleteFunc(ds, func(d *directive) bool { return d.words[0] == word })), several...)
}

// sourceLine returns what a source of the mount must know. A user alone is one for the
// password of the server.
func (g *generator) sourceLine(m *mount) []*directive {
	password := m.password
	if m.user.set() && !password.set() {
		if password = g.config.source; !password.set() {
			g.wrong(at(m.user.line, "username"), "has no password: write <password> into the mount, or <source-password> into <authentication>")
			return nil
		}
		password.line = m.user.line
	}
	return secretLine("source_password", m.user, password)
}

// rate is how Icecast-KH says how fast a file is sent.
var rate = regexp.MustCompile(`\[\d+\]$`)

// fallbackLines returns what is heard while the source is away. For Icecast it is the mount of
// that name if it is on the air, and else the file of that name in the web root.
func (g *generator) fallbackLines(m *mount) (ds []*directive) {
	if m.fallback.set() {
		e := at(m.fallback.line, "fallback-mount")
		if strings.Contains(m.fallback.v, "${mount}") && m.isPattern() {
			g.wrong(e, "${mount} is another one for each that %s fits: write a <mount> for each, or one fallback for all", m.pathOf())
			return nil
		}
		to := strings.ReplaceAll(m.fallback.v, "${mount}", m.pathOf())
		if rate.MatchString(to) {
			to = rate.ReplaceAllString(to, "")
			g.note(e, "has a rate, which has no effect: a file is sent as fast as it sounds")
		}
		if !strings.HasPrefix(to, "/") {
			g.wrong(e, "%q: a mount begins with a slash: write /%s", to, to)
			return nil
		}
		ds = append(ds, line(e.line, "fallback", to))
		if root := g.config.paths.webroot; root.set() {
			if file := under(g.path(root.v), to); g.isFile(file) {
				ds = append(ds, line(e.line, "fallback", "file", file))
			}
		}
	}
	switch {
	case g.stays(m):
		ds = append(ds, line(cmp.Or(m.override.line, m.fallback.line), "override", "off"))
	case m.override.or(false) && slices.ContainsFunc(g.several, g.stays):
		ds = append(ds, line(m.override.line, "override", "on")) // or it would get what the pattern sets
	}
	return ds
}

// stays tells whether listeners stay with the fallback when the source is back, which is
// so in Icecast if nothing else is said.
func (g *generator) stays(m *mount) bool {
	switch {
	case m.override.set():
		return !m.override.v && (m.fallback.set() || m.byDefault)
	case !m.fallback.set() || g.kh:
		return false
	}
	return !slices.ContainsFunc(g.several, func(o *mount) bool { return o.byDefault && o.override.or(false) })
}
