package icecastxml

import (
	"strconv"
	"strings"
)

// origin is the placeholder for the origin of a request.
const origin = "{header.Origin}"

// headerLines returns the header fields of responses: those of the server, then those of mounts,
// which have precedence.
func (g *generator) headerLines() []*directive {
	var ds []*directive
	if g.config.serverID.set() {
		ds = append(ds, line(g.config.serverID.line, "header", "Server", literal(g.config.serverID.v)))
	}
	ds = append(ds, headerLines(g.config.headers, "", "@cors")...)
	general := len(ds)
	for i, m := range g.config.mounts {
		name := m.pathOf()
		if name == everyMount {
			name = "/*"
		}
		if strings.ContainsAny(name, "?[") && strings.HasSuffix(name, "*") && strings.Count(name, "*") == 1 {
			name += "*" // Caddy takes a path with a single star at its end literally, as a prefix
		}
		ds = append(ds, headerLines(m.headers, literal(name), "@cors"+strconv.Itoa(i+1))...)
	}
	if len(ds) == general {
		return ds
	}
	// A route keeps their order; otherwise Caddy sorts those with a path first.
	return []*directive{block(ds[0].line, []string{"route"}, ds)}
}

// headerLines returns some header fields for a path; empty for all paths. cors is the name of the
// matcher for requests with an origin, of which one is defined if a field needs it.
func headerLines(headers []header, path, cors string) (ds []*directive) {
	seen := make(map[string]bool)
	defined := false
	for _, h := range headers {
		name := h.name
		if lower := strings.ToLower(name); seen[lower] {
			name = "+" + name // Icecast sends all values
		} else {
			seen[lower] = true
		}
		matcher, value := path, literal(h.value)
		if h.cors {
			if !defined {
				ds = append(ds, originMatcher(h.line, path, cors))
				defined = true
			}
			matcher = cors
		}
		echoes := h.value == ""
		if echoes {
			value = origin
		}
		d := withMatcher(line(h.line, "header"), matcher, name, value)
		if h.status != "" {
			d.block = []*directive{line(h.line, "match", "status", h.status)}
		}
		ds = append(ds, d)
		if echoes { // caches must not give the answer for one origin to another
			ds = append(ds, withMatcher(line(h.line, "header"), path, "+Vary", "Origin"))
		}
	}
	return ds
}

// withMatcher appends a matcher, if there is one, and words.
func withMatcher(d *directive, matcher string, words ...string) *directive {
	if matcher != "" {
		d.words = append(d.words, matcher)
	}
	d.words = append(d.words, words...)
	return d
}

// originMatcher returns a matcher for the requests for a path that have an origin.
func originMatcher(at int, path, name string) *directive {
	if path == "" {
		return line(at, name, "header", "Origin", "*")
	}
	return block(at, []string{name}, []*directive{line(at, "path", path), line(at, "header", "Origin", "*")})
}
