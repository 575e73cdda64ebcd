package handler

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
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

// listenerFields returns what Icecast tells a listener of a stream, and puts our
// other fields into header, where the site's configuration may have its own.
func listenerFields(header http.Header, stream streaming.Stream, interval int) []field {
	header.Set("Content-Type", safeType(stream.Type))
	header.Set("X-Content-Type-Options", "nosniff")
	// What is encoded on its way would not be the stream any more.
	response.SetDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	response.SetDefault(header, "Pragma", "no-cache")
	if !format.IsPlayable(stream.Type) {
		// A source must not put scripts on the station's site.
		header.Set("Content-Security-Policy", "sandbox")
	}
	response.SetDefault(header, "Expires", "Mon, 26 Jul 1997 05:00:00 GMT")
	for _, f := range response.CORSHeader {
		response.SetDefault(header, f[0], f[1])
	}

	info := stream.Info
	public := "0"
	if info.Public != nil && *info.Public {
		public = "1"
	}
	all := []field{
		{"icy-br", info.Bitrate},
		{"ice-audio-info", info.AudioInfo},
		{"icy-description", info.Description},
		{"icy-genre", info.Genre},
		{"icy-name", info.Name},
		{"icy-pub", public},
		{"icy-url", info.URL},
	}
	if interval > 0 {
		all = append(all, field{"icy-metaint", strconv.Itoa(interval)})
	}
	said := all[:0]
	for _, f := range all {
		if f.value != "" {
			said = append(said, f)
		}
	}
	return said
}

// safeType returns a content type as it is, with its parameters, if it is valid as a whole.
func safeType(contentType string) string {
	if _, _, err := mime.ParseMediaType(contentType); err != nil {
		return cmp.Or(format.Canonical(contentType), format.OctetStream)
	}
	return contentType
}

// setFields puts Icecast's fields into a header, as they are written.
func setFields(h http.Header, fields []field) {
	for _, f := range fields {
		h[f.name] = []string{f.value}
	}
}
