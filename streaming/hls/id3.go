package hls

import (
	"encoding/binary"

	"github.com/caddycast/caddycast/streaming/icy"
)

// Title is what a stretch of the stream is called. Empty fields are left out.
type Title struct {
	Artist string
	Name   string
	URL    string // of the page or the artwork
}

// maxText bounds each text of a title in a segment, in bytes.
const maxText = 1 << 10

// stampOwner names the time stamp of a packed segment.
const stampOwner = "com.apple.streaming.transportStreamTimestamp"

// An ID3v2.4 tag (ID3v2.4.0 main structure, 3.1 and 4):
//
//	0  "ID3", version 4, revision 0, flags 0
//	6  size of the frames, 4 bytes of 7 bits
//
// and frames, each with
//
//	0  id, 4 bytes
//	4  size of the body, 4 bytes of 7 bits; flags, 2 bytes 0
//
// The body of PRIV is an owner, 0, and data; that of a text is its encoding, 3 for UTF-8, and
// the text, 0; that of WXXX is an encoding, a description, 0, and the URL.
const id3Header = 10

// appendTag appends a tag with the frames that frames appends.
func appendTag(dst []byte, frames func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, 'I', 'D', '3', 4, 0, 0, 0, 0, 0, 0)
	dst = frames(dst)
	putSynchsafe(dst[at+6:], len(dst)-at-id3Header)
	return dst
}

// appendStamp appends the PRIV frame with the time of a segment in ticks of 90 kHz, of which
// 33 bits count (RFC 8216, 3.4).
func appendStamp(dst []byte, ticks uint64) []byte {
	return appendFrame(dst, "PRIV", func(dst []byte) []byte {
		dst = append(append(dst, stampOwner...), 0)
		return binary.BigEndian.AppendUint64(dst, ticks&(1<<33-1))
	})
}

// appendFrames appends the frames of the title.
func (t Title) appendFrames(dst []byte) []byte {
	for _, f := range [...]struct{ id, prefix, text, suffix string }{
		{"TIT2", "\x03", t.Name, "\x00"}, {"TPE1", "\x03", t.Artist, "\x00"}, {"WXXX", "\x03\x00", t.URL, ""},
	} {
		if f.text == "" {
			continue
		}
		dst = appendFrame(dst, f.id, func(dst []byte) []byte {
			dst = append(append(dst, f.prefix...), icy.Cut(f.text, maxText)...)
			return append(dst, f.suffix...)
		})
	}
	return dst
}

func appendFrame(dst []byte, id string, body func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, id...)
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	dst = body(dst)
	putSynchsafe(dst[at+4:], len(dst)-at-id3Header)
	return dst
}

// putSynchsafe writes a size with 7 bits in each of 4 bytes.
func putSynchsafe(b []byte, n int) {
	for i := range 4 {
		b[i] = byte(n>>(7*(3-i))) & 0x7f
	}
}
