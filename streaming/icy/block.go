package icy

import (
	"bytes"
	"slices"
	"strings"
)

const (
	// maxURL is the maximum length of a URL in a block, in bytes; a longer one is left out.
	maxURL = 1024

	// maxOthers is the maximum length of the other fields in a block, in bytes; those that
	// do not fit are left out. Together with a title of MaxText bytes and a URL they fit
	// into 255 units of 16 bytes.
	maxOthers = 1024

	// maxFields is how many other fields are read from a block, and maxName the maximum
	// length of their names, in bytes.
	maxFields, maxName = 16, 64
)

// Field is a field of a block besides StreamTitle and StreamUrl, such as the
// durationMilliseconds of some advertisers. Its name has letters, digits and underscores.
type Field struct{ Name, Value string }

// Empty is the block of an unchanged title.
var Empty = []byte{0}

// Block returns the metadata block, with its length byte, of a title, a URL unless it is
// empty, and other fields. All must be cleaned by Clean and in the listener's encoding. A
// quote that would end its field early becomes a grave accent, which every encoding has. At
// least one zero byte follows, because some peers read the text as a C string.
func Block(title, url string, others ...Field) []byte {
	title = Cut(title, MaxText)
	if len(url) > maxURL {
		url = ""
	}
	block := make([]byte, 1, 1+16*4+len(title)+len(url))
	block = appendField(block, "StreamTitle", title)
	if url != "" {
		block = appendField(block, "StreamUrl", url)
	}
	limit := len(block) + maxOthers
	for _, f := range others {
		if with := appendField(block, f.Name, f.Value); len(with) <= limit {
			block = with
		}
	}
	units := (len(block)-1)/16 + 1
	block[0] = byte(units)
	for len(block) < 1+16*units {
		block = append(block, 0)
	}
	return block
}

// appendField appends a field to a block so that nothing in its value ends it.
func appendField(block []byte, name, value string) []byte {
	block = append(append(block, name...), "='"...)
	from := len(block)
	block = append(block, value...)
	for {
		i := bytes.Index(block[from:], []byte("';"))
		if i < 0 {
			return append(block, "';"...)
		}
		block[from+i] = '`'
		from += i
	}
}

// Parse reads the text of a block, without its length byte. It returns title, URL and the
// other fields that are well-formed, all unchanged; they may hold any byte except zero. ok
// reports whether there is a title.
func Parse(block []byte) (title, url string, others []Field, ok bool) {
	text, _, _ := strings.Cut(string(block), "\x00")
	for {
		name, rest, found := strings.Cut(text, "=")
		if !found {
			return title, url, others, ok
		}
		var value string
		value, text = field(rest)
		switch {
		case strings.HasSuffix(name, "StreamTitle"):
			if !ok {
				title, ok = value, true
			}
		case strings.HasSuffix(name, "StreamUrl"):
			if url == "" {
				url = value
			}
		case strings.HasPrefix(rest, "'"+value+"';"):
			others = appendOther(others, strings.TrimLeft(name, " \r\n"), value)
		}
	}
}

// appendOther appends a field, unless there are too many or one of that name is there.
func appendOther(others []Field, name, value string) []Field {
	if name == "" || len(name) > maxName || len(others) == maxFields || strings.IndexFunc(name, notInName) >= 0 ||
		slices.ContainsFunc(others, func(f Field) bool { return f.Name == name }) {
		return others
	}
	return append(others, Field{name, value})
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
