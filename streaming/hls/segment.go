package hls

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Segment is a piece of a stream that players load at once.
type Segment struct {
	Sequence uint64
	Name     string // of the file, unique for ever
	Data     []byte // nil: it is at Place
	Size     int    // of the data
	Place    Place
	Samples  uint64
	Parts    []*Part   // in order; nil: there are none, or it is too old for them
	Rate     int       // of the samples
	Time     time.Time // when its beginning sounded at the source
	Init     *Init     // nil: it needs none
	Codec    string    // its name in CODECS (RFC 6381)

	Titles []TitleRange // that sound in it, in their order; the first may have begun before it

	// Discontinuity reports whether a decoder that played the segment before has to be set up
	// anew.
	Discontinuity bool
}

// Place is where the data of a segment are stored.
type Place struct {
	File   string // its path
	Offset int64
}

// Seconds returns how long the segment sounds.
func (s *Segment) Seconds() float64 { return float64(s.Samples) / float64(s.Rate) }

// Init is what a decoder gets before segments that name it.
type Init struct {
	Name string
	Data []byte
}

// newInit returns the init of a codec in fMP4. Equal ones have one name.
func newInit(c *format.Codec) *Init {
	data := appendInit(nil, c)
	sum := sha256.Sum256(data)
	return &Init{Name: "init-" + hex.EncodeToString(sum[:4]) + ".mp4", Data: data}
}

// namer makes names of segments that only a client with the key, or with a list, can know.
type namer struct {
	mac hash.Hash
	buf []byte
}

func newNamer(key []byte) namer { return namer{mac: hmac.New(sha256.New, key)} }

// name returns the name of a segment.
func (n *namer) name(sequence uint64, ending string) string {
	n.buf = strconv.AppendUint(n.buf[:0], sequence, 10)
	return n.sign(ending)
}

// part returns the name of a part of a segment.
func (n *namer) part(sequence uint64, part int, ending string) string {
	n.buf = append(strconv.AppendUint(n.buf[:0], sequence, 10), '.')
	n.buf = strconv.AppendInt(n.buf, int64(part), 10)
	return n.sign(ending)
}

// sign returns the name that begins with what is in the buffer.
func (n *namer) sign(ending string) string {
	number := len(n.buf)
	n.mac.Reset()
	n.mac.Write(n.buf)
	n.buf = n.mac.Sum(n.buf)
	const macBytes = 6
	return string(n.buf[:number]) + "-" + hex.EncodeToString(n.buf[number:number+macBytes]) + ending
}

// ContentType returns the type of a file by its name; empty: it is none of HLS.
func ContentType(name string) string {
	for _, k := range kinds {
		if len(name) > len(k.ending) && name[len(name)-len(k.ending):] == k.ending {
			return k.contentType
		}
	}
	return ""
}

// The endings of files and their types. Players compare both with what they find inside.
var kinds = []struct{ ending, contentType string }{
	{".mp3", "audio/mpeg"},
	{".aac", "audio/aac"},
	{endingFMP4, "audio/mp4"},
	{endingTS, "video/mp2t"},
	{".mp4", "audio/mp4"},
	{".m3u8", PlaylistType},
}

// PlaylistType is the content type of playlists.
const PlaylistType = "application/vnd.apple.mpegurl"
