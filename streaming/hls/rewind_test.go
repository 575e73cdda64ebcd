package hls

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rewound plays packets into a long list of an hour.
func rewound(t *testing.T, segment time.Duration, play func(*player)) *Rewind {
	t.Helper()
	p := newPlayer(segment)
	play(p)
	r := NewRewind(NewKind(&p.s.options, p.s.Codec()), time.Hour, 700, 3)
	for _, s := range p.done {
		r.Add(s)
	}
	return r
}

// A long list holds what has sounded within its length, and a few segments for the longest pause.
func TestALongListHoldsAnHour(t *testing.T) {
	r := rewound(t, 6*time.Second, func(p *player) { p.play(mp3, Title{}, 90*time.Minute) })
	l := parse(t, r.Page().Full().Text)
	if n := len(l.names); n < 600 || n > 602 || l.sequence != 700+899-n || l.discontinuity != 3 {
		t.Errorf("%d segments from number %d, discontinuity %d", n, l.sequence, l.discontinuity)
	}
	if text := string(r.Page().Full().Text); !strings.Contains(text, "\n#EXT-X-START:TIME-OFFSET=-18\n") ||
		!strings.Contains(text, "\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=36\n") || strings.Contains(text, "SKIPPED") {
		t.Errorf("%.400s", text)
	}
	for behind, want := range map[time.Duration]string{0: "", time.Minute: "#EXT-X-START:TIME-OFFSET=-78\n"} {
		page := r.Page()
		start := page.Start(behind)
		entry := Entry("", start, Variant{page, "rewind.m3u8"})
		if _, start, _ := strings.Cut(entry, "#EXT-X-INDEPENDENT-SEGMENTS\n"); !strings.HasPrefix(start, want+"#EXT-X-STREAM-INF") {
			t.Errorf("%v before, the entry is\n%s", behind, entry)
		}
		if want == "" {
			want = "#EXT-X-START:TIME-OFFSET=-18\n"
		}
		for range 2 { // it is made once, and kept
			for kind, list := range map[string]*Playlist{"list": page.Starting(start).Full(), "delta": page.Starting(start).Delta()} {
				if text := string(list.Text); strings.Count(text, "#EXT-X-START") != 1 || !strings.Contains(text, want) {
					t.Errorf("%v before, the %s is\n%.400s", behind, kind, text)
				}
			}
		}
	}
	if n := len(r.Page().Segments); n < 890 {
		t.Errorf("%d segments can be loaded; those that have left must stay for an hour", n)
	}
	r = rewound(t, 6*time.Second, func(p *player) { p.play(mp3, Title{}, 3*time.Hour) })
	if n := len(r.Page().Segments); n < 1199 || n > 1205 {
		t.Errorf("%d segments can be loaded, want two hours", n)
	}
	bytes := 0
	for _, s := range r.segments {
		bytes += s.Size
	}
	r.Bound(bytes / 2)
	if n, l := len(r.Page().Segments), parse(t, r.Page().Full().Text); n < 600 || n > 602 || l.sequence != int(r.Next())-len(l.names) {
		t.Errorf("%d segments are left of half the bytes, the list begins with number %d", n, l.sequence)
	}
	r.Bound(0)
	if n := len(parse(t, r.Page().Full().Text).names); n != leastListed {
		t.Errorf("%d segments are left without room", n)
	}
	r = rewound(t, 6*time.Second, func(p *player) {
		p.play(mp3, Title{}, 90*time.Minute)
		p.now = p.now.Add(24 * time.Hour)
		p.play(mp3, Title{}, 13*time.Second)
	})
	if n := len(parse(t, r.Page().Full().Text).names); n != leastListed {
		t.Errorf("%d segments after a day's pause", n)
	}
}

// However many starts clients make up, few of their lists are kept.
func TestFewStartsOfALongListAreKept(t *testing.T) {
	page := rewound(t, 6*time.Second, func(p *player) { p.play(mp3, Title{}, time.Minute) }).Page()
	for start := range 3 * maxStarts {
		if text := string(page.Starting(start + 100).Full().Text); !strings.Contains(text, fmt.Sprintf("#EXT-X-START:TIME-OFFSET=-%d\n", start+100)) {
			t.Fatalf("for %d, the list is\n%.400s", start+100, text)
		}
	}
	if n := len(page.starts.pages); n != maxStarts {
		t.Errorf("%d are kept, want %d", n, maxStarts)
	}
	for _, other := range []int{-1, 0, 18, maxStart + 1} {
		if page.Starting(other) != page {
			t.Errorf("%d has a list of its own", other)
		}
	}
}

