package icecastxml

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mountWords is the order of the settings of a mount.
var mountWords = []string{
	"source_password", "auth", "max_listeners", "max_listener_duration", "max_bandwidth", "takeover", "direct", "hidden",
	"fallback", "fallback_when_full", "override", "intro", "linger", "burst", "queue", "source_timeout",
	"name", "description", "genre", "url", "listen_url", "bitrate", "public", "type", "subtype", "charset", "metadata_interval",
	"on", "on_connect", "on_disconnect", "hls", "dump",
}

// everyMount matches every mount.
const everyMount = "/**"

// pathOf returns the name or the pattern of a mount.
func (m *mount) pathOf() string { return m.name.or(everyMount) }

func (m *mount) isPattern() bool { return strings.ContainsAny(m.pathOf(), "*?[") }

func (m *mount) isDefault() bool { return m.byDefault }

// mountBlocks returns the mounts in Icecast's order of precedence: names, patterns, default. What all
// names share is in g.shared.
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
		g.generalMounts = g.config.mounts[n:]
	}
	first := make(map[string]int)
	named := 0 // blocks; those of patterns follow
	for _, m := range g.config.mounts {
		name := m.pathOf()
		if before, again := first[name]; again {
			g.notef(elementAt(m.line, "mount"), "duplicate mount %s; the one of line %d counts", name, before)
			continue
		}
		first[name] = m.line
		g.noteOverlaps(m)
		settings := g.mountSettings(m)
		if len(settings) == 0 {
			continue
		}
		ds = append(ds, block(m.line, []string{"mount", name}, settings))
		if rank(m) == 0 {
			named = len(ds)
		}
	}
	g.shared = share(ds[:named])
	return ds
}

// noteOverlaps notes where mounts inherit settings that Icecast does not combine.
func (g *generator) noteOverlaps(m *mount) {
	if m.byDefault && m.authLine > 0 && slices.ContainsFunc(g.config.mounts, func(o *mount) bool { return !o.byDefault }) {
		g.notef(elementAt(m.authLine, "authentication"), "applies to all mounts without their own; in Icecast not to mounts with a <mount>")
	}
	if m.byDefault || m.isPattern() {
		return
	}
	for _, o := range g.generalMounts {
		if fits, _ := path.Match(o.pathOf(), m.pathOf()); fits && !o.byDefault {
			g.notef(elementAt(m.line, "mount"), "%s inherits unset settings from %s of line %d; Icecast uses only one of them", m.pathOf(), o.pathOf(), o.line)
		}
	}
}

// mountSettings returns the block of a mount.
func (g *generator) mountSettings(m *mount) []*directive {
	var ds []*directive
	for _, d := range g.eventLines(m.settings) {
		switch {
		case d.words[0] == "max_listeners" && d.words[1] == "0" && slices.ContainsFunc(g.generalMounts, (*mount).isDefault):
			continue // for -1, Icecast uses the limit of the default mount
		case d.words[0] == "listen_url" && m.isPattern():
			g.notef(elementAt(d.line, "listenurl"), "ignored; all mounts of %s would have the same", m.pathOf())
			continue
		case d.words[0] == "auth" && d.words[1] == "htpasswd":
			d.words[2] = literal(g.rootPath(d.words[2]))
		case d.words[0] == "dump":
			d.words[1] = strings.ReplaceAll(literal(g.rootPath(d.words[1])), `$\{mount\}`, "{mount}")
		}
		ds = append(ds, d)
	}
	ds = lastOfEachExcept(ds, "on")
	ds = append(ds, g.sourceLine(m)...)
	ds = append(ds, g.fallbackLines(m)...)
	if m.intro.set() {
		if file, ok := g.webPath(elementAt(m.intro.line, "intro"), m.intro.v); ok {
			ds = append(ds, line(m.intro.line, "intro", literal(file)))
		}
	}
	ds = append(ds, g.hookLine("on_connect", "source_connected", m.onConnect)...)
	ds = append(ds, g.hookLine("on_disconnect", "source_disconnected", m.onDisconnect)...)
	return sortByWord(ds, mountWords)
}

// lastOfEachExcept is lastOfEach, but keeps all lines that begin with word.
func lastOfEachExcept(ds []*directive, word string) []*directive {
	several := slices.DeleteFunc(slices.Clone(ds), func(d *directive) bool { return d.words[0] != word })
	return append(lastOfEach(slices.DeleteFunc(ds, func(d *directive) bool { return d.words[0] == word })), several...)
}

// sourceLine returns the credentials of the mount's source. A user without a password has the
// server's password.
func (g *generator) sourceLine(m *mount) []*directive {
	password := m.password
	if m.user.set() && !password.set() {
		if password = g.config.source; !password.set() {
			g.errorf(elementAt(m.user.line, "username"), "no password; expected <password> in the mount, or <source-password> in <authentication>")
			return nil
		}
		password.line = m.user.line
	}
	return secretLine("source_password", "source", login{m.user, password})
}

// rate matches Icecast-KH's suffix for the bitrate of a file.
var rate = regexp.MustCompile(`\[\d+\]$`)

// fallbackLines returns the fallbacks of a mount. In Icecast a fallback is the mount of that
// name if it is live, else the file of that name in the web root.
func (g *generator) fallbackLines(m *mount) (ds []*directive) {
	if m.fallback.set() {
		e := elementAt(m.fallback.line, "fallback-mount")
		if strings.Contains(m.fallback.v, "${mount}") && m.isPattern() {
			g.errorf(e, "${mount} differs for each mount that matches %s; expected a <mount> for each, or one fallback for all", m.pathOf())
			return nil
		}
		to := strings.ReplaceAll(m.fallback.v, "${mount}", m.pathOf())
		if rate.MatchString(to) {
			to = rate.ReplaceAllString(to, "")
			g.notef(e, "the rate is ignored; files play at their own bitrate")
		}
		if !strings.HasPrefix(to, "/") {
			g.errorf(e, "invalid mount %q; expected /%s", to, to)
			return nil
		}
		ds = append(ds, line(e.line, "fallback", to))
		if root := g.config.paths.webroot; root.set() {
			if file := joinUnder(g.rootPath(root.v), to); g.on.IsFile(file) {
				ds = append(ds, line(e.line, "fallback", "file", file))
			}
		}
	}
	switch {
	case g.staysOnFallback(m):
		ds = append(ds, line(cmp.Or(m.override.line, m.fallback.line), "override", "off"))
	case m.override.or(false) && slices.ContainsFunc(g.generalMounts, g.staysOnFallback):
		ds = append(ds, line(m.override.line, "override", "on")) // overrides the setting of the pattern
	}
	return ds
}

// staysOnFallback reports whether listeners stay on the fallback when the source is back. That
// is Icecast's default.
func (g *generator) staysOnFallback(m *mount) bool {
	switch {
	case m.override.set():
		return !m.override.v && (m.fallback.set() || m.byDefault)
	case !m.fallback.set() || g.kh:
		return false
	}
	return !slices.ContainsFunc(g.generalMounts, func(o *mount) bool { return o.byDefault && o.override.or(false) })
}
