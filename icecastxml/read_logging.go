package icecastxml

import "strings"

// logging reads <logging>.
func (r *reader) logging(e *element, l *logging) {
	l.line = e.line
	r.each(e, table{
		"accesslog":     func(e *element) { r.logFile(e, &l.access, nil) },
		"errorlog":      func(e *element) { r.logFile(e, &l.errors, l) },
		"playlistlog":   func(e *element) { r.logFile(e, &l.playlist, nil) },
		"loglevel":      into(r, r.level, &l.level),
		"logsize":       into(r, r.natural, &l.size),
		"logarchive":    into(r, r.flag, &l.archive),
		"preroll-log":   r.means("has no effect: intros are not logged"),
		"memorybacklog": r.means("has no effect: logs are not kept in memory"),
	})
}

// logFile reads one of the logs: a name, or in Icecast-KH elements.
func (r *reader) logFile(e *element, f *logFile, l *logging) {
	if len(e.children) == 0 {
		into(r, r.value, &f.name)(e)
		return
	}
	t := table{
		"name":        into(r, r.value, &f.name),
		"size":        into(r, r.natural, &f.size),
		"archive":     into(r, r.flag, &f.archive),
		"duration":    r.means("has no effect: a log is turned over by its size"),
		"display":     r.means("has no effect: logs are not shown on pages"),
		"exclude_ext": r.means("has no effect: write Caddy's log_skip for such files"),
		"exclude-ext": r.means("has no effect: write Caddy's log_skip for such files"),
		"type":        r.means("has no effect: lines are in Icecast's format, the combined one with the seconds at its end"),
		"log_ip": func(e *element) {
			if on, ok := r.flag(e); ok && !on {
				r.note(e, "has no effect: to leave addresses out, wrap the format in Caddy's filter")
			}
		},
		"querystr": func(e *element) {
			if on, ok := r.flag(e); ok && on {
				r.note(e, "has no effect: queries may hold passwords, and are left out")
			}
		},
	}
	if l != nil {
		t["level"] = into(r, r.level, &l.level)
	}
	r.each(e, t)
}

// levels are those of logs, in 2.4 and in 2.5.
var levels = map[string]string{
	"4": "DEBUG", "debug": "DEBUG",
	"3": "INFO", "info": "INFO", "information": "INFO",
	"2": "WARN", "warn": "WARN", "warning": "WARN",
	"1": "ERROR", "error": "ERROR",
}

// level reads how much is logged.
func (r *reader) level(e *element) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	level, known := levels[strings.ToLower(v)]
	if !known {
		r.wrong(e, "%q: write 1 for errors, 2 for warnings, 3 for information or 4 for all", v)
	}
	return level, known
}
