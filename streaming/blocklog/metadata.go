package blocklog

import "github.com/caddycast/caddycast/streaming/icy"

// Metadata is the title of a stretch of a stream. It never changes; a new title is a new
// Metadata.
type Metadata struct {
	Artist string // may be empty
	Title  string // what Icecast calls song if there is no artist
	URL    string // StreamUrl

	block []byte // as listeners get it
}

// NoMetadata is that of a stream without a title.
var NoMetadata = &Metadata{block: icy.Block("", "")}

// NewMetadata cleans the texts and renders them for listeners in the named charset, UTF-8
// if that is empty or unknown.
func NewMetadata(artist, title, url, charset string) *Metadata {
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

// Equal reports whether the texts, once cleaned, are those of m.
func (m *Metadata) Equal(artist, title, url string) bool {
	return m.Artist == icy.Clean(artist) && m.Title == icy.Clean(title) && m.URL == icy.Clean(url)
}
