package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestCommentsAreReadAsFarAsTheyGo(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("ARTIST=number %d", i)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want Comments
	}{
		{"none", commentsOf("v"), Comments{}},
		{"nothing", nil, Comments{}},
		{"half a length", []byte{1, 0, 0}, Comments{}},
		{"a vendor that lies", []byte("\xff\xff\xff\xffv"), Comments{}},
		{"no number", commentsOf("v")[:5], Comments{}},
		{"both", commentsOf("v", "ARTIST=A", "TITLE=T"), Comments{"A", "T"}},
		{"in any case", commentsOf("v", "aRtIsT=A", "Title=T"), Comments{"A", "T"}},
		{"several", commentsOf("", "TITLE=T", "ARTIST=A", "TITLE=U", "ARTIST=B"), Comments{"A, B", "T"}},
		{"empty ones", commentsOf("v", "ARTIST=", "TITLE= ", "ARTIST", "=x", "", "TITLE=a=b"), Comments{"", "a=b"}},
		{"longer names", commentsOf("v", "ARTISTS=A", strings.Repeat("TITLE", 900)+"=x"), Comments{}},
		{"more announced than there are", append([]byte("\x00\x00\x00\x00\xff\xff\xff\xff"), commentsOf("", "TITLE=T")[8:]...), Comments{"", "T"}},
		{"one that lies", append(commentsOf("", "TITLE=T", "ARTIST=A")[:19], 0xff, 0xff, 0xff, 0xff, 'x'), Comments{"", "T"}},
		{"fewer announced", append(commentsOf("", "TITLE=T"), commentsOf("", "ARTIST=A")[8:]...), Comments{"", "T"}},
		{"a long one", commentsOf("v", "TITLE=x"+strings.Repeat("é", maxComment)), Comments{"", "x" + strings.Repeat("é", maxComment/2-1)}},
	} {
		got := vorbisComments(c.in).read()
		if got == nil {
			got = new(Comments)
		}
		if *got != c.want {
			t.Errorf("%s: %q, want %q", c.name, *got, c.want)
		}
	}
	if got := vorbisComments(commentsOf("v", many...)).read(); len(got.Artist) > maxComment {
		t.Errorf("the artists are %d bytes", len(got.Artist))
	}
}

func TestOtherCommentsStay(t *testing.T) {
	old := commentsOf("the vendor", "title=Old", "ENCODER=e", "ARTIST=One", "artist=Two", "ALBUM=a=b", "")
	for _, c := range []struct {
		new  Comments
		want []byte
	}{
		{Comments{"A", "T"}, commentsOf("the vendor", "ARTIST=A", "TITLE=T", "ENCODER=e", "ALBUM=a=b", "")},
		{Comments{"", "T"}, commentsOf("the vendor", "TITLE=T", "ENCODER=e", "ALBUM=a=b", "")},
		{Comments{}, commentsOf("the vendor", "ENCODER=e", "ALBUM=a=b", "")},
		{Comments{"", "\xff!"}, commentsOf("the vendor", "TITLE=\uFFFD!", "ENCODER=e", "ALBUM=a=b", "")},
	} {
		got, ok := vorbisComments(append(old, "and what a codec has there"...)).retitled(c.new)
		if !ok || !bytes.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.new, got, c.want)
		}
	}
	if _, ok := vorbisComments("\xff\xff\xff\xff").retitled(Comments{}); ok {
		t.Error("comments without a vendor are replaced")
	}
}
