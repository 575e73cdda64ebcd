package icy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// MaxText is the maximum length of a cleaned text in bytes.
const MaxText = 1024

// maxRaw is the number of bytes of a text that Clean reads.
const maxRaw = 16 * MaxText

// Clean makes a text from outside safe for a header line, a log, a page or a block: valid
// UTF-8 and valid in XML, without control characters, direction marks, line ends and spaces
// around it, at most MaxText bytes. Text that is not UTF-8 is read as Windows-1252, which is
// what old encoders send as ISO 8859-1.
func Clean(s string) string {
	s = Cut(s, maxRaw)
	if !utf8.ValidString(s) {
		s = repair(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff',
			r == utf8.RuneError, r&0xfffe == 0xfffe: // the last are noncharacters
			return -1
		}
		return r
	}, s)
	return strings.TrimRight(Cut(strings.TrimLeft(s, " "), MaxText), " ")
}

// Cut returns the longest prefix of s of at most n bytes that does not end within a
// character. In invalid UTF-8 each byte counts as a character.
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

// repair returns a text that is not UTF-8 in UTF-8: without its last character if only that
// is incomplete, because a peer has cut the text; else read as Windows-1252.
func repair(s string) string {
	for end := len(s) - 1; end > 0 && end > len(s)-utf8.UTFMax; end-- {
		if whole := s[:end]; utf8.RuneStart(s[end]) && utf8.ValidString(whole) && !utf8.FullRuneInString(s[end:]) && utf8.RuneCountInString(whole) < end {
			return whole
		}
	}
	return windows1252(s)
}

func windows1252(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = charmap.Windows1252.DecodeByte(s[i])
	}
	return string(runes)
}
