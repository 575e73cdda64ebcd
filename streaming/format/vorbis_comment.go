package format

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A comment header, numbers little endian (Vorbis I, section 5.2.1; Opus, Speex,
// Theora and FLAC have the same):
//
//	vendor length, 4 bytes; vendor
//	number of comments, 4 bytes
//	for each: length, 4 bytes; "NAME=value" in UTF-8, the name in any case

// vorbisComments is the body of a comment header, without a codec's prefix and suffix.
// Its lengths may be false.
type vorbisComments []byte

// vendor returns the vendor and the bytes behind the number of comments.
func (v vorbisComments) vendor() (vendor, rest []byte, ok bool) {
	vendor, rest, ok = cutCounted(v)
	if !ok || len(rest) < 4 {
		return nil, nil, false
	}
	return vendor, rest[4:], true
}

// each yields the comments, up to their number or the first incomplete one.
func (v vorbisComments) each(yield func(name string, value []byte) bool) {
	vendor, rest, ok := v.vendor()
	if !ok {
		return
	}
	for count := binary.LittleEndian.Uint32(v[4+len(vendor):]); count > 0; count-- {
		var comment []byte
		if comment, rest, ok = cutCounted(rest); !ok {
			return
		}
		name, value, _ := bytes.Cut(comment, []byte("="))
		if len(name) > 32 { // longer than any name that matters
			name = name[:0]
		}
		if !yield(strings.ToUpper(string(name)), value) {
			return
		}
	}
}

// cutCounted cuts off an item that is preceded by its length.
func cutCounted(b []byte) (item, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// read returns artist and title; nil if there is neither.
func (v vorbisComments) read() *Comments {
	var c Comments
	for name, value := range v.each {
		c.add(name, string(value[:min(len(value), 2*maxComment)]))
	}
	return c.orNil()
}

// retitled returns the comments with another artist and title.
func (v vorbisComments) retitled(c Comments) (vorbisComments, bool) {
	vendor, _, ok := v.vendor()
	if !ok {
		return nil, false
	}
	out := appendCounted(nil, vendor)
	count := len(out)
	out = append(out, 0, 0, 0, 0)
	add := func(comment []byte) {
		out = appendCounted(out, comment)
		binary.LittleEndian.PutUint32(out[count:], binary.LittleEndian.Uint32(out[count:])+1)
	}
	for _, own := range []struct{ name, value string }{{"ARTIST", c.Artist}, {"TITLE", c.Title}} {
		if value := shorten(strings.ToValidUTF8(own.value, "\uFFFD")); value != "" {
			add([]byte(own.name + "=" + value))
		}
	}
	_, rest, _ := v.vendor()
	for name := range v.each {
		var comment []byte
		comment, rest, _ = cutCounted(rest)
		if name != "ARTIST" && name != "TITLE" {
			add(comment)
		}
	}
	return out, true
}

func appendCounted(dst, item []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(item))), item...)
}
