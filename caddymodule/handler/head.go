package handler

import (
	"bytes"
	"cmp"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

// field is a line of a response head.
type field struct{ name, value string }

// head renders the head of a response to an HTTP/1 listener: the header, then Icecast's
// fields byte for byte as Icecast writes them, since small players search for these bytes.
func head(r *http.Request, header http.Header, fields []field) []byte {
	b := bytes.NewBuffer(make([]byte, 0, 1<<10))
	if r.ProtoAtLeast(1, 1) {
		b.WriteString("HTTP/1.1 200 OK\r\n")
	} else {
		b.WriteString("HTTP/1.0 200 OK\r\n")
	}
	if header.Get("Date") == "" {
		b.WriteString("Date: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n")
	}
	_ = header.WriteSubset(b, framing) // a buffer takes all
	b.WriteString("Connection: close\r\n")
	for _, f := range fields {
		b.WriteString(f.name + ":" + oneLine.Replace(f.value) + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// framing has the fields that must not stand in the head of an endless stream.
var framing = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Upgrade": true,
}

// oneLine keeps a value from ending its line, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// listenerFields returns Icecast's fields of a stream, and sets the other fields in header
// unless the site's configuration has set them.
func listenerFields(header http.Header, stream streaming.Stream, interval int) []field {
	header.Set("Content-Type", safeType(stream.Type))
	header.Set("X-Content-Type-Options", "nosniff")
	// An encoding on the way would damage the stream.
	response.SetDefault(header, "Cache-Control", "no-cache, no-store, no-transform")
	response.SetDefault(header, "Pragma", "no-cache")
	if !format.IsPlayable(stream.Type) {
		// A source must not run scripts on the station's site.
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
	present := all[:0]
	for _, f := range all {
		if f.value != "" {
			present = append(present, f)
		}
	}
	return present
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
