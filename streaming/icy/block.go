package icy

import (
	"bytes"
	"strings"
)

// maxURL is the maximum length of a URL in a block, in bytes; a longer one is left out.
// Together with a title of MaxText bytes it fits into 255 units of 16 bytes.
const maxURL = 1024

// Empty is the block of an unchanged title.
var Empty = []byte{0}

// Block returns the metadata block, with its length byte, of a title and, if not empty, a
// URL. Both must be cleaned by Clean and in the listener's encoding. A quote that would end
// its field early becomes a grave accent, which every encoding has.
func Block(title, url string) []byte {
	title = Cut(title, MaxText)
	if len(url) > maxURL {
		url = ""
	}
	block := make([]byte, 1, 1+16*4+len(title)+len(url))
	block = append(block, "StreamTitle='"...)
	block = appendSafe(block, title)
	block = append(block, "';"...)
	if url != "" {
		block = append(block, "StreamUrl='"...)
		block = appendSafe(block, url)
		block = append(block, "';"...)
	}
	units := (len(block) - 1 + 15) / 16
	block[0] = byte(units)
	for len(block) < 1+16*units {
		block = append(block, 0)
	}
	return block
}

// appendSafe appends s to a block so that nothing in it ends the field.
func appendSafe(block []byte, s string) []byte {
	from := len(block)
	block = append(block, s...)
	for {
		i := bytes.Index(block[from:], []byte("';"))
		if i < 0 {
			return block
		}
		block[from+i] = '`'
		from += i
	}
}

// Parse reads the text of a block, without its length byte. It returns title and URL
// unchanged; they may hold any byte except zero. ok reports whether there is a title.
func Parse(block []byte) (title, url string, ok bool) {
	text, _, _ := strings.Cut(string(block), "\x00")
	for {
		name, rest, found := strings.Cut(text, "=")
		if !found {
			return title, url, ok
		}
		var value string
		value, text = field(rest)
		switch {
		case !ok && strings.HasSuffix(name, "StreamTitle"):
			title, ok = value, true
		case url == "" && strings.HasSuffix(name, "StreamUrl"):
			url = value
		}
	}
}

// field returns the value at the beginning of text, and the text behind it. Many encoders
// do not escape titles, so quote and semicolon end the value only before another field or
// the end of the text. Without such a place the first quote and semicolon end it and the
// rest is dropped; without any, the value is the whole text. The quotes are optional.
func field(text string) (value, rest string) {
	end := ";"
	if strings.HasPrefix(text, "'") {
		text, end = text[1:], "';"
	}
	first := -1
	for from := 0; ; {
		i := strings.Index(text[from:], end)
		if i < 0 {
			break
		}
		i += from
		from = i + len(end)
		if startsField(text[from:]) {
			return text[:i], text[from:]
		}
		if first < 0 {
			first = i
		}
	}
	if first >= 0 {
		return text[:first], ""
	}
	return strings.TrimSuffix(strings.TrimRight(text, " \r\n"), "'"), ""
}

// startsField reports whether s is blank or begins with the name of a field.
func startsField(s string) bool {
	s = strings.TrimLeft(s, " \r\n")
	end := strings.IndexFunc(s, notInName)
	return s == "" || end > 0 && s[end] == '='
}

func notInName(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
