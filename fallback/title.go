package fallback

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/bogem/id3v2/v2"

	"github.com/caddycast/caddycast/streaming/format"
)

const (
	maxTitle = 1 << 10   // bytes of an artist or a title
	maxTag   = 256 << 10 // bytes read of an ID3v2 tag
)

// titleOf returns the artist and title in a file's ID3 tags, else those in its name.
func titleOf(path string, f io.ReaderAt, size int64) format.Comments {
	if c := readID3v2(f); c.Title != "" {
		return c
	}
	if c := readID3v1(f, size); c.Title != "" {
		return c
	}
	return titleOfName(path)
}

// titleOfName returns the artist and title in a file name, "Artist - Title.mp3".
func titleOfName(path string) format.Comments {
	base := filepath.Base(path)
	name := strings.TrimSpace(strings.TrimSuffix(base, filepath.Ext(base)))
	if artist, title, ok := strings.Cut(name, " - "); ok {
		c := format.Comments{Artist: cleanText(artist), Title: cleanText(title)}
		if c.Artist != "" && c.Title != "" {
			return c
		}
	}
	if name == "" {
		name = base
	}
	return format.Comments{Title: cleanText(name)}
}

// readID3v2 reads the tag at the beginning of a file (ID3v2.4.0 main structure, section 3).
func readID3v2(f io.ReaderAt) format.Comments {
	var head [10]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || !bytes.HasPrefix(head[:], []byte("ID3")) {
		return format.Comments{}
	}
	const unsynchronised, extended = 0x80, 0x40
	if head[5]&(unsynchronised|extended) != 0 { // not supported by the library
		return format.Comments{}
	}
	options := id3v2.Options{Parse: true, ParseFrames: []string{"TPE1", "TIT2"}}
	// After an error the frames before it are still used.
	tag, _ := id3v2.ParseReader(io.NewSectionReader(f, 0, maxTag), options)
	if tag == nil {
		return format.Comments{}
	}
	return format.Comments{
		Artist: cleanText(tag.GetTextFrame("TPE1").Text),
		Title:  cleanText(tag.GetTextFrame("TIT2").Text),
	}
}

// readID3v1 reads the tag at the end of a file, 128 bytes (id3.org, ID3v1):
//
//	 0  "TAG"
//	 3  title, 30 bytes
//	33  artist, 30 bytes
//	63  album, year, comment, genre
//
// No field gives the charset. Text that is not valid UTF-8 is read as ISO 8859-1.
func readID3v1(f io.ReaderAt, size int64) format.Comments {
	const tagSize, fieldSize = 128, 30
	var tag [tagSize]byte
	if size < tagSize {
		return format.Comments{}
	}
	if _, err := f.ReadAt(tag[:], size-tagSize); err != nil && err != io.EOF || !bytes.HasPrefix(tag[:], []byte("TAG")) {
		return format.Comments{}
	}
	field := func(at int) string {
		b, _, _ := bytes.Cut(tag[at:at+fieldSize], []byte{0})
		if utf8.Valid(b) {
			return cleanText(string(b))
		}
		letters := make([]rune, len(b))
		for i, c := range b {
			letters[i] = rune(c)
		}
		return cleanText(string(letters))
	}
	return format.Comments{Artist: field(3 + fieldSize), Title: field(3)}
}

// cleanText returns a valid text of at most maxTitle bytes. Several values, separated by
// zeros in tags, are joined.
func cleanText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var values []string
	for v := range strings.SplitSeq(s, "\x00") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	s = strings.Join(values, ", ")
	if len(s) > maxTitle {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxTitle], ""))
	}
	return s
}
