package hls

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// Remote is a media playlist that another node has made. Its segments have no data yet, and the
// inits of its segments neither.
type Remote struct {
	Text                    []byte
	Target                  int // seconds
	Part                    time.Duration
	Sequence, Discontinuity uint64
	Segments                []*Segment
	Growing                 *Segment // with parts, and not whole; nil: there is none
	Hint                    string   // name of the next part; may be empty
	Ended                   bool
}

const (
	// MaxRemote is the longest playlist of another node, in bytes.
	MaxRemote = 1 << 20

	maxName   = 80   // bytes
	maxListed = 2000 // segments and parts

	// remoteRate is the rate of samples in a Remote: lengths have five decimals.
	remoteRate = 100000
)

// ParsePlaylist reads a playlist as Page.Full returns it. Names are those of files beside it.
func ParsePlaylist(text []byte) (*Remote, error) {
	r := &Remote{Text: text}
	p := &parser{r: r, next: new(Segment), init: new(Init)}
	if len(text) > MaxRemote || !bytes.HasPrefix(text, []byte("#EXTM3U\n")) || !bytes.HasSuffix(text, []byte("\n")) {
		return nil, errors.New("playlist: not a media playlist; expected one of another node")
	}
	for line := range strings.Lines(string(text)) {
		if err := p.take(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("playlist: %.100q: %w", line, err)
		}
	}
	if p.next.Samples != 0 || r.Target == 0 {
		return nil, errors.New("playlist: incomplete; expected a target duration, and a name for each segment")
	}
	if p.next.Parts != nil {
		r.Growing = p.segment()
	}
	return r, nil
}

// parser reads lines.
type parser struct {
	r    *Remote
	next *Segment // the one that the lines tell of
	init *Init    // in force

	files int // so far
}

var (
	errNumber = errors.New("not a number; expected one that is not too great")
	errName   = errors.New("not the name of a file; expected letters, digits, dots and dashes")
	errTime   = errors.New("not a time; expected one such as 2026-01-02T15:04:05.000Z")
)

// take takes a line. Unknown tags are left out.
func (p *parser) take(line string) (err error) {
	if line == "" || line[0] != '#' {
		return p.end(line)
	}
	tag, value, _ := strings.Cut(line, ":")
	switch tag {
	case "#EXT-X-TARGETDURATION":
		p.r.Target, err = number[int](value, 60)
	case "#EXT-X-MEDIA-SEQUENCE":
		p.r.Sequence, err = number[uint64](value, 1<<40)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		p.r.Discontinuity, err = number[uint64](value, 1<<40)
	case "#EXT-X-PART-INF":
		var samples uint64
		samples, err = samplesOf(attribute(value, "PART-TARGET"))
		p.r.Part = time.Duration(samples) * time.Second / remoteRate
	case "#EXT-X-DISCONTINUITY":
		p.next.Discontinuity = true
	case "#EXT-X-MAP":
		p.init, err = &Init{Name: attribute(value, "URI")}, checkName(attribute(value, "URI"))
	case "#EXT-X-PROGRAM-DATE-TIME":
		if p.next.Time, err = time.Parse(timeFormat, value); err != nil {
			err = errTime
		}
	case "#EXT-X-PART":
		err = p.part(value)
	case "#EXTINF":
		p.next.Samples, err = samplesOf(strings.TrimSuffix(value, ","))
	case "#EXT-X-PRELOAD-HINT":
		p.r.Hint, err = attribute(value, "URI"), checkName(attribute(value, "URI"))
	case "#EXT-X-ENDLIST":
		p.r.Ended = true
	}
	return err
}

// count bounds the files of a list.
func (p *parser) count() error {
	if p.files++; p.files > maxListed {
		return errors.New("too many files; expected 2000 at most")
	}
	return nil
}

// part takes a part of the next segment.
func (p *parser) part(value string) error {
	if err := p.count(); err != nil {
		return err
	}
	samples, err := samplesOf(attribute(value, "DURATION"))
	if err != nil {
		return err
	}
	name := attribute(value, "URI")
	p.next.Parts = append(p.next.Parts, &Part{Name: name, Samples: samples})
	return checkName(name)
}

// end takes the name of a segment, which is the end of its lines.
func (p *parser) end(name string) error {
	if p.next.Samples == 0 {
		return errors.New("a name without a length; expected EXTINF before it")
	}
	if err := p.count(); err != nil {
		return err
	}
	p.next.Name = name
	p.r.Segments = append(p.r.Segments, p.segment())
	return checkName(name)
}

