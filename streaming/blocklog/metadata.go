package blocklog

import (
	"slices"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Metadata is the title of a stretch of a stream. It never changes; a new title is a new
// Metadata.
type Metadata struct {
	Artist string // may be empty
	Title  string // what Icecast calls song if there is no artist
	URL    string // StreamUrl
	Others []icy.Field

	block []byte // as listeners get it
}

// NoMetadata is that of a stream without a title.
var NoMetadata = &Metadata{block: icy.Block("", "")}

// NewMetadata cleans the texts and renders them for listeners in the named charset, UTF-8
// if that is empty or unknown.
func NewMetadata(artist, title, url, charset string, others ...icy.Field) *Metadata {
	m := &Metadata{Artist: icy.Clean(artist), Title: icy.Clean(title), URL: icy.Clean(url)}
	encoded := make([]icy.Field, len(others))
	for i, f := range others {
		f.Value = icy.Clean(f.Value)
		m.Others = append(m.Others, f)
		encoded[i] = icy.Field{Name: f.Name, Value: encode(f.Value, charset)}
	}
	m.block = icy.Block(encodeWithin(m.Song(), charset, icy.MaxText), encode(m.URL, charset), encoded...)
	return m
}

// Song returns artist and title in one line, as players show it.
func (m *Metadata) Song() string {
	if m.Artist == "" || m.Title == "" {
		return m.Artist + m.Title
	}
	return m.Artist + " - " + m.Title
}

// Equal reports whether o has the same texts, and the same other fields.
func (m *Metadata) Equal(o *Metadata) bool { return m.HasTitle(o) && slices.Equal(m.Others, o.Others) }

// HasTitle reports whether artist, title and URL are those of o.
func (m *Metadata) HasTitle(o *Metadata) bool {
	return m.Artist == o.Artist && m.Title == o.Title && m.URL == o.URL
}
