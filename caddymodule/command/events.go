package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/hooks"
)

// following prints events as they arrive, each once.
type following struct {
	out  io.Writer
	json bool

	last time.Time // time of the last event; zero: the first request has not ended
	seen []string  // ids of the last events
}

func newFollowing(out io.Writer, json bool) *following { return &following{out: out, json: json} }

// maxLine is longer than any event is as JSON.
const maxLine = 1 << 20

// read prints the events of a body to its end.
func (f *following) read(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		f.line(lines.Bytes())
	}
}

func (f *following) line(line []byte) {
	var e hooks.Fields
	if json.Unmarshal(line, &e) != nil {
		return
	}
	if id := fieldText(e, "id"); id != "" {
		if slices.Contains(f.seen, id) {
			return
		}
		if f.seen = append(f.seen, id); len(f.seen) > state.EventLogLength {
			f.seen = f.seen[1:]
		}
	}
	at, err := time.Parse(time.RFC3339Nano, fieldText(e, "time"))
	if err == nil && at.After(f.last) {
		f.last = at
	}
	if f.json {
		fmt.Fprintf(f.out, "%s\n", line)
		return
	}
	fmt.Fprintln(f.out, describe(e, at))
}

// fieldText returns a field as text, empty if there is none.
func fieldText(e hooks.Fields, key string) string {
	if i := slices.IndexFunc(e, func(f hooks.Field) bool { return f.Key == key }); i >= 0 {
		return e[i].String()
	}
	return ""
}

// describe writes an event in a line.
func describe(e hooks.Fields, at time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-19s %s", at.Local().Format(time.TimeOnly), response.Printable(fieldText(e, "event")), response.Printable(fieldText(e, "station")))
	if mount := fieldText(e, "mount"); mount != "" {
		b.WriteString(" " + response.Printable(mount))
	}
	for _, f := range e {
		if slices.Contains([]string{"id", "event", "time", "node", "station", "mount"}, f.Key) || f.String() == "" {
			continue
		}
		value := response.Printable(f.String())
		if strings.ContainsAny(value, " =\"") {
			value = fmt.Sprintf("%q", value)
		}
		b.WriteString("  " + response.Printable(f.Key) + "=" + value)
	}
	return b.String()
}