// segment returns the next segment, and begins another one.
func (p *parser) segment() *Segment {
	s := p.next
	s.Sequence, s.Rate = p.r.Sequence+uint64(len(p.r.Segments)), remoteRate
	if p.init.Name != "" {
		s.Init = p.init
	}
	p.next = new(Segment)
	return s
}

func number[N int | uint64](text string, most N) (N, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > uint64(most) {
		return 0, errNumber
	}
	return N(n), nil
}

// samplesOf returns a decimal number of seconds in samples of a Remote.
func samplesOf(text string) (uint64, error) {
	const most = 3600
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0 && seconds <= most) {
		return 0, errNumber
	}
	return max(1, uint64(seconds*remoteRate+0.5)), nil
}

// attribute returns the value of an attribute of a tag, without quotes.
func attribute(list, name string) string {
	for item := range strings.SplitSeq(list, ",") {
		if value, ok := strings.CutPrefix(item, name+"="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// checkName refuses what is no name of a file of HLS: no folder or host can be in it.
func checkName(name string) error {
	plain := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' }
	if len(name) > maxName || ContentType(name) == "" || name[0] == '.' || strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) >= 0 {
		return errName
	}
	return nil
}

// Next returns the number of the next segment.
func (r *Remote) Next() uint64 { return r.Sequence + uint64(len(r.Segments)) }

// Length returns how long segments may be.
func (r *Remote) Length() time.Duration { return time.Duration(r.Target) * time.Second }

// NewList returns the list that a remote playlist shows.
func (r *Remote) NewList() *List {
	l := NewList(r.Length(), len(r.Segments), r.Sequence, r.Discontinuity)
	l.Follow(r)
	return l
}

// Kind returns what the segments have in common. There must be some, whose codec is known.
func (r *Remote) Kind() Kind {
	s := r.Segments[0]
	return Kind{Codec: s.format(), Ending: path.Ext(s.Name), Segment: r.Length()}
}

// format returns the name of the codec, as format.Codec has it.
func (s *Segment) format() string {
	switch path.Ext(s.Name) {
	case ".mp3":
		return format.MP3
	case endingTS:
		return format.MPEGTS
	}
	switch s.Codec {
	case "Opus":
		return format.Opus
	case "fLaC":
		return format.FLAC
	}
	return format.AAC
}

// GoOn returns the options of a segmenter for what follows a segment of another node.
func (s *Segment) GoOn(o Options) Options {
	o.FMP4, o.GoesOn, o.Start = path.Ext(s.Name) == endingFMP4, true, s.End()
	return o
}

// MayPrecede reports whether players bear a segment of a codec after this one, in one list.
func (s *Segment) MayPrecede(c *format.Codec, o *Options) bool {
	return s.format() == c.Name && path.Ext(s.Name) == o.ending(c)
}

// Quote makes the text of a page that of a remote playlist, with the base of the page's form before the
// names.
func (p *Page) Quote(text []byte) {
	if p.Form.Base == "" && bytes.Equal(p.text.render(p.Form, 0), text) {
		return
	}
	quoted := sync.OnceValue(func() *Playlist { return newPlaylist(withBase(text, p.Form.Base)) })
	p.full, p.delta = quoted, quoted
	p.relative = sync.OnceValue(func() *Playlist { return newPlaylist(text) })
}

// withBase returns a playlist with a base before the names of files.
func withBase(text []byte, base string) []byte {
	if base == "" {
		return text
	}
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		switch tag, _, _ := bytes.Cut(line, []byte(":")); string(tag) {
		case "#EXT-X-MAP", "#EXT-X-PART", "#EXT-X-PRELOAD-HINT":
			line = bytes.Replace(line, []byte(`URI="`), []byte(`URI="`+base), 1)
		default:
			if line[0] != '#' {
				b.WriteString(base)
			}
		}
		b.Write(line)
	}
	return b.Bytes()
}

// Follow takes what is new in a remote playlist. It reports false if that does not go on where the list
// ends, or has other segments under numbers of this one, as after a quick restart: it is another list.
func (l *List) Follow(r *Remote) bool {
	next := l.Next()
	if r.Sequence > next || r.Sequence+uint64(len(r.Segments)) < next {
		return false
	}
	for _, s := range r.Segments[:next-r.Sequence] {
		if s.Sequence >= l.sequence && l.segments[s.Sequence-l.sequence].Name != s.Name {
			return false
		}
	}
	l.LowLatency(r.Part)
	l.listed = max(l.listed, len(r.Segments)) // none leaves too early
	for _, s := range r.Segments[next-r.Sequence:] {
		l.Add(s)
	}
	l.Show(len(r.Segments))
	l.growing, l.hint = r.Growing, r.Hint
	if r.Ended {
		l.End()
	}
	return true
}
