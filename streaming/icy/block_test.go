package icy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBlockAnnouncesTitleAndURL(t *testing.T) {
	for _, c := range []struct{ name, title, url, want string }{
		{"nothing, as Icecast says it", "", "", "\x01StreamTitle='';\x00"},
		{"a title that fills a unit", "a", "", "\x02StreamTitle='a';" + strings.Repeat("\x00", 16)},
		{"a title of one byte more", "ab", "", "\x02StreamTitle='ab';" + strings.Repeat("\x00", 15)},
		{"a URL", "ab", "http://x", "\x03StreamTitle='ab';StreamUrl='http://x';" + strings.Repeat("\x00", 10)},
		{"only a URL", "", "u", "\x02StreamTitle='';StreamUrl='u';" + strings.Repeat("\x00", 3)},
		{"an apostrophe", "It's", "", "\x02StreamTitle='It's';" + strings.Repeat("\x00", 13)},
		{"an apostrophe at the end", "Rock 'n'", "", "\x02StreamTitle='Rock 'n'';" + strings.Repeat("\x00", 9)},
		{"semicolons", "a; b;", "", "\x02StreamTitle='a; b;';" + strings.Repeat("\x00", 12)},
		{"a quote that would end the title", "a'; b", "", "\x02StreamTitle='a`; b';" + strings.Repeat("\x00", 12)},
		{"two of them", "';';", "u';", "\x03StreamTitle='`;`;';StreamUrl='u`;';" + strings.Repeat("\x00", 13)},
		{"another encoding", "\xe9\xb0", "", "\x02StreamTitle='\xe9\xb0';" + strings.Repeat("\x00", 15)},
	} {
		if got := string(Block(c.title, c.url)); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestBlockIsNeverTooLong(t *testing.T) {
	long := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, c := range []struct {
		name, title, url, wantTitle, wantURL string
	}{
		{"the longest title", long("a", MaxText), "", long("a", MaxText), ""},
		{"one byte more", long("a", MaxText+1), "", long("a", MaxText), ""},
		{"cut at a character", long("€", MaxText), "", long("€", MaxText/3), ""},
		{"quotes make it no longer", long("';", MaxText), "", long("`;", MaxText/2), ""},
		{"a title of 8-bit letters", long("\xb0", 2*MaxText), "", long("\xb0", MaxText), ""},
		{"the longest URL", "a", long("u", maxURL), "a", long("u", maxURL)},
		{"one byte more is left out", "a", long("u", maxURL+1), "a", ""},
		{"both", long("a", MaxText), long("';", maxURL/2), long("a", MaxText), long("`;", maxURL/2)},
		{"far too long", long("a", 1<<20), long("u", 1<<20), long("a", MaxText), ""},
	} {
		block := Block(c.title, c.url)
		if len(block) != 1+16*int(block[0]) {
			t.Errorf("%s: %d bytes with length byte %d", c.name, len(block), block[0])
		}
		title, url, _, _ := Parse(block[1:])
		if title != c.wantTitle || url != c.wantURL {
			t.Errorf("%s: title of %d bytes, URL of %d; want %d and %d",
				c.name, len(title), len(url), len(c.wantTitle), len(c.wantURL))
		}
	}
}

func TestParseReadsWhatOthersWrite(t *testing.T) {
	for _, c := range []struct{ name, text, title, url string }{
		{"a title", "StreamTitle='a - b';", "a - b", ""},
		{"a title and a URL", "StreamTitle='a';StreamUrl='http://x/';", "a", "http://x/"},
		{"a URL before the title", "StreamUrl='http://x/';StreamTitle='a';", "a", "http://x/"},
		{"space between them", "StreamTitle='a'; StreamUrl='u'; \n", "a", "u"},
		{"no title to announce", "StreamTitle='';StreamUrl='';", "", ""},
		{"an apostrophe", "StreamTitle='It's';", "It's", ""},
		{"an apostrophe at the end", "StreamTitle='Rock 'n'';StreamUrl='u';", "Rock 'n'", "u"},
		{"an end within the title", "StreamTitle='a'; b';", "a'; b", ""},
		{"the same before a URL", "StreamTitle='a'; b';StreamUrl='u';", "a'; b", "u"},
		{"a URL's name within the title", "StreamTitle='a StreamUrl='b';", "a StreamUrl='b", ""},
		{"a title's name within the URL", "StreamTitle='a';StreamUrl='StreamTitle='b';", "a", "StreamTitle='b"},
		{"two titles: the first", "StreamTitle='a';StreamTitle='b';", "a", ""},
		{"two URLs: the first", "StreamTitle='a';StreamUrl='';StreamUrl='u';StreamUrl='v';", "a", "u"},
		{"an end within the title, before no name", "StreamTitle='a';=b';", "a';=b", ""},
		{"other fields", "StreamTitle='a';adw_ad='true';durationMilliseconds='30';StreamUrl='u';", "a", "u"},
		{"bytes that are not UTF-8", "StreamTitle='Caf\xe9 \xff';", "Caf\xe9 \xff", ""},
		{"padding", "StreamTitle='a';\x00\x00\x00", "a", ""},
		{"what is left of an older block", "StreamTitle='a';\x00le='b';", "a", ""},
		{"junk after the end", "StreamTitle='a';junk", "a", ""},
		{"junk before the name", "\xff\xfeStreamTitle='a';", "a", ""},
		{"cut within the URL", "StreamTitle='a';StreamUrl='http", "a", "http"},
		{"cut within the next name", "StreamTitle='a';Stre", "a", ""},
		{"no semicolon", "StreamTitle='a'", "a", ""},
		{"no semicolon, a space", "StreamTitle='a' ", "a", ""},
		{"cut within the title", "StreamTitle='Don't st", "Don't st", ""},
		{"cut after the quote", "StreamTitle='", "", ""},
		{"no quotes", "StreamTitle=a - b;StreamUrl=http://x/;", "a - b", "http://x/"},
		{"no quotes, a semicolon within", "StreamTitle=a; b;", "a; b", ""},
		{"no quotes, no end", "StreamTitle=a", "a", ""},
		{"no closing quote before a URL", "StreamTitle='a;StreamUrl='u';", "a;StreamUrl='u", ""},
	} {
		title, url, _, ok := Parse([]byte(c.text))
		if !ok || title != c.title || url != c.url {
			t.Errorf("%s: %q is title %q and URL %q (%v), want %q and %q",
				c.name, c.text, title, url, ok, c.title, c.url)
		}
	}
}

// A C string ends at the first zero byte: without one, icecast2 as a slave drops the last byte.
func TestABlockOfAnyLengthEndsInAZeroByte(t *testing.T) {
	for n := range 64 {
		block := Block(strings.Repeat("a", n), "")
		wellFormed(t, block)
		if block[len(block)-1] != 0 {
			t.Errorf("the block of a title of %d bytes ends in %q", n, block[len(block)-1])
		}
	}
}

func TestOtherFieldsGoThrough(t *testing.T) {
	long := strings.Repeat("v", maxOthers)
	var many strings.Builder
	for i := range 2 * maxFields {
		fmt.Fprintf(&many, "x%d='';", i)
	}
	for _, c := range []struct {
		name, text string
		want       []Field
	}{
		{"none", "StreamTitle='a';StreamUrl='u';", nil},
		{"an advertiser's", "StreamTitle='a';adw_ad='true';durationMilliseconds='30';", []Field{{"adw_ad", "true"}, {"durationMilliseconds", "30"}}},
		{"around the title", "adId='7';StreamTitle='a'; insertionType='midroll'; StreamUrl='';", []Field{{"adId", "7"}, {"insertionType", "midroll"}}},
		{"an apostrophe", "StreamTitle='a';text='It's';", []Field{{"text", "It's"}}},
		{"empty", "StreamTitle='a';x='';", []Field{{"x", ""}}},
		{"a name twice", "StreamTitle='a';x='1';x='2';", []Field{{"x", "1"}}},
		{"a second title and URL", "StreamTitle='a';StreamTitle='b';StreamUrl='u';StreamUrl='v';", nil},
		{"no quotes", "StreamTitle='a';x=1;y='2';", []Field{{"y", "2"}}},
		{"no end", "StreamTitle='a';x='1';y='2", []Field{{"x", "1"}}},
		{"a name of other letters", "StreamTitle='a';x-y='1';é='2';", nil},
		{"a name that is too long", "StreamTitle='a';" + strings.Repeat("n", maxName+1) + "='1';" + strings.Repeat("n", maxName) + "='2';", []Field{{strings.Repeat("n", maxName), "2"}}},
	} {
		title, url, others, ok := Parse([]byte(c.text))
		if !ok || !slices.Equal(others, c.want) {
			t.Errorf("%s: the other fields are %q, want %q", c.name, others, c.want)
		}
		block := Block(title, url, others...)
		wellFormed(t, block)
		if _, _, again, _ := Parse(block[1:]); !slices.Equal(again, c.want) {
			t.Errorf("%s: the other fields come back as %q, want %q", c.name, again, c.want)
		}
	}
	if _, _, others, _ := Parse([]byte("StreamTitle='a';" + many.String())); len(others) != maxFields {
		t.Errorf("%d other fields of very many, want %d", len(others), maxFields)
	}
	block := Block(strings.Repeat("t", MaxText), strings.Repeat("u", maxURL), Field{"x", long}, Field{"y", "1"}, Field{"z", long[:maxOthers-len("z='';")-len("y='1';")]}, Field{"w", ""})
	wellFormed(t, block)
	if _, _, others, _ := Parse(block[1:]); len(others) != 2 || others[0].Name != "y" || others[1].Name != "z" {
		t.Errorf("%d fields remain, want y and z, which fit", len(others))
	}
}

func TestABlockWithoutATitleIsNone(t *testing.T) {
	for _, text := range []string{
		"", "\x00", "\x00\x00StreamTitle='a';", "StreamTitle", "StreamUrl='u';", "Title='a';", "\xff\xff\xff", "=;=;", "';';';",
	} {
		if title, _, _, ok := Parse([]byte(text)); ok {
			t.Errorf("%q has the title %q, want none", text, title)
		}
	}
}

func FuzzBlockComesBackFromParse(f *testing.F) {
	f.Add("", "")
	f.Add("Artist - Title", "https://example.org/")
	f.Add("It's'", "'")
	f.Add("'; StreamUrl='x", "';StreamTitle='y';")
	f.Add("a=b;c=d", "x=y;")
	f.Add(strings.Repeat("é';", MaxText), strings.Repeat("u", maxURL))
	f.Add(strings.Repeat("\xb0", 2*MaxText), strings.Repeat("u", maxURL+1))
	f.Fuzz(func(t *testing.T, title, url string) {
		wellFormed(t, Block(title, url))

		title, url = Clean(title), Clean(url)
		block := Block(title, url)
		wellFormed(t, block)
		if !utf8.Valid(block[1:]) {
			t.Errorf("%q is not UTF-8", block[1:])
		}
		gotTitle, gotURL, _, ok := Parse(block[1:])
		safe := strings.NewReplacer("';", "`;")
		if !ok || gotTitle != safe.Replace(title) || gotURL != safe.Replace(url) {
			t.Errorf("from %q and %q came %q and %q (%v)", title, url, gotTitle, gotURL, ok)
		}
	})
}

// wellFormed checks the properties of every block.
func wellFormed(t *testing.T, block []byte) {
	t.Helper()
	if len(block) != 1+16*int(block[0]) {
		t.Errorf("%d bytes with length byte %d", len(block), block[0])
	}
	if pad := len(block) - len(bytes.TrimRight(block, "\x00")); pad < 1 || pad > 16 {
		t.Errorf("%d bytes of padding, want 1 to 16", pad)
	}
}

func FuzzParseTakesAnything(f *testing.F) {
	f.Add([]byte("StreamTitle='a'; b';StreamUrl='u';\x00\x00"))
	f.Add([]byte("StreamTitle='Don't st"))
	f.Add([]byte("=;=;=;';';"))
	f.Add(bytes.Repeat([]byte("StreamTitle='"), 300))
	f.Fuzz(func(t *testing.T, block []byte) {
		title, url, _, ok := Parse(block)
		if !ok && title != "" {
			t.Errorf("no title, and yet %q", title)
		}
		if !bytes.Contains(block, []byte(title)) || !bytes.Contains(block, []byte(url)) {
			t.Errorf("%q or %q is not in %q", title, url, block)
		}
		// A title from an upstream is announced again in another block.
		wellFormed(t, Block(Clean(title), Clean(url)))
	})
}

func BenchmarkBlock(b *testing.B) {
	for _, c := range []struct{ name, title, url string }{
		{"title", "Artist - Title of an ordinary length", ""},
		{"title and URL", "Artist - Title of an ordinary length", "https://example.org/cover.jpg"},
		{"longest", strings.Repeat("a", MaxText), strings.Repeat("u", maxURL)},
		{"full of quotes", strings.Repeat("';", MaxText/2), ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Block(c.title, c.url)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"title and URL", "StreamTitle='Artist - Title of an ordinary length';StreamUrl='https://example.org/cover.jpg';"},
		{"hostile", strings.Repeat("=;", 255*8)},
		{"hostile names", strings.Repeat("';a", 255*5)},
	} {
		b.Run(c.name, func(b *testing.B) {
			block := []byte(c.text)
			b.ReportAllocs()
			for b.Loop() {
				Parse(block)
			}
		})
	}
}
