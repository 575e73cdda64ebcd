package hls

import (
	"strconv"
	"strings"
	"time"
)

// text is the content of a media playlist.
type text struct {
	target                  int    // seconds
	start                   int    // seconds before the end, where players begin; 0: they decide
	sequence, discontinuity uint64 // of the first segment
	ended                   bool
	shown                   []*Segment
	part                    time.Duration // the longest part; 0: there are none
	growing                 *Segment      // may be nil
	hint                    string        // name of the next part; empty: none comes
	skipUntil               int           // seconds before the end up to which an update may be a delta; 0: none is
}

// A list that can be longer than minSkippable has updates without the segments that are further
// than skipTargets of its longest segments from its end (RFC 8216bis, 6.2.5.1).
const (
	minSkippable = 120 // seconds
	skipTargets  = 6
)

// startTargets is how far from the end of a list players begin, in longest segments or parts. In a
// long list some would begin with its first segment.
const startTargets = 3

const startTag = "#EXT-X-START:TIME-OFFSET=-"

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
func (t *text) render(form Form, skipped int) []byte {
	version := uint64(3)
	switch {
	case skipped > 0:
		version = 9
	case len(t.shown) > 0 && t.shown[0].Init != nil:
		version = 6
	}
	l := &lines{form: form, text: make([]byte, 0, 512+128*(len(t.shown)-skipped))}
	l.add("#EXTM3U")
	l.number("#EXT-X-VERSION:", version)
	l.number("#EXT-X-TARGETDURATION:", uint64(t.target))
	t.renderOffers(l)
	l.number("#EXT-X-MEDIA-SEQUENCE:", t.sequence)
	l.number("#EXT-X-DISCONTINUITY-SEQUENCE:", t.discontinuity)
	l.add("#EXT-X-INDEPENDENT-SEGMENTS")
	if t.start > 0 {
		l.number(startTag, uint64(t.start))
	}
	if skipped > 0 {
		l.number("#EXT-X-SKIP:SKIPPED-SEGMENTS=", uint64(skipped))
	}
	inParts := t.inParts()
	for i, s := range t.shown {
		if l.titles(s); i < skipped { // players that skip segments do not skip date ranges
			continue
		}
		if l.begin(s); i >= inParts {
			l.parts(s)
		}
		l.text = strconv.AppendFloat(append(l.text, "#EXTINF:"...), s.Seconds(), 'f', 5, 64)
		l.add(",")
		l.add(l.form.Base, s.Name)
	}
	if t.growing != nil {
		l.titles(t.growing)
		l.begin(t.growing)
		l.parts(t.growing)
	}
	if t.hint != "" {
		l.add(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="`, l.form.Base, t.hint, `"`)
	}
	if t.ended {
		l.add("#EXT-X-ENDLIST")
	}
	if t.part > 0 && form.Renditions != nil {
		for _, r := range form.Renditions() {
			l.rendition(&r)
		}
	}
	return l.text
}

// renderOffers tells players what they may ask for.
func (t *text) renderOffers(l *lines) {
	var offers []string
	if t.part > 0 {
		offers = append(offers, "CAN-BLOCK-RELOAD=YES", "PART-HOLD-BACK="+seconds(startTargets*t.part))
	}
	if t.skipUntil > 0 {
		offers = append(offers, "CAN-SKIP-UNTIL="+strconv.Itoa(t.skipUntil))
	}
	if len(offers) > 0 {
		l.add("#EXT-X-SERVER-CONTROL:", strings.Join(offers, ","))
	}
	if t.part > 0 {
		l.add("#EXT-X-PART-INF:PART-TARGET=", seconds(t.part))
	}
}

// seconds returns a duration as a decimal number of seconds.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// lines are the lines of a media playlist.
type lines struct {
	text []byte
	form Form
	init string // in force

	title TitleRange // the last one
}

// add adds a line.
func (l *lines) add(pieces ...string) {
	for _, p := range pieces {
		l.text = append(l.text, p...)
	}
	l.text = append(l.text, '\n')
}

func (l *lines) number(tag string, n uint64) {
	l.text = append(strconv.AppendUint(append(l.text, tag...), n, 10), '\n')
}

// titles adds the titles of a segment that are not there yet.
func (l *lines) titles(s *Segment) {
	for i := range s.Titles {
		if r := &s.Titles[i]; l.form.DateRanges && !r.is(&l.title) {
			l.text, l.title = r.append(l.text), *r
		}
	}
}

// begin adds what stands before a segment, or before the first part of one.
func (l *lines) begin(s *Segment) {
	if s.Discontinuity {
		l.add("#EXT-X-DISCONTINUITY")
	}
	if s.Init != nil && s.Init.Name != l.init {
		l.init = s.Init.Name
		l.add(`#EXT-X-MAP:URI="`, l.form.Base, l.init, `"`)
	}
	l.text = append(s.Time.UTC().AppendFormat(append(l.text, "#EXT-X-PROGRAM-DATE-TIME:"...), timeFormat), '\n')
}

// parts adds the parts of a segment.
func (l *lines) parts(s *Segment) {
	for _, p := range s.Parts {
		l.text = strconv.AppendFloat(append(l.text, "#EXT-X-PART:DURATION="...), float64(p.Samples)/float64(s.Rate), 'f', 5, 64)
		l.add(`,URI="`, l.form.Base, p.Name, `",INDEPENDENT=YES`)
	}
}
