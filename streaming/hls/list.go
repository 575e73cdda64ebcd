package hls

import (
	"bytes"
	"compress/gzip"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// List is the window of segments that players see, and those that have just left it.
type List struct {
	target        int // seconds; the longest segment, rounded
	listed        int // segments
	discontinuity uint64
	ended         bool
	segments      []*Segment // the oldest first
}

// NewList returns an empty list of segments of a length, of which so many are shown.
// discontinuity is the number of its first discontinuity: small, and other than that of a list
// before it.
func NewList(segment time.Duration, listed int, discontinuity uint64) *List {
	return &List{target: int(math.Ceil(segment.Seconds())), listed: listed, discontinuity: discontinuity}
}

// Last returns the number of the last discontinuity.
func (l *List) Last() uint64 {
	n := l.discontinuity
	for _, s := range l.segments[l.first():] {
		if s.Discontinuity {
			n++
		}
	}
	return n
}

// Show changes how many segments are shown.
func (l *List) Show(listed int) { l.listed = listed }

// End marks the list as complete: nothing follows.
func (l *List) End() { l.ended = true }

// Add adds a segment. Those that leave the list can be loaded for their own length and that of
// the list (RFC 8216, 6.2.2), and are dropped then.
func (l *List) Add(s *Segment) {
	before := l.first()
	l.segments = append(l.segments, s)
	for _, left := range l.segments[before:l.first()] {
		if left.Discontinuity {
			l.discontinuity++
		}
	}
	for l.isOver() {
		l.segments = slices.Delete(l.segments, 0, 1)
	}
}

// isOver reports whether the oldest segment was loadable for long enough since it left the list.
func (l *List) isOver() bool {
	since := 0.0
	for i := l.listed + 1; i < len(l.segments); i++ {
		since += l.segments[i].Seconds()
	}
	return since >= float64(l.listed*l.target)+l.segments[0].Seconds()
}

// first returns the index of the first segment that is shown.
func (l *List) first() int { return max(0, len(l.segments)-l.listed) }

// Page is a list at one moment. It does not change.
type Page struct {
	Text, Gzip []byte // the media playlist
	Segments   []*Segment
	Ended      bool

	Peak, Average int // bit/s of the segments
}

// Page returns the list as it is now.
func (l *List) Page() *Page {
	p := &Page{Text: l.render(), Segments: slices.Clone(l.segments), Ended: l.ended}
	p.Gzip = compress(p.Text)
	var bits, seconds float64
	for _, s := range l.segments {
		b := 8 * float64(len(s.Data))
		p.Peak = max(p.Peak, int(math.Ceil(b/s.Seconds())))
		bits, seconds = bits+b, seconds+s.Seconds()
	}
	if seconds > 0 {
		p.Average = int(math.Ceil(bits / seconds))
	}
	return p
}

// File returns the content of a segment or an init, nil if there is none of that name.
func (p *Page) File(name string) []byte {
	for _, s := range p.Segments {
		if s.Name == name {
			return s.Data
		}
		if s.Init != nil && s.Init.Name == name {
			return s.Init.Data
		}
	}
	return nil
}

// After returns the bytes of the segments after a sequence number, of the last three if that
// is 0, as a player begins there; and the number of the last.
func (p *Page) After(sequence uint64) (n, last uint64) {
	for i, s := range p.Segments {
		if sequence > 0 && s.Sequence > sequence || sequence == 0 && i >= len(p.Segments)-3 {
			n += uint64(len(s.Data))
		}
		last = s.Sequence
	}
	return n, last
}

// timeFormat is that of EXT-X-PROGRAM-DATE-TIME.
const timeFormat = "2006-01-02T15:04:05.000Z"

// render returns the media playlist (RFC 8216, 4.3.3 and 6.2).
func (l *List) render() []byte {
	shown := l.segments[l.first():]
	version, sequence := 3, uint64(0)
	if len(shown) > 0 {
		if sequence = shown[0].Sequence; shown[0].Init != nil {
			version = 6
		}
	}
	b := make([]byte, 0, 256+128*len(shown))
	line := func(tag string, n uint64) { b = append(strconv.AppendUint(append(b, tag...), n, 10), '\n') }
	b = append(b, "#EXTM3U\n"...)
	line("#EXT-X-VERSION:", uint64(version))
	line("#EXT-X-TARGETDURATION:", uint64(l.target))
	line("#EXT-X-MEDIA-SEQUENCE:", sequence)
	line("#EXT-X-DISCONTINUITY-SEQUENCE:", l.discontinuity)
	b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	var init *Init
	for _, s := range shown {
		if s.Discontinuity {
			b = append(b, "#EXT-X-DISCONTINUITY\n"...)
		}
		if s.Init != nil && s.Init != init {
			init = s.Init
			b = append(append(append(b, `#EXT-X-MAP:URI="`...), init.Name...), "\"\n"...)
		}
		b = append(s.Time.UTC().AppendFormat(append(b, "#EXT-X-PROGRAM-DATE-TIME:"...), timeFormat), '\n')
		b = strconv.AppendFloat(append(b, "#EXTINF:"...), s.Seconds(), 'f', 5, 64)
		b = append(append(append(b, ",\n"...), s.Name...), '\n')
	}
	if l.ended {
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

// Entry returns the multivariant playlist (RFC 8216, 4.3.4) of one list of a codec, at a
// relative URI.
func (p *Page) Entry(c *format.Codec, uri string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	version := "3"
	if len(p.Segments) > 0 && p.Segments[0].Init != nil {
		version = "6"
	}
	b.WriteString("#EXT-X-VERSION:" + version + "\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=" + strconv.Itoa(p.Peak) +
		",AVERAGE-BANDWIDTH=" + strconv.Itoa(p.Average) + `,CODECS="` + codecName(c) + "\"\n" + uri + "\n")
	return b.String()
}

// codecName returns the name of a codec in CODECS (RFC 6381). HE-AAC looks like AAC-LC of half
// the rate in ADTS.
func codecName(c *format.Codec) string {
	const mostHalved = 24000
	switch c.Name {
	case format.MP3:
		return "mp4a.40.34"
	case format.AAC:
		if c.Rate <= mostHalved {
			return "mp4a.40.5"
		}
		return "mp4a.40." + strconv.Itoa(int(c.Setup[0]>>3))
	case format.FLAC:
		return "fLaC"
	}
	return "Opus"
}
