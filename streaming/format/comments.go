package format

import (
	"strings"
	"unicode/utf8"
)

// maxComment is the length in bytes that no artist and no title exceeds.
const maxComment = 1 << 10

// add takes a tag with a name in capitals. Several artists are one that names
// them all; of several titles the first counts.
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

// orNil returns c unless it says nothing.
func (c Comments) orNil() *Comments {
	if c == (Comments{}) {
		return nil
	}
	return &c
}

// shorten cuts a text that is too long, but no letter of it.
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
