package hls

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// A title is in the list from where it was set in the sound, also if no segment begins there, and as
// long as a segment is listed that it sounds in. That it ended is there, too.
func TestTitlesAreInTheListWhereTheyWereSet(t *testing.T) {
	for _, tagged := range []bool{true, false} {
		p, l := newPlayer(6*time.Second), NewList(6*time.Second, 3, 100, 5)
		p.s.SetTags(tagged)
		type span struct {
			title Title
			time.Duration
		}
		for _, s := range []span{{Title{}, 7 * time.Second}, {Title{Name: "A"}, 40 * time.Second}, {Title{Name: "B"}, 2 * time.Second}, {Title{}, 10 * time.Second}, {Title{Name: "A"}, 7 * time.Second}} {
			p.play(mp3, s.title, s.Duration)
		}
		var all []ranged
		for i, s := range p.done {
			l.Add(s)
			page := l.Page()
			if text := page.Full().Text; bytes.Contains(text, []byte("DATERANGE")) {
				t.Fatalf("not asked for:\n%s", text)
			}
			page = l.Page()
			page.Form.DateRanges = true
			titles := parse(t, page.Full().Text).titles
			if i == 5 && len(titles) != 1 {
				t.Errorf("in the middle of a title: %v", titles)
			}
			for _, r := range titles {
				if len(all) == 0 || all[len(all)-1].id < r.id {
					all = append(all, r)
				}
			}
		}
		at := began.Add(7 * time.Second)
		for i, want := range []span{{Title{Name: "A"}, 40 * time.Second}, {Title{Name: "B"}, 2 * time.Second}, {Title{}, 10 * time.Second}, {Title{Name: "A"}, 0}} {
			if i >= len(all) || all[i].title != want.title.Name || all[i].at.Sub(at).Abs() > 60*time.Millisecond {
				t.Fatalf("title %d of %v, want %s at %v", i, all, want.title.Name, at)
			}
			at = at.Add(want.Duration)
		}
		if has := bytes.Contains(p.done[3].Data, []byte("TIT2")); has != tagged {
			t.Errorf("a tag in the sound: %v, want %v", has, tagged)
		}
		if !tagged && !equal(p.lengths(), []float64{6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6}) {
			t.Errorf("titles that are not in segments cut them: %v", p.lengths())
		}
	}
}

// Whatever a title is, the tag can be read.
func TestAnyTitleFitsIntoATag(t *testing.T) {
	for name, want := range map[string]string{
		`The "Best" 🎸 of`:     "The 'Best' 🎸 of",
		"a\r\n#EXT-X-ENDLIST": "a  #EXT-X-ENDLIST",
		"\x00\x1b[0m\u2028":   "[0m",
		"b\xff":               "bÿ",
		`"`:                   "'",
		"\x01":                "",
	} {
		r := TitleRange{Sequence: 1, Time: began, Title: Title{Name: name, Artist: name, URL: name}}
		line := string(r.append(nil))
		m := titleTag.FindStringSubmatch(strings.TrimSuffix(strings.TrimPrefix(line, "#EXT-X-DATERANGE:"), "\n"))
		if m == nil || m[3] != want || strings.Count(line, "\n") != 1 {
			t.Errorf("%q is %q", name, line)
		}
	}
	long := TitleRange{Title: Title{Name: strings.Repeat("🎸", 5000)}}
	if line := long.append(nil); len(line) > maxText+200 || !bytes.HasSuffix(line, []byte("🎸\"\n")) {
		t.Errorf("a long title: %d bytes", len(line))
	}
}

// A source that changes its title with each packet costs little.
func TestTitlesOfASegmentAreBounded(t *testing.T) {
	p := newPlayer(6 * time.Second)
	for i := range 700 {
		p.play(opus, Title{Name: strings.Repeat("x", i%100+1)}, 20*time.Millisecond)
	}
	for _, s := range p.done {
		if n := len(s.Titles); n > maxTitles+1 {
			t.Errorf("a segment of %g s has %d titles", s.Seconds(), n)
		}
		if n := bytes.Count(s.Data, []byte("TIT2")); n > maxTitles {
			t.Errorf("a segment has %d events", n)
		}
	}
}

// An update leaves out segments, and no titles.
func TestAnUpdateHasAllTitles(t *testing.T) {
	p := newPlayer(6 * time.Second)
	l := NewList(6*time.Second, 100, 100, 5)
	for i := range 30 {
		p.play(mp3, Title{Name: strings.Repeat("x", i+1)}, 20*time.Second)
	}
	for _, s := range p.done {
		l.Add(s)
	}
	page := l.Page()
	page.Form.DateRanges = true
	full, delta := parse(t, page.Full().Text), parse(t, page.Delta().Text)
	if len(full.titles) < 25 || len(delta.titles) != len(full.titles) || len(delta.names) > len(full.names)/2 {
		t.Errorf("%d and %d titles of %d and %d segments", len(full.titles), len(delta.titles), len(full.names), len(delta.names))
	}
}

// A title is in a list of parts before its segment is whole, as it stays.
func TestTitlesOfASegmentThatGrows(t *testing.T) {
	p := newPlayer(6 * time.Second)
	p.s.options.Part = time.Second
	l := NewList(6*time.Second, 3, 100, 5)
	l.LowLatency(time.Second)
	known, early := make(map[string]ranged), 0
	for step := range 300 {
		n := len(p.done)
		p.play(opus, Title{Name: strings.Repeat("x", step/20+1)}, 200*time.Millisecond)
		for _, s := range p.done[n:] {
			l.Add(s)
		}
		if l.Grow(p.s.Hint(), p.s.Growing); l.IsEmpty() {
			continue
		}
		page := l.Page()
		page.Form.DateRanges = true
		now := parse(t, page.Full().Text)
		checkTitles(t, now, known)
		if last := now.titles[len(now.titles)-1]; last.at.After(now.times[len(now.times)-1].Add(6 * time.Second)) {
			early++
		}
	}
	if early < 10 || len(known) < 14 {
		t.Errorf("%d titles, %d times before their segment", len(known), early)
	}
}
