// Package logging has the log encoder of the format icecast, which writes Icecast's log lines.
//
// An Encoder chooses the line by the name of the logger: the access log for listeners and
// requests, the playlist log for titles, the error log for all else. It is created by Caddy
// from the configuration of a log; each goroutine that logs uses a clone, as zap requires.
//
// Nothing from outside can break a line or leave its quotes. The package never opens a file and
// logs nothing itself.
package logging

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
)

func init() {
	caddy.RegisterModule(new(Encoder))
}

// Encoder writes logs in Icecast's formats: the listeners of `icecast.access` and the requests
// of a site's access log as lines of its access.log, with the seconds of the connection at
// the end; the titles of `icecast.playlist` as lines of its playlist.log; and all else as lines
// of its error.log.
type Encoder struct {
	*zapcore.MapObjectEncoder `json:"-"`
}

// CaddyModule returns the Caddy module information.
func (*Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.encoders.icecast",
		New: func() caddy.Module { return newEncoder() },
	}
}

func newEncoder() *Encoder {
	return &Encoder{zapcore.NewMapObjectEncoder()}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
//
//	format icecast
func (*Encoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the format's name
	if d.NextArg() {
		return d.Errf("icecast: unexpected argument %q; expected format icecast", d.Val())
	}
	if d.NextBlock(0) {
		return d.Err("icecast: unexpected block; expected format icecast (to mask addresses, wrap it in format filter)")
	}
	return nil
}

// Clone implements zapcore.Encoder.
func (e *Encoder) Clone() zapcore.Encoder {
	c := newEncoder()
	maps.Copy(c.Fields, e.Fields)
	return c
}

var linePool = buffer.NewPool()

// EncodeEntry implements zapcore.Encoder.
func (e *Encoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	all := newEncoder()
	maps.Copy(all.Fields, e.Fields)
	for _, f := range fields {
		f.AddTo(all)
	}
	line := linePool.Get()
	asked, isRequest := all.Fields["request"].(map[string]any)
	switch {
	case isRequest && strings.HasPrefix(entry.LoggerName, "http.log.access"):
		line.AppendString(requestLine(entry.Time, all.Fields, asked))
	case entry.LoggerName == "icecast.access":
		line.AppendString(listenerLine(entry.Time, all.Fields))
	case entry.LoggerName == "icecast.playlist":
		line.AppendString(playlistLine(entry.Time, all.Fields))
	default:
		line.AppendString(errorLine(entry, all.Fields))
	}
	line.AppendByte('\n')
	return line, nil
}

// accessTime is the layout of times in Icecast's access log.
const accessTime = "02/Jan/2006:15:04:05 -0700"

// listenerLine returns the line of a listener in the access log.
func listenerLine(at time.Time, fields map[string]any) string {
	return accessLine(at, access{
		ip: fields["client_ip"], user: fields["user_id"],
		method: "GET", uri: mountpath.Escape(plain(fields["mount"])), proto: fields["proto"],
		status: 200, bytes: fields["bytes"],
		referer: fields["referer"], agent: fields["user_agent"], duration: fields["duration"],
	})
}

// requestLine returns the line of a request in the access log.
func requestLine(at time.Time, fields, asked map[string]any) string {
	headers, _ := asked["headers"].(map[string]any)
	first := func(name string) any {
		if values, ok := headers[name].([]any); ok && len(values) > 0 {
			return values[0]
		}
		return ""
	}
	ip := asked["client_ip"]
	if plain(ip) == "" {
		ip = asked["remote_ip"]
	}
	uri := plain(asked["uri"])
	if u, err := url.ParseRequestURI(uri); err == nil {
		uri = u.EscapedPath() // a query may hold a password
	}
	status, method := fields["status"], plain(asked["method"])
	if plain(status) == "0" && (method == request.MethodSource || method == http.MethodPut) {
		status = http.StatusOK // it has the connection, so it was not refused
	}
	return accessLine(at, access{
		ip: ip, user: fields["user_id"],
		method: method, uri: uri, proto: asked["proto"],
		status: status, bytes: fields["size"],
		referer: first("Referer"), agent: first("User-Agent"), duration: fields["duration"],
	})
}

// access is the content of a line of the access log.
type access struct {
	ip, user, method, uri, proto, status, bytes, referer, agent, duration any
}

func accessLine(at time.Time, a access) string {
	var seconds int64
	switch d := a.duration.(type) {
	case time.Duration:
		seconds = int64(d / time.Second)
	case float64:
		seconds = int64(d)
	}
	return fmt.Sprintf(`%s - %s [%s] "%s %s %s" %s %s "%s" "%s" %d`,
		word(a.ip), word(a.user), at.Format(accessTime),
		inQuotes(a.method), inQuotes(a.uri), inQuotes(a.proto), orDash(a.status), orDash(a.bytes),
		orDash(a.referer), orDash(a.agent), seconds)
}

// playlistLine returns the line of a title in the playlist log.
func playlistLine(at time.Time, fields map[string]any) string {
	return at.Format(accessTime) + "|" + mountpath.Escape(plain(fields["mount"])) + "|" +
		plain(fields["listeners"]) + "|" + unbroken(plain(fields["title"]))
}

// errorLine returns the line of any other entry, with its fields behind it.
func errorLine(entry zapcore.Entry, fields map[string]any) string {
	var b strings.Builder
	b.WriteString(entry.Time.Format("[2006-01-02  15:04:05] ") + levelName(entry.Level) + " " + entry.LoggerName + " " + unbroken(entry.Message))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString(" " + name + "=" + quotedIfNeeded(plain(fields[name])))
	}
	return b.String()
}

// levelName returns the name of a level in Icecast's logs.
func levelName(l zapcore.Level) string {
	switch {
	case l < zapcore.InfoLevel:
		return "DBUG"
	case l == zapcore.InfoLevel:
		return "INFO"
	case l == zapcore.WarnLevel:
		return "WARN"
	}
	return "EROR"
}

func quotedIfNeeded(s string) string {
	if s == "" || strings.ContainsAny(s, " \"\\=") || inQuotes(s) != s {
		return `"` + inQuotes(s) + `"`
	}
	return s
}

// plain writes a value as text.
func plain(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// orDash is inQuotes, with a dash for an empty value.
func orDash(v any) string {
	if s := inQuotes(v); s != "" {
		return s
	}
	return "-"
}

// word is orDash without spaces, for a value without quotes.
func word(v any) string { return strings.ReplaceAll(orDash(v), " ", `\x20`) }

// inQuotes makes a value fit to stand between quotes.
func inQuotes(v any) string {
	q := strconv.Quote(plain(v))
	return q[1 : len(q)-1]
}

// unbroken keeps a text in its line.
func unbroken(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// Interface guards
var (
	_ zapcore.Encoder       = (*Encoder)(nil)
	_ caddyfile.Unmarshaler = (*Encoder)(nil)
)
