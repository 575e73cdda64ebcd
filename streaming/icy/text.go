package icy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// MaxText is the length in bytes to which Clean cuts a text.
const MaxText = 1024

// maxRaw is how much of a text from outside Clean looks at.
const maxRaw = 16 * MaxText

// Clean makes a text from outside fit for a header line, a log, a page or a
// block: valid UTF-8, nothing that XML can't carry, no control characters, none
// that turns the direction of what follows, no line ends, no space at either
// end, MaxText bytes at most. Bytes that are not UTF-8 are taken as Windows-1252,
// the ISO 8859-1 that old encoders really send.
func Clean(s string) string {
	s = Cut(s, maxRaw)
	if !utf8.ValidString(s) {
		s = windows1252(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff',
			r == utf8.RuneError, r&0xfffe == 0xfffe: // the last are no characters
			return -1
		}
		return r
	}, s)
	return strings.TrimRight(Cut(strings.TrimLeft(s, " "), MaxText), " ")
}

// Cut returns the longest prefix of s that is n bytes long at most and does not
// end within a character. Where s is not UTF-8 a character is a byte.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for end := n; end >= 0 && end > n-utf8.UTFMax; end-- {
		if !utf8.RuneStart(s[end]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[end:]); end+size > n {
			return s[:end]
		}
		break
	}
	return s[:n]
}

func windows1252(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = charmap.Windows1252.DecodeByte(s[i])
	}
	return string(runes)
}
