package hls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

var (
	aac  = &format.Codec{Name: format.AAC, Rate: 44100, Channels: 2, Setup: []byte{0x12, 0x10}}
	flac = &format.Codec{Name: format.FLAC, Rate: 44100, Channels: 2, Setup: make([]byte, 34)}
)

// numberedPacket returns a packet of a codec that no other is equal to.
func numberedPacket(c *format.Codec, n int) format.Packet {
	text := fmt.Sprintf("packet %d of %s", n, c.Name)
	switch c.Name {
	case format.AAC:
		size := 7 + len(text)
		header := []byte{0xff, 0xf1, 0x50, 0x80 | byte(size>>11), byte(size >> 3), byte(size<<5) | 0x1f, 0xfc}
		return format.Packet{Data: append(header, text...), Samples: 1024, Codec: c}
	case format.FLAC:
		return format.Packet{Data: []byte(text), Samples: 4608, Codec: c}
	}
	return format.Packet{Data: []byte(text), Samples: 960, Codec: c}
}

// media returns what a segment or a part has beside its tag or its boxes.
func media(data []byte) []byte {
	if bytes.HasPrefix(data, []byte("ID3")) {
		return data[id3Header+int(data[8])<<7+int(data[9]):]
	}
	for {
		size := binary.BigEndian.Uint32(data)
		if string(data[4:8]) == "mdat" {
			return data[boxHeader:size]
		}
		data = data[size:]
	}
}

// The parts of a segment are its sound, none is too long, all can be decoded, and each has the name
// that was told before. What is listed of a segment while it grows stays so.
func TestPartsAreTheirSegment(t *testing.T) {
	for _, c := range []struct {
		codec         *format.Codec
		segment, part time.Duration
		fmp4          bool
		want          int // parts of a segment
	}{
		{aac, 6 * time.Second, time.Second, false, 7},
		{aac, 4 * time.Second, time.Second, true, 5},
		{opus, 6 * time.Second, time.Second, false, 7},
		{opus, time.Second, 500 * time.Millisecond, false, 3},
		{flac, 10 * time.Second, 2 * time.Second, false, 6},
		{mp3, 6 * time.Second, time.Second, false, 0},
	} {
		t.Run(fmt.Sprint(c.codec.Name, c.segment), func(t *testing.T) {
			o := Options{Segment: c.segment, Part: c.part, FMP4: c.fmp4, First: 100, Lead: 3, Key: []byte("key")}
			s, l, now := NewSegmenter(o), NewList(c.segment, 10, 100, 0), began
			if o.HasParts(c.codec) {
				l.LowLatency(c.part)
			}
			var growing *Segment
			for n := 0; s.Next() < 120; n++ {
				p := numberedPacket(c.codec, n)
				done := s.Add(p, Title{Name: "A"}, now)
				now = now.Add(s.lasts(uint64(p.Samples)))
				if done != nil {
					l.Add(done)
					checkParts(t, done, c.part, c.want)
					if growing != nil && (!done.Time.Equal(growing.Time) || done.Init != growing.Init) {
						t.Fatalf("segment %d of %v was told to be of %v", done.Sequence, done.Time, growing.Time)
					}
				}
				hint := l.hint
				if l.Grow(s.Hint(), s.Growing) {
					growing = l.growing
					if page := l.Page(); hint != "" && (page.Find(hint) == nil || page.Hint == hint || page.Find(page.Hint) != nil) {
						t.Fatalf("no file has the name %s, or the next name %s has one", hint, page.Hint)
					}
				}
			}
			if c.want == 0 && bytes.Contains(l.Page().Full().Text, []byte("PART")) {
				t.Errorf("%s", l.Page().Full().Text)
			}
		})
	}
}

func checkParts(t *testing.T, s *Segment, most time.Duration, want int) {
	t.Helper()
	if len(s.Parts) != want && s.Sequence >= 103 {
		t.Fatalf("segment %d has %d parts, want %d", s.Sequence, len(s.Parts), want)
	}
	var sound []byte
	var samples uint64
	for _, p := range s.Parts {
		if length := time.Duration(p.Samples) * time.Second / time.Duration(s.Rate); length > most {
			t.Fatalf("part %s lasts %v", p.Name, length)
		}
		checkBytes(t, &Segment{Name: p.Name, Data: p.Data, Init: s.Init})
		sound, samples = append(sound, media(p.Data)...), samples+p.Samples
	}
	if want > 0 && (!bytes.Equal(sound, media(s.Data)) || samples != s.Samples) {
		t.Fatalf("segment %d is not its parts", s.Sequence)
	}
}

