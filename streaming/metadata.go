package streaming

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Metadata is what a stream says of itself while some of it sounds. It never
// changes; a new title is a new Metadata. The zero value says nothing.
type Metadata struct {
	Artist string // may be empty
	Title  string // what Icecast calls song if there is no artist
	URL    string // StreamUrl

	block []byte // as listeners get it
}

var noMetadata = &Metadata{block: icy.Block("", "")}

// newMetadata cleans what came from outside and renders it for listeners in the
// named charset, UTF-8 if that is empty or unknown.
func newMetadata(artist, title, url, charset string) *Metadata {
	m := &Metadata{Artist: icy.Clean(artist), Title: icy.Clean(title), URL: icy.Clean(url)}
	m.block = icy.Block(encode(m.Song(), charset), encode(m.URL, charset))
	return m
}

// Song returns artist and title in one line, as players show it.
func (m *Metadata) Song() string {
	if m.Artist == "" || m.Title == "" {
		return m.Artist + m.Title
	}
	return m.Artist + " - " + m.Title
}

func (m *Metadata) says(artist, title, url string) bool {
	return m.Artist == icy.Clean(artist) && m.Title == icy.Clean(title) && m.URL == icy.Clean(url)
}

// DecodeText turns bytes of the named charset into UTF-8. With no charset, or
// one that is unknown, they stay as they are: Clean knows what to do then.
func DecodeText(s, charset string) string {
	if charset == "" || strings.EqualFold(charset, "utf-8") {
		return s
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return s
	}
	out, err := enc.NewDecoder().String(s)
	if err != nil {
		return s
	}
	return out
}

// encode is the way back; what the charset lacks becomes its replacement.
func encode(s, charset string) string {
	if s == "" || charset == "" || strings.EqualFold(charset, "utf-8") {
		return s
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return s
	}
	out, err := encoding.ReplaceUnsupported(enc.NewEncoder()).String(s)
	if err != nil {
		return s
	}
	return out
}
