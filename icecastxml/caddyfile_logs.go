package icecastxml

import (
	"fmt"
	"path"
)

// logs returns the log blocks. Without a log folder and file names there are none, and Caddy's
// default applies.
func (g *generator) logs() (ds []*directive) {
	l := &g.config.logging
	access := g.logFile(l.access, "access.log")
	errors := g.logFile(l.errors, "error.log")
	titles := ""
	if l.playlist.name.set() {
		titles = g.logFile(l.playlist, "")
	}
	if access == "" && errors == "" && titles == "" && !l.level.set() {
		return nil
	}
	lineOf := func(f logFile) int { return max(f.name.line, l.line, g.root.line) }
	rest := block(lineOf(l.errors), []string{"log"}, nil)
	if errors != "" {
		rest.block = append(rest.block, g.output(errors, l.errors), line(rest.line, "format", "icecast"))
	}
	if l.level.set() {
		rest.block = append(rest.block, line(l.level.line, "level", l.level.v))
	}
	if errors != "" {
		exclude := []string{"exclude", "icecast.playlist"} // a log of its own in Icecast, or none
		if access != "" {
			exclude = append(exclude, "icecast.access", "http.log.access")
		}
		rest.block = append(rest.block, line(rest.line, exclude...))
	}
	ds = append(ds, rest)
	if access != "" {
		ds = append(ds, g.log("access", access, l.access, lineOf(l.access), "icecast.access", "http.log.access"))
	}
	if titles != "" {
		ds = append(ds, g.log("playlist", titles, l.playlist, lineOf(l.playlist), "icecast.playlist"))
	}
	return ds
}

// log returns a log block with a filter.
func (g *generator) log(name, file string, f logFile, at int, include ...string) *directive {
	return block(at, []string{"log", name}, []*directive{
		line(at, append([]string{"include"}, include...)...),
		g.output(file, f),
		line(at, "format", "icecast"),
	})
}

// logFile returns the path of a log file; "" if there is none, "-" for standard error.
func (g *generator) logFile(f logFile, byDefault string) string {
	name := f.name.or(byDefault)
	dir := g.config.paths.logdir
	switch {
	case name == "" || !dir.set() && !f.name.set():
		return ""
	case name == "-" || path.IsAbs(name):
		return name // Icecast-KH allows absolute names
	case !dir.set():
		return joinUnder("/var/log/icecast2", name)
	}
	return joinUnder(g.rootPath(dir.v), name)
}

// output returns the output of a log and its rotation.
func (g *generator) output(file string, f logFile) *directive {
	l := &g.config.logging
	at := max(f.name.line, l.line, g.root.line)
	switch file {
	case "-", "/dev/stderr":
		return line(at, "output", "stderr")
	case "/dev/stdout":
		return line(at, "output", "stdout")
	case "/dev/null":
		return line(at, "output", "discard")
	}
	// As in Icecast, the folder decides who can read the logs.
	inner := []*directive{line(at, "mode", "0644")}
	size, archive := l.size, l.archive
	if f.size.set() {
		size = f.size
	}
	if f.archive.set() {
		archive = f.archive
	}
	if size.or(0) == 0 {
		inner = append(inner, line(at, "roll_disabled"))
		return block(at, []string{"output", "file", literal(file)}, inner)
	}
	inner = append(inner,
		line(size.line, "roll_size", fmt.Sprintf("%dKiB", size.v)),
		line(at, "roll_uncompressed"), line(at, "roll_local_time"))
	if archive.or(false) {
		inner = append(inner, line(archive.line, "roll_keep", "1000000"), line(archive.line, "roll_keep_for", "36500d"))
	} else {
		inner = append(inner, line(at, "roll_keep", "1"))
	}
	return block(at, []string{"output", "file", literal(file)}, inner)
}
