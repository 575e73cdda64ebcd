package format

import (
	"strings"
	"unicode/utf8"
)

// maxComment is the maximum length of an artist or a title in bytes.
const maxComment = 1 << 10

// add adds a tag; its name is in capitals. Several artists are joined; the first of
// several titles counts.
func (c *Comments) add(name, text string) {
	text = shorten(strings.TrimSpace(text))
	switch {
	case text == "":
	case name == "TITLE" && c.Title == "":
		c.Title = text
	case name == "ARTIST" && c.Artist == "":
		c.Artist = text
	case name == "ARTIST" && len(c.Artist) < maxComment:
		c.Artist = shorten(c.Artist + ", " + text)
	}
}

// orNil returns c, or nil if it is empty.
func (c Comments) orNil() *Comments {
	if c == (Comments{}) {
		return nil
	}
	return &c
}

// shorten cuts a text to maxComment bytes, between two characters.
func shorten(s string) string {
	if len(s) <= maxComment {
		return s
	}
	end := maxComment
	for end > maxComment-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
