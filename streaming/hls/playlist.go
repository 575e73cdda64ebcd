package hls

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"sync"
)

// Playlist is the text of a media playlist, plain and compressed.
type Playlist struct{ Text, Gzip []byte }

func newPlaylist(text []byte) *Playlist { return &Playlist{text, compress(text)} }

// text is the content of a media playlist.
type text struct {
	target                  int // seconds
	long                    bool
	sequence, discontinuity uint64 // of the first segment
	ended                   bool
	shown                   []*Segment
	skipUntil               int // seconds before the end up to which an update may be a delta; 0: none is
}

// A list that can be longer than minSkippable has updates without the segments that are further
// than skipTargets of its longest segments from its end (RFC 8216bis, 6.2.5.1).
const (
	minSkippable = 120 // seconds
	skipTargets  = 6
)

// startTargets is how far from the end of a long list players begin, in longest segments. Some
// would begin with its first segment.
const startTargets = 3

// skipped returns how many segments a delta update leaves out.
func (t *text) skipped() int {
	if t.skipUntil == 0 {
		return 0
	}
	left, n := float64(t.skipUntil), len(t.shown)
	for ; n > 0 && left >= 0; n-- {
		left -= t.shown[n-1].Seconds()
	}
	return n
}

// timeFormat is that of EXT-X-PROGRAM-DATE-TIME.
const timeFormat = "2006-01-02T15:04:05.000Z"

// render returns the media playlist (RFC 8216, 4.3.3 and 6.2) without the first segments.
func (t *text) render(skipped int) []byte {
	version := uint64(3)
	switch {
	case skipped > 0:
		version = 9
	case len(t.shown) > 0 && t.shown[0].Init != nil:
		version = 6
	}
	b := make([]byte, 0, 512+128*(len(t.shown)-skipped))
	line := func(tag string, n uint64) { b = append(strconv.AppendUint(append(b, tag...), n, 10), '\n') }
	b = append(b, "#EXTM3U\n"...)
	line("#EXT-X-VERSION:", version)
	line("#EXT-X-TARGETDURATION:", uint64(t.target))
	if t.skipUntil > 0 {
		line("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=", uint64(t.skipUntil))
	}
	line("#EXT-X-MEDIA-SEQUENCE:", t.sequence)
	line("#EXT-X-DISCONTINUITY-SEQUENCE:", t.discontinuity)
	b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	if t.long {
		line("#EXT-X-START:TIME-OFFSET=-", uint64(startTargets*t.target))
	}
	if skipped > 0 {
		line("#EXT-X-SKIP:SKIPPED-SEGMENTS=", uint64(skipped))
	}
	init := ""
	for _, s := range t.shown[skipped:] {
		if s.Discontinuity {
			b = append(b, "#EXT-X-DISCONTINUITY\n"...)
		}
		if s.Init != nil && s.Init.Name != init {
			init = s.Init.Name
			b = append(append(append(b, `#EXT-X-MAP:URI="`...), init...), "\"\n"...)
		}
		b = append(s.Time.UTC().AppendFormat(append(b, "#EXT-X-PROGRAM-DATE-TIME:"...), timeFormat), '\n')
		b = strconv.AppendFloat(append(b, "#EXTINF:"...), s.Seconds(), 'f', 5, 64)
		b = append(append(append(b, ",\n"...), s.Name...), '\n')
	}
	if t.ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}

// compressors are reused: each has a megabyte.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(text []byte) []byte {
	var b bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	w.Reset(&b)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	compressors.Put(w)
	return b.Bytes()
}
