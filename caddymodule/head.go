package caddymodule

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// field is a line of a response head.
type field struct{ name, value string }

// head renders the head of a response to an HTTP/1 listener: what the site's
// configuration has set, then ours, then Icecast's, which come as Icecast
// writes them (tiny players look for just these bytes).
func head(r *http.Request, header http.Header, fields []field) []byte {
	b := make([]byte, 0, 1<<10)
	line := func(name, colon, value string) {
		b = append(append(append(append(b, name...), colon...), oneLine.Replace(value)...), '\r', '\n')
	}
	if r.ProtoAtLeast(1, 1) {
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	} else {
		b = append(b, "HTTP/1.0 200 OK\r\n"...)
	}
	if header.Get("Date") == "" {
		line("Date", ": ", time.Now().UTC().Format(http.TimeFormat))
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch name {
		case "", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Upgrade":
			continue
		}
		if strings.ContainsAny(name, " :\r\n") { // a placeholder's, perhaps; net/http skips it too
			continue
		}
		for _, value := range header[name] {
			line(name, ": ", value)
		}
	}
	line("Connection", ": ", "close")
	for _, f := range fields {
		line(f.name, ":", f.value)
	}
	return append(b, '\r', '\n')
}

// oneLine keeps a value from ending its line, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
