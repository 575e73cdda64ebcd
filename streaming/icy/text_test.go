package icy

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanMakesATextFit(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"what is fit stays", "Björk – Jóga (“live”) 音楽 🎵", "Björk – Jóga (“live”) 音楽 🎵"},
		{"apostrophes and quotes stay", `It's "so"; 'x';`, `It's "so"; 'x';`},
		{"space at the ends goes", "  \t a b \r\n", "a b"},
		{"line ends become spaces", "a\r\nSet-Cookie: b", "a  Set-Cookie: b"},
		{"so do Unicode's own", "a\u2028b\u2029c\u0085d", "a b c d"},
		{"control characters go", "a\x00b\x07c\x1b[31md\x7fe\u009bf", "abc[31mdef"},
		{"what turns direction goes", "a\u202eb\u2066c\u200fd", "abcd"},
		{"byte order marks go", "\ufeffa\ufeffb", "ab"},
		{"what is no character goes", "a\ufffeb\uffffc\U0010ffffd\ufffde", "abcde"},
		{"joined emoji stay joined", "👩\u200d🎤", "👩\u200d🎤"},
		{"ISO 8859-1 is read", "Caf\xe9 del M\xe1r", "Café del Már"},
		{"and what Windows adds to it", "Don\x92t \x80 5", "Don’t € 5"},
		{"one bad byte makes all of it ISO 8859-1", "\xc3\xa9\xff", "Ã©ÿ"},
		{"a character that a peer has cut goes", "Bj\xc3\xb6rk – J\xc3", "Björk – J"},
		{"of two bytes, too", "音\xe6\xa5", "音"},
		{"of three bytes, too", "🎵\xf0\x9f\x8e", "🎵"},
		{"but not a letter of ISO 8859-1", "Jos\xe9", "José"},
		{"bytes that mean nothing there go", "a\x81\x8db\xff", "abÿ"},
		{"nothing but what goes", "\x00\u202e \r\n", ""},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestCleanCutsWhatIsLong(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
	}{
		{"the limit", strings.Repeat("a", MaxText), strings.Repeat("a", MaxText)},
		{"one more", strings.Repeat("a", MaxText+1), strings.Repeat("a", MaxText)},
		{"within a character", strings.Repeat("a", MaxText-1) + "é", strings.Repeat("a", MaxText-1)},
		{"before a space", strings.Repeat("a", MaxText-1) + "  b", strings.Repeat("a", MaxText-1)},
		{"space in front does not count", strings.Repeat(" ", 2*MaxText) + "a", "a"},
		{"nor does what is taken out", strings.Repeat("\x00", 2*MaxText) + "a", "a"},
		{"ISO 8859-1 grows before it is cut", strings.Repeat("\xff", MaxText), strings.Repeat("ÿ", MaxText/2)},
		{"what is too far away is not looked at", strings.Repeat("\x00", maxRaw-1) + "ab", "a"},
		{"far too long", strings.Repeat("a", 1<<20), strings.Repeat("a", MaxText)},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("%s: got %d bytes, want %d", c.name, len(got), len(c.want))
		}
	}
}

func TestCutEndsAtACharacter(t *testing.T) {
	for _, c := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"short enough", "abc", 3, "abc"},
		{"one more", "abcd", 3, "abc"},
		{"nothing", "abc", 0, ""},
		{"of nothing", "", 0, ""},
		{"after a character", "éé", 2, "é"},
		{"within one of two bytes", "éé", 3, "é"},
		{"within one of three", "a€", 3, "a"},
		{"within one of four", "a🎵b", 4, "a"},
		{"within the first", "🎵", 3, ""},
		{"after one of four", "a🎵b", 5, "a🎵"},
		{"bytes that only continue are not UTF-8", strings.Repeat("\xb0", 9), 8, strings.Repeat("\xb0", 8)},
		{"a first byte that nothing follows", "abc\xe9def", 4, "abc\xe9"},
	} {
		if got := Cut(c.in, c.n); got != c.want {
			t.Errorf("%s: Cut(%q, %d) = %q, want %q", c.name, c.in, c.n, got, c.want)
		}
	}
}

func FuzzCleanIsFitForAnyPlace(f *testing.F) {
	for _, s := range []string{
		"", "Artist - Title", "a\r\nb", "Caf\xe9", "\xff\xfe\x00a", "\u202e\ufeff\ufffe", "🎵", " \x00 a \x00 ",
		strings.Repeat("é", MaxText), strings.Repeat(" ", MaxText) + "a", strings.Repeat("a\xe9", maxRaw),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if len(got) > MaxText {
			t.Errorf("%d bytes, want at most %d", len(got), MaxText)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if got != strings.TrimSpace(got) {
			t.Errorf("%q has space at an end", got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || r != ' ' && unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r)
		}); i >= 0 {
			t.Errorf("%q has an unfit character at %d", got, i)
		}
		if again := Clean(got); again != got {
			t.Errorf("cleaned once it is %q, twice %q", got, again)
		}
	})
}

func FuzzCutIsAPrefixThatLosesNoMoreThanACharacter(f *testing.F) {
	f.Add("abc", 2)
	f.Add("a🎵b", 3)
	f.Add("\xb0\xb0\xb0\xb0\xb0", 4)
	f.Add("\xf0\x9f\x8e", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 {
			return
		}
		got := Cut(s, n)
		if !strings.HasPrefix(s, got) || len(got) > n {
			t.Errorf("Cut(%q, %d) = %q is no such prefix", s, n, got)
		}
		if len(got) < min(len(s), n-utf8.UTFMax+1) {
			t.Errorf("Cut(%q, %d) = %q loses too much", s, n, got)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q ends within a character", s, n, got)
		}
	})
}