// A player that has a list, and gets what is new in it, has the same as one that loads it all.
func TestDeltaUpdatesMakeTheSameList(t *testing.T) {
	mono := *opus
	mono.Channels = 1
	r := rewound(t, 2*time.Second, func(p *player) {
		p.play(opus, Title{}, 10*time.Minute)
		p.play(&mono, Title{}, 10*time.Minute)
	})
	full, delta := r.Page().Full(), r.Page().Delta()
	if len(delta.Text)*10 > len(full.Text) || !strings.HasPrefix(string(delta.Text), "#EXTM3U\n#EXT-X-VERSION:9\n") {
		t.Errorf("a delta of %d of %d bytes:\n%.300s", len(delta.Text), len(full.Text), delta.Text)
	}
	all, part := parse(t, full.Text), parse(t, delta.Text)
	var skipped int
	for line := range strings.Lines(string(delta.Text)) {
		_, _ = fmt.Sscanf(line, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", &skipped)
	}
	kept := 0.0
	for _, d := range part.lengths {
		kept += d
	}
	if part.sequence != all.sequence || part.discontinuity != all.discontinuity || kept < 12 || kept > 14.1 {
		t.Errorf("numbers %d, %d, and %g s are announced", part.sequence, part.discontinuity, kept)
	}
	if !slices.Equal(slices.Concat(all.names[:skipped], part.names), all.names) || !slices.Equal(slices.Concat(all.maps[:skipped], part.maps), all.maps) ||
		!slices.Equal(slices.Concat(all.times[:skipped], part.times), all.times) {
		t.Errorf("%d are skipped and %d told of %d", skipped, len(part.names), len(all.names))
	}
	short := NewList(6*time.Second, 10, 1, 1)
	short.Add(r.Page().Segments[0])
	if page := short.Page(); page.Delta() != page.Full() {
		t.Error("a short list has delta updates")
	}
}

// A list that is to be longer does not show again what has left it: its numbers never fall.
func TestLongerListsDoNotGoBack(t *testing.T) {
	p, l := newPlayer(time.Second), NewList(time.Second, 3, 100, 0)
	p.play(mp3, Title{}, 30*time.Second)
	for i, s := range p.done {
		before := parse(t, l.Page().Full().Text)
		l.Add(s)
		if i == 10 {
			l.Show(8)
		}
		if now := parse(t, l.Page().Full().Text); i > 0 && now.sequence < before.sequence {
			t.Fatalf("number %d after %d", now.sequence, before.sequence)
		}
	}
	if n := len(parse(t, l.Page().Full().Text).names); n != 8 {
		t.Errorf("%d segments are shown, want 8", n)
	}
}

func TestFilesAreFoundByName(t *testing.T) {
	r := rewound(t, 2*time.Second, func(p *player) { p.play(opus, Title{}, 10*time.Minute) })
	page := r.Page()
	for _, s := range page.Segments {
		if found := page.Find(s.Name); found == nil || !bytes.Equal(found.Data, s.Data) {
			t.Fatalf("%s is not found", s.Name)
		}
		if init := page.Find(s.Init.Name); init == nil || !bytes.Equal(init.Data, s.Init.Data) {
			t.Fatalf("%s is not found", s.Init.Name)
		}
	}
	first := page.Segments[0].Name
	for _, name := range []string{"", "-", "1-" + first, first + "x", strings.Replace(first, "-", "-0", 1), "init-00000000.mp4", "99999999999999999999-a.m4s"} {
		if page.Find(name) != nil {
			t.Errorf("%q is found", name)
		}
	}
}

// BenchmarkLongPage makes and renders a list of two hours.
func BenchmarkLongPage(b *testing.B) {
	p := newPlayer(6 * time.Second)
	p.play(mp3, Title{}, 2*time.Hour)
	r := NewRewind(NewKind(&p.s.options, mp3), 2*time.Hour, 1, 1)
	for _, s := range p.done {
		r.Add(s)
	}
	for name, load := range map[string]func(*Page){"unasked": func(*Page) {}, "full": func(p *Page) { p.Full() }, "delta": func(p *Page) { p.Delta() }} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				load(r.Page())
			}
		})
	}
}
