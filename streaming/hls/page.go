package hls

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Page is a list at one moment. It does not change.
type Page struct {
	Segments []*Segment // the oldest first; the first ones may have left the list
	Next     uint64     // sequence number of the segment that is not whole yet
	Hint     string     // name of the part that comes next; empty: none does
	Ended    bool

	Peak, Average int // bit/s of the segments

	Form Form // it may be set before the page is used

	growing *Segment      // with the parts after the last segment; nil: there are none
	part    time.Duration // the longest part
	*playlists
	starts *starts // nil: it is no long list
}

// Form is how a list is written.
type Form struct {
	Base       string // the URL that names of files are appended to; empty: they are relative
	DateRanges bool   // it has a tag for each title

	// Renditions returns the other lists between which players can change; nil: there are none. A
	// list with parts tells how far they are.
	Renditions func() []Rendition
}

// Page returns the list as it is now.
func (l *List) Page() *Page {
	p := &Page{Segments: slices.Clone(l.segments), Next: l.Next(), Ended: l.ended, growing: l.growing, part: l.part}
	if !l.ended {
		p.Hint = l.hint
	}
	t := &text{
		target: l.target, sequence: l.sequence + uint64(l.first), discontinuity: l.discontinuity,
		ended: l.ended, shown: p.Segments[l.first:], part: l.part, growing: l.growing, hint: p.Hint,
	}
	if l.part > 0 || l.listed*l.target > minSkippable {
		t.skipUntil = skipTargets * l.target
	}
	if l.long {
		t.start = startTargets * t.target
		p.starts = new(starts)
	}
	p.playlists = t.playlists(&p.Form)
	var bits, seconds float64
	for _, s := range l.segments {
		b := 8 * float64(s.Size)
		p.Peak = max(p.Peak, int(math.Ceil(b/s.Seconds())))
		bits, seconds = bits+b, seconds+s.Seconds()
	}
	if seconds > 0 {
		p.Average = int(math.Ceil(bits / seconds))
	}
	return p
}

// File is a segment, a part of one, or an init.
type File struct {
	Data  []byte // nil: it is at Place
	Size  int
	Place Place
}

// Find returns the file of a name, nil if there is none.
func (p *Page) Find(name string) *File {
	number, _, _ := strings.Cut(name, "-")
	number, part, isPart := strings.Cut(number, ".")
	if sequence, err := strconv.ParseUint(number, 10, 64); err == nil {
		s := p.Segment(sequence)
		switch {
		case s == nil:
			return nil
		case isPart:
			return s.part(part, name)
		case s.Name == name:
			return &File{s.Data, s.Size, s.Place}
		}
		return nil
	}
	var last *Init
	for _, s := range p.all() {
		if s.Init != last && s.Init != nil && s.Init.Name == name {
			return &File{Data: s.Init.Data, Size: len(s.Init.Data)}
		}
		last = s.Init
	}
	return nil
}

// Segment returns the segment with a number, also if it is not whole; nil: there is none.
func (p *Page) Segment(sequence uint64) *Segment {
	if p.growing != nil && p.growing.Sequence == sequence {
		return p.growing
	}
	i, found := slices.BinarySearchFunc(p.Segments, sequence, func(s *Segment, want uint64) int { return cmp.Compare(s.Sequence, want) })
	if !found {
		return nil
	}
	return p.Segments[i]
}

// all returns all segments, and the one that is not whole.
func (p *Page) all() []*Segment {
	if p.growing == nil {
		return p.Segments
	}
	return append(p.Segments[:len(p.Segments):len(p.Segments)], p.growing)
}

// part returns the part with a number if it has a name.
func (s *Segment) part(number, name string) *File {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(s.Parts) || s.Parts[i].Name != name {
		return nil
	}
	return &File{Data: s.Parts[i].Data, Size: len(s.Parts[i].Data)}
}

// After returns the bytes of the segments after a sequence number, of the last three if that
// is 0, as a player begins there; and the number of the last.
func (p *Page) After(sequence uint64) (n, last uint64) {
	for i, s := range slices.Backward(p.Segments) {
		last = max(last, s.Sequence)
		if s.Sequence <= sequence || sequence == 0 && i < len(p.Segments)-3 {
			break
		}
		n += uint64(s.Size)
	}
	return n, last
}

// Variant is a list that players can choose, at a relative URI. It must have segments.
type Variant struct {
	Page *Page
	URI  string
}

// Entry returns the multivariant playlist (RFC 8216, 4.3.4) of lists, the best first, under a title,
// which may be empty. Players begin so many seconds before the end as start says, which the lists must
// say, too (4.3.5); 0: it is said by each list alone.
func Entry(title string, start int, all ...Variant) string {
	var b strings.Builder
	version := 3
	for _, v := range all {
		if v.Page.last().Init != nil {
			version = 6
		}
	}
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:" + strconv.Itoa(version) + "\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	if title = quotable(title); title != "" {
		b.WriteString(`#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.title",VALUE="` + title + "\"\n")
	}
	if start > 0 {
		b.WriteString(startTag + strconv.Itoa(start) + "\n")
	}
	for _, v := range all {
		b.WriteString("#EXT-X-STREAM-INF:BANDWIDTH=" + strconv.Itoa(v.Page.Peak) + ",AVERAGE-BANDWIDTH=" + strconv.Itoa(v.Page.Average) +
			`,CODECS="` + v.Page.last().Codec + "\"\n" + v.URI + "\n")
	}
	return b.String()
}

func (p *Page) last() *Segment { return p.Segments[len(p.Segments)-1] }

// IsFragmented reports whether the segments are in fMP4.
func (p *Page) IsFragmented() bool { return p.last().Init != nil }

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
	case format.AC3:
		return "ac-3"
	case format.EAC3:
		return "ec-3"
	case format.MPEGTS:
		return codecName(c.Carries)
	}
	return "Opus"
}
