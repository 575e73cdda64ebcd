package blocklog

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddycast/caddycast/streaming/icy"
)

func TestOtherFieldsAreCleanedAndEncodedAsTheTitleIs(t *testing.T) {
	m := NewMetadata("", "Ä", "", "iso-8859-1", icy.Field{Name: "adw_ad", Value: "\x00ü\r\n"}, icy.Field{Name: "x", Value: "1"})
	title, _, others, _ := icy.Parse(m.block[1:])
	if want := []icy.Field{{Name: "adw_ad", Value: "\xfc"}, {Name: "x", Value: "1"}}; title != "\xc4" || !slices.Equal(others, want) {
		t.Errorf("title %q and other fields %q, want %q", title, others, want)
	}
	if o := NewMetadata("", "Ä", "", ""); m.Equal(o) || !m.HasTitle(o) {
		t.Error("other fields are no difference, or one of the title")
	}
}

func TestATitleIsCutAtACharacterOfItsCharset(t *testing.T) {
	for charset, decoded := range map[string]string{"": "é", "utf-8": "音", "gb18030": "\u0105", "shift_jis": "音", "euc-kr": "음", "big5": "音", "utf-16le": "a"} {
		for _, before := range []string{"", "x", "xy", "xyz"} {
			m := NewMetadata("", before+strings.Repeat(decoded, 2*icy.MaxText), "", charset)
			_, body, _ := strings.Cut(string(m.block), "StreamTitle='")
			title, _, _ := strings.Cut(body, "';")
			if got := DecodeText(title, charset); len(title) > icy.MaxText || len(title) < icy.MaxText/2 && charset != "shift_jis" ||
				!utf8.ValidString(got) || strings.Trim(strings.TrimPrefix(got, before), decoded) != "" {
				t.Errorf("%s: a title of %d bytes, ending in %q", charset, len(title), got[max(0, len(got)-8):])
			}
		}
	}
}
