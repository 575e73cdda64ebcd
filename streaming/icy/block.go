package icy

import (
	"bytes"
	"strings"
)

// maxBlock is the longest text of a block: 255 units of 16 bytes.
const maxBlock = 255 * 16

// maxURL is the longest URL that a block carries, so that a title of MaxText
// bytes always has room beside it.
const maxURL = 1024

// Empty is the block that says that nothing has changed.
var Empty = []byte{0}

// Block returns the metadata block, length byte included, that announces a
// title and, if it is not empty, a URL. Both must have gone through Clean; they
// are in the encoding that listeners get. A quote that would end its field
// early is replaced by a typographic one.
func Block(title, url string) []byte {
	var text strings.Builder
	text.WriteString("StreamTitle='")
	text.WriteString(quoteSafe(title))
	text.WriteString("';")
	if url != "" && len(url) <= maxURL {
		text.WriteString("StreamUrl='")
		text.WriteString(quoteSafe(url))
		text.WriteString("';")
	}
	units := (text.Len() + 15) / 16
	block := make([]byte, 1+16*units)
	block[0] = byte(units)
	copy(block[1:], text.String())
	return block
}

func quoteSafe(s string) string {
	s = strings.ReplaceAll(s, "';", "\u2019;")
	return Cut(s, MaxText)
}

// Parse reads the text of a block, without its length byte, and returns its
// title and URL as they came; they may hold any byte. It reports false if the
// block has no title.
func Parse(block []byte) (title, url string, ok bool) {
	text := string(bytes.TrimRight(block, "\x00"))
	title, ok = field(text, "StreamTitle='")
	url, _ = field(text, "StreamUrl='")
	return title, url, ok
}

// field returns what stands between name and the quote that ends the field: the
// first one that a semicolon follows, else the last one.
func field(text, name string) (string, bool) {
	_, rest, ok := strings.Cut(text, name)
	if !ok {
		return "", false
	}
	if value, _, ok := strings.Cut(rest, "';"); ok {
		return value, true
	}
	if end := strings.LastIndexByte(rest, '\''); end >= 0 {
		return rest[:end], true
	}
	return rest, true
}
