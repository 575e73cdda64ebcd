package icecastxml

import "strings"

// logging reads <logging>.
func (r *reader) logging(e *element, l *logging) {
	l.line = e.line
	r.readChildren(e, table{
		"accesslog":   func(e *element) { r.logFile(e, &l.access, nil) },
		"errorlog":    func(e *element) { r.logFile(e, &l.errors, l) },
		"playlistlog": func(e *element) { r.logFile(e, &l.playlist, nil) },
		"loglevel":    store(r, r.level, &l.level),
		"logsize":     store(r, r.natural, &l.size),
		"logarchive":  store(r, r.flag, &l.archive),

		"accesslog_ip":          r.logIP,
		"accesslog_exclude_ext": r.ignore(excluded),
		"accesslog_lines":       r.ignore(display),
		"errorlog_lines":        r.ignore(display),
		"playlistlog_lines":     r.ignore(display),

		"preroll-log":   r.ignore("ignored; intros are not logged"),
		"memorybacklog": r.ignore("ignored; logs are not kept in memory"),
	})
}

// logFile reads one of the logs: a name, or in Icecast-KH elements.
func (r *reader) logFile(e *element, f *logFile, l *logging) {
	if len(e.children) == 0 {
		store(r, r.value, &f.name)(e)
		return
	}
	t := table{
		"name":        store(r, r.value, &f.name),
		"size":        store(r, r.natural, &f.size),
		"archive":     store(r, r.flag, &f.archive),
		"duration":    r.ignore("ignored; logs are rotated by size"),
		"display":     r.ignore(display),
		"history":     r.ignore(display),
		"exclude_ext": r.ignore(excluded),
		"exclude-ext": r.ignore(excluded),
		"type":        r.ignore("ignored; the format is Icecast's: combined, with the seconds at the end"),
		"ip":          r.logIP,
		"log_ip":      r.logIP,
		"querystr": func(e *element) {
			if on, ok := r.flag(e); ok && on {
				r.notef(e, "ignored; queries are omitted, because they can hold passwords")
			}
		},
	}
	if l != nil {
		t["level"] = store(r, r.level, &l.level)
	}
	r.readChildren(e, t)
}

const (
	display  = "ignored; logs are not shown on pages"
	excluded = "ignored; use Caddy's log_skip for such files"
)

// logIP reads whether addresses are logged.
func (r *reader) logIP(e *element) {
	if on, ok := r.flag(e); ok && !on {
		r.notef(e, "ignored; addresses are logged. To omit them, write format filter { wrap icecast; fields { client_ip delete } }")
	}
}

// levels maps the log levels of 2.4 and 2.5 to Caddy's.
var levels = map[string]string{
	"4": "DEBUG", "debug": "DEBUG",
	"3": "INFO", "info": "INFO", "information": "INFO",
	"2": "WARN", "warn": "WARN", "warning": "WARN",
	"1": "ERROR", "error": "ERROR",
}

// level reads a log level.
func (r *reader) level(e *element) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	level, known := levels[strings.ToLower(v)]
	if !known {
		r.errorf(e, "invalid level %q; expected 1 (errors), 2 (warnings), 3 (information) or 4 (all)", v)
	}
	return level, known
}
