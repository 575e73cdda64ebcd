package hls

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/icy"
)

// TitleRange is a title, and when it began to sound at the source. It lasts until the next one
// begins. An empty title is the end of the one before. Sequence, the segment in which it begins, and
// Number, which of that segment's titles it is, are unique for ever in a mount.
type TitleRange struct {
	Sequence uint64
	Number   int
	Time     time.Time
	Title    Title
}

func (r *TitleRange) is(o *TitleRange) bool { return r.Sequence == o.Sequence && r.Number == o.Number }

// mark is a title, and the time where it begins.
type mark struct {
	at     uint64
	number int // of the titles that begin in the segment
	title  Title
}

// maxTitles bounds the titles that begin in a segment. Of more, the last one takes the place of the
// one before.
const maxTitles = 8

// noteMark appends the title that begins at a time.
func noteMark(all []mark, at uint64, t Title) []mark {
	number := 0
	if n := len(all); n > 0 {
		if number = all[n-1].number + 1; n == maxTitles {
			all = all[:n-1]
		}
	}
	return append(all, mark{at, number, t})
}

// titles returns the titles of the open segment, which began at a time: the one that goes on in it, and
// those that begin in it.
func (s *Segmenter) titles(began time.Time) (all []TitleRange) {
	if !s.goesOn.Time.IsZero() && (len(s.marks) == 0 || s.marks[0].at > s.start) {
		all = append(all, s.goesOn)
	}
	for _, m := range s.marks {
		all = append(all, TitleRange{s.next, m.number, began.Add(s.lasts(m.at - s.start)), m.title})
	}
	return all
}

// keepTitle keeps the last title for the segments that follow.
func (s *Segmenter) keepTitle(all []TitleRange) {
	if len(all) > 0 {
		s.goesOn = all[len(all)-1]
	}
	s.marks = s.marks[:0]
}

// titleClass is the CLASS of titles: players know by it which ranges follow each other.
const titleClass = "org.caddycast.title"

// append appends the tag of the range (RFC 8216bis, 4.4.5.1).
func (r *TitleRange) append(b []byte) []byte {
	b = strconv.AppendUint(append(b, `#EXT-X-DATERANGE:ID="`...), r.Sequence, 10)
	b = strconv.AppendInt(append(b, '-'), int64(r.Number), 10)
	b = r.Time.UTC().AppendFormat(append(b, `",CLASS="`+titleClass+`",START-DATE="`...), timeFormat)
	b = append(b, `",END-ON-NEXT=YES`...)
	for _, a := range [...]struct{ name, text string }{{"X-TITLE", r.Title.Name}, {"X-ARTIST", r.Title.Artist}, {"X-URL", r.Title.URL}} {
		if text := quotable(a.text); text != "" {
			b = append(append(append(append(b, ','), a.name...), `="`...), text...)
			b = append(b, '"')
		}
	}
	return append(b, '\n')
}

// quotable returns a text for a quoted string (RFC 8216, 4.2), which has no quotes and no line ends.
func quotable(text string) string {
	return icy.Cut(strings.ReplaceAll(icy.Clean(text), `"`, "'"), maxText)
}