// A title is told by the first part of a segment, and by the one where it changes.
func TestPartsTellATitleOnce(t *testing.T) {
	for _, c := range []*format.Codec{aac, opus} {
		s := NewSegmenter(Options{Segment: 6 * time.Second, Part: time.Second, First: 1})
		var done *Segment
		for n := 0; done == nil; n++ {
			p, title := numberedPacket(c, n), "A title"
			if n*p.Samples > c.Rate*22/10 {
				title = "Another"
			}
			done = s.Add(p, Title{Name: title}, began)
		}
		var told []string
		for _, p := range done.Parts {
			told = append(told, fmt.Sprint(bytes.Count(p.Data, []byte("A title")), bytes.Count(p.Data, []byte("Another"))))
		}
		want := "1 0,0 0,0 1,0 0"
		if c == aac { // a tag stands at the front only, and the title ends the segment
			want = "1 0,0 0,0 0,0 1"
		}
		if got := strings.Join(told, ","); !strings.HasPrefix(got, want) {
			t.Errorf("%s: titles in parts are %s, want %s", c.Name, got, want)
		}
	}
}

// Parts of the last three targets are listed, and can be loaded for three more.
func TestPartsLeaveTheList(t *testing.T) {
	const segment = 2 * time.Second
	s, l := NewSegmenter(Options{Segment: segment, Part: time.Second}), NewList(segment, 10, 0, 0)
	l.LowLatency(time.Second)
	for n := 0; s.Next() < 30; n++ {
		if done := s.Add(numberedPacket(opus, n), Title{}, began.Add(time.Duration(n)*20*time.Millisecond)); done != nil {
			l.Add(done)
		}
		l.Grow(s.Hint(), s.Growing)
	}
	page := l.Page()
	text := string(page.Full().Text)
	if want := "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,CAN-SKIP-UNTIL=12\n#EXT-X-PART-INF:PART-TARGET=1\n"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	if !strings.HasSuffix(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\""+page.Hint+"\"\n") {
		t.Errorf("the hint %s is not at the end of\n%s", page.Hint, text)
	}
	for i, s := range page.Segments {
		back := len(page.Segments) - i
		_, after, _ := strings.Cut(text, s.Name) // the parts of a segment stand before it
		listed := strings.Contains(text, fmt.Sprintf("\"%d.0-", s.Sequence)) && !strings.Contains(after, fmt.Sprintf("\"%d.0-", s.Sequence))
		if listed != (back <= 3) || (len(s.Parts) > 0) != (back <= 6) {
			t.Errorf("segment %d from the end: listed in parts %v, has %d", back, listed, len(s.Parts))
		}
	}
	if delta := string(page.Delta().Text); !strings.Contains(delta, "EXT-X-SKIP:SKIPPED-SEGMENTS=3") || !strings.Contains(delta, "EXT-X-PART:") {
		t.Errorf("a delta is\n%s", delta)
	}
	l.End()
	if text := string(l.Page().Full().Text); strings.Contains(text, "PRELOAD") || !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
		t.Errorf("after the end\n%s", text)
	}
}

func TestWhatPlayersMayAwait(t *testing.T) {
	whole := &Segment{Sequence: 9, Parts: make([]*Part, 4)}
	page := &Page{Segments: []*Segment{whole}, Next: 10, part: time.Second, growing: &Segment{Sequence: 10, Parts: make([]*Part, 2)}}
	for _, c := range []struct {
		sequence uint64
		part     int
		has, may bool
	}{
		{9, -1, true, true},
		{9, 3, true, true},
		{9, 4, true, true},
		{8, 99, true, true},
		{10, -1, false, true},
		{10, 0, true, true},
		{10, 1, true, true},
		{10, 2, false, true},
		{10, 4, false, true},
		{10, 5, false, false},
		{11, -1, false, true},
		{11, 2, false, true},
		{11, 3, false, false},
		{12, -1, false, false},
		{1 << 60, 0, false, false},
	} {
		if has, may := page.Has(c.sequence, c.part), page.MayAwait(c.sequence, c.part); has != c.has || may != c.may {
			t.Errorf("segment %d, part %d: has %v, may be awaited %v; want %v, %v", c.sequence, c.part, has, may, c.has, c.may)
		}
	}
}
