package blocklog

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/caddycast/caddycast/streaming/icy"
)

// DecodeText turns bytes of the named charset into UTF-8. Without a charset, or with one
// that is unknown, they stay as they are: icy.Clean repairs them.
func DecodeText(s, charset string) string {
	if charset == "" || strings.EqualFold(charset, "utf-8") {
		return s
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return s
	}
	out, err := enc.NewDecoder().String(s)
	if err != nil {
		return s
	}
	return out
}

// encodeWithin encodes the longest beginning of s whose encoding is at most n bytes long.
func encodeWithin(s, charset string, n int) string {
	for s = icy.Cut(s, n); ; s = icy.Cut(s, len(s)-1) {
		if out := encode(s, charset); len(out) <= n {
			return out
		}
	}
}

// encode is the reverse of DecodeText; a character that the charset lacks becomes its replacement.
func encode(s, charset string) string {
	if s == "" || charset == "" || strings.EqualFold(charset, "utf-8") {
		return s
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return s
	}
	out, err := encoding.ReplaceUnsupported(enc.NewEncoder()).String(s)
	if err != nil {
		return s
	}
	return out
}
