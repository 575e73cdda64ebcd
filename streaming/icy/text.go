package icy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the length in bytes to which Clean cuts a text.
const MaxText = 1024

// Clean makes a text from outside fit for a header line, a log, a page or a
// block: valid UTF-8, no control or formatting characters, no line ends, no
// space at either end, MaxText bytes at most. Bytes that are not UTF-8 are taken
// as ISO 8859-1, which is what old encoders send.
func Clean(s string) string {
	if !utf8.ValidString(s) {
		s = latin1(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff', r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(Cut(s, MaxText))
}

// Cut returns the longest prefix of s that is n bytes long at most and does not
// end within a character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
