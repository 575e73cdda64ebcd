package hls

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listed is a playlist as a player reads it.
type listed struct {
	target, sequence, discontinuity int
	names                           []string
	lengths                         []float64
	times                           []time.Time
	marks                           []bool
	maps                            []string
	ended                           bool
	titles                          []ranged
}

// ranged is a title as a player reads it.
type ranged struct {
	id, title string
	at        time.Time
}

// titleTag is the tag of a title: its ID, date, title, and the other attributes.
var titleTag = regexp.MustCompile(`^ID="([0-9]+-[0-9]+)",CLASS="org.caddycast.title",START-DATE="([^"]+)",END-ON-NEXT=YES(?:,X-TITLE="([^"[:cntrl:]]+)")?(?:,X-ARTIST="[^"[:cntrl:]]+")?(?:,X-URL="[^"[:cntrl:]]+")?$`)

func parse(t *testing.T, text []byte) (l listed) {
	t.Helper()
	mark, mapped := false, ""
	var at time.Time
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		tag, value, _ := strings.Cut(line, ":")
		number, _ := strconv.Atoi(value)
		switch tag {
		case "#EXT-X-TARGETDURATION":
			l.target = number
		case "#EXT-X-MEDIA-SEQUENCE":
			l.sequence = number
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.discontinuity = number
		case "#EXT-X-DISCONTINUITY":
			mark = true
		case "#EXT-X-MAP":
			mapped = value
		case "#EXT-X-PROGRAM-DATE-TIME":
			at, _ = time.Parse(time.RFC3339, value)
		case "#EXTINF":
			d, _ := strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			l.lengths = append(l.lengths, d)
		case "#EXT-X-ENDLIST":
			l.ended = true
		case "#EXT-X-DATERANGE":
			m := titleTag.FindStringSubmatch(value)
			if m == nil {
				t.Fatalf("a title that players can't read: %q", line)
			}
			start, err := time.Parse(timeFormat, m[2])
			if err != nil {
				t.Fatal(err)
			}
			l.titles = append(l.titles, ranged{m[1], m[3], start})
		default:
			if !strings.HasPrefix(line, "#") {
				l.names, l.times, l.marks, l.maps = append(l.names, line), append(l.times, at), append(l.marks, mark), append(l.maps, mapped)
				mark = false
			}
		}
	}
	return l
}

// has reports whether a file can be loaded.
func has(p *Page, name string) bool { return p.Find(name) != nil }

// checkTitles checks the titles of a list: an ID is that of one title for ever, and there is one for
// each moment of the list, but none that ended before it.
func checkTitles(t *testing.T, l listed, known map[string]ranged) {
	t.Helper()
	for i, r := range l.titles {
		if before, seen := known[r.id]; seen && before != r {
			t.Fatalf("%+v was %+v", r, before)
		}
		known[r.id] = r
		switch {
		case i == 0 && r.at.After(l.times[0]):
			t.Fatalf("the list begins at %v, and its first title at %v", l.times[0], r.at)
		case i == 1 && !r.at.After(l.times[0]):
			t.Fatalf("%+v ended before the list begins at %v", l.titles[0], l.times[0])
		case i > 0 && !r.at.After(l.titles[i-1].at):
			t.Fatalf("%+v follows %+v", r, l.titles[i-1])
		}
	}
	if len(l.titles) == 0 {
		t.Fatal("a list without titles")
	}
}

// The laws of a playlist (RFC 8216, 6.2), over half an hour with titles, pauses and changes of
// the rate, looked at after each segment.
func TestPlaylistsKeepTheLaws(t *testing.T) {
	for _, segment := range []time.Duration{time.Second, 6 * time.Second, 10 * time.Second} {
		other := *mp3
		other.Rate = 48000
		p, l := newPlayer(segment), NewList(segment, 10, 100, 5)
		sequences, discontinuities, titles := make(map[string]int), 0, make(map[string]ranged)
		left, clock := make(map[string]time.Duration), time.Duration(0)
		for step := range 90 {
			c := mp3
			if step/20%2 == 1 {
				c = &other
			}
			p.play(c, Title{Name: strconv.Itoa(step)}, 9*time.Second+time.Duration(step%7)*500*time.Millisecond)
			if step%25 == 24 {
				p.now = p.now.Add(20 * time.Second)
			}
			for _, s := range p.done {
				clock += p.s.lasts(s.Samples)
				before := parse(t, l.Page().Full().Text)
				l.Add(s)
				page := l.Page()
				page.Form.DateRanges = true
				now := parse(t, page.Full().Text)
				if now.target != int(segment.Seconds()) || len(before.names) > 0 && (now.sequence != before.sequence+max(0, len(before.names)-9)) {
					t.Fatalf("target %d, sequence %d after %d of %d", now.target, now.sequence, before.sequence, len(before.names))
				}
				for i, name := range now.names {
					seq, seen := sequences[name]
					if seen && seq != now.sequence+i || math.Round(now.lengths[i]) > float64(now.target) {
						t.Fatalf("%s has the numbers %d and %d, and %g s", name, seq, now.sequence+i, now.lengths[i])
					}
					sequences[name] = now.sequence + i
				}
				if now.marks[len(now.marks)-1] {
					discontinuities++
				}
				checkTitles(t, now, titles)
				shown := 0
				for _, m := range now.marks {
					if m {
						shown++
					}
				}
				if now.discontinuity != 5+discontinuities-shown {
					t.Fatalf("discontinuity %d, want %d", now.discontinuity, 5+discontinuities-shown)
				}
				if len(before.names) == 10 {
					left[before.names[0]] = clock
				}
				for name, at := range left {
					if clock-at < 10*segment && !has(page, name) {
						t.Fatalf("%s is gone %v after it left the list", name, clock-at)
					}
				}
			}
			p.done = p.done[:0]
		}
		if len(l.segments) > 50 {
			t.Errorf("%d segments are kept", len(l.segments))
		}
		l.End()
		page := l.Page()
		if now := parse(t, page.Full().Text); !now.ended || !page.Ended || has(page, "nothing") {
			t.Error("the end is not shown")
		}
		r, err := gzip.NewReader(bytes.NewReader(page.Full().Gzip))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(r); err != nil || !bytes.Equal(plain, page.Full().Text) {
			t.Errorf("compressed it is another: %v", err)
		}
	}
}
