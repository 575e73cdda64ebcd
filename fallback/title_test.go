package fallback

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/caddycast/caddycast/streaming/format"
)

// id3v2Text returns a tag of version 2.4 in UTF-8, without empty fields.
func id3v2Text(title, artist string) []byte {
	var frames []byte
	for _, f := range []struct{ id, text string }{{"TPE1", artist}, {"TIT2", title}} {
		if f.text != "" {
			frames = append(frames, id3v2Frame(f.id, append([]byte{3}, f.text...))...)
		}
	}
	return id3v2Tag(4, 0, frames)
}

// id3v2Frame returns a frame of less than 128 bytes, for which all versions agree.
func id3v2Frame(id string, body []byte) []byte {
	return append([]byte{id[0], id[1], id[2], id[3], 0, 0, 0, byte(len(body)), 0, 0}, body...)
}

func id3v2Tag(version, flags byte, frames []byte) []byte {
	n := len(frames)
	return append([]byte{'I', 'D', '3', version, 0, flags, byte(n >> 21 & 127), byte(n >> 14 & 127), byte(n >> 7 & 127), byte(n & 127)}, frames...)
}

func id3v1(title, artist string) []byte {
	tag := make([]byte, 128)
	copy(tag, "TAG")
	copy(tag[3:33], title)
	copy(tag[33:63], artist)
	return tag
}

func utf16Text(order binary.AppendByteOrder, s string) []byte {
	b := order.AppendUint16([]byte{1}, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestTitlesOfTagsAndNames(t *testing.T) {
	long := strings.Repeat("ä", maxTitle)
	for _, c := range []struct {
		name, file    string
		before, after []byte // the sound
		want          format.Comments
	}{
		{"a name", "Song.mp3", nil, nil, format.Comments{Title: "Song"}},
		{"a name with an artist", "The Band - A Song - Live.mp3", nil, nil, format.Comments{Artist: "The Band", Title: "A Song - Live"}},
		{"a name with nothing before the dash", " - Song.mp3", nil, nil, format.Comments{Title: "- Song"}},
		{"a name that is not UTF-8", "\xe4.mp3", nil, nil, format.Comments{Title: "\uFFFD"}},
		{"a name that is an extension", ".mp3", nil, nil, format.Comments{Title: ".mp3"}},
		{"ID3v2.4", "x.mp3", id3v2Text("Tïtle", "Artist"), nil, format.Comments{Artist: "Artist", Title: "Tïtle"}},
		{"ID3v2.4, several artists", "x.mp3", id3v2Text("Title", "One\x00Two\x00"), nil, format.Comments{Artist: "One, Two", Title: "Title"}},
		{"ID3v2.3, ISO 8859-1", "x.mp3", id3v2Tag(3, 0, id3v2Frame("TIT2", []byte("\x00T\xeftle\x00"))), nil, format.Comments{Title: "Tïtle"}},
		{"ID3v2.3, UTF-16", "x.mp3", id3v2Tag(3, 0, slices.Concat(
			id3v2Frame("TALB", []byte("\x00Album")),
			id3v2Frame("TIT2", utf16Text(binary.LittleEndian, "Żółw\x00")),
			id3v2Frame("TPE1", utf16Text(binary.BigEndian, "日本")))), nil, format.Comments{Artist: "日本", Title: "Żółw"}},
		{"ID3v2 without a title", "Name.mp3", id3v2Text("", "Artist"), nil, format.Comments{Title: "Name"}},
		{"ID3v2 whose frames claim too much", "Name.mp3", id3v2Tag(4, 0, []byte("TIT2\x7f\x7f\x7f\x7f\x00\x00\x03Title")), nil, format.Comments{Title: "Name"}},
		{"ID3v2 in a way that is not read", "Name.mp3", id3v2Tag(3, 0x80, id3v2Frame("TIT2", []byte("\x01\xff\x00\xfeT\x00"))), nil, format.Comments{Title: "Name"}},
		{"ID3v2.2", "Name.mp3", id3v2Tag(2, 0, []byte("TT2\x00\x00\x02\x00T")), nil, format.Comments{Title: "Name"}},
		{"ID3v1", "x.mp3", nil, id3v1("T\xeftle   ", "Artist\x00junk"), format.Comments{Artist: "Artist", Title: "Tïtle"}},
		{"ID3v1 in UTF-8", "x.mp3", nil, id3v1("Tïtle", ""), format.Comments{Title: "Tïtle"}},
		{"ID3v1 that is empty", "Name.mp3", nil, id3v1("", ""), format.Comments{Title: "Name"}},
		{"both", "x.mp3", id3v2Text("Two", ""), id3v1("One", "One"), format.Comments{Title: "Two"}},
		{"a title beyond any length", "x.mp3", id3v2Tag(4, 0, append([]byte{'T', 'I', 'T', '2', 0, 0, byte((len(long) + 1) >> 7), byte((len(long) + 1) & 127), 0, 0, 3}, long...)), nil, format.Comments{Title: long[:maxTitle]}},
	} {
		stream := slices.Concat(c.before, mp3(10), c.after)
		if got := titleOf("/music/"+c.file, bytes.NewReader(stream), int64(len(stream))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzTitleOf(f *testing.F) {
	f.Add("Artist - Title.mp3", id3v2Text("T", "A"))
	f.Add("x", id3v1("T", "A"))
	f.Add("", id3v2Tag(3, 0, id3v2Frame("TIT2", utf16Text(binary.BigEndian, "T"))))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		c := titleOf(name, bytes.NewReader(data), int64(len(data)))
		for _, s := range []string{c.Artist, c.Title} {
			if len(s) > maxTitle || s != cleanText(s) {
				t.Errorf("%q, want something short and clean", s)
			}
		}
		if c.Title == "" && c.Artist != "" {
			t.Errorf("an artist %q without a title", c.Artist)
		}
	})
}
