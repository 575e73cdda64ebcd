package format

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func ogger() Framer { return newOgg("application/ogg") }

func TestEachCodecHasItsHeadersInTheInit(t *testing.T) {
	for codec, want := range map[string]struct {
		name    string
		preSkip time.Duration
	}{
		"vorbis": {"Vorbis", 0},
		"opus":   {"Opus", 312 * time.Second / 48000},
		"speex":  {"Speex", 0},
		"flac":   {"FLAC", 0},
	} {
		name, preSkip := want.name, want.preSkip
		m := oggMaker{serial: 7}
		parts := m.link(codec, 3, "Title=Aria", "artist=Bach", "ARTIST=Gould", "TITLE=another")
		stream, want := assemble(parts...)
		units := takeAll(t, ogger(), stream, nil)
		if d := difference(whole(t, ogger(), stream), want); d != "" {
			t.Errorf("%s: %s", codec, d)
			continue
		}
		init := units[0].Init
		if !bytes.Equal(init.Data, bytesOf(parts[:2]...)) {
			t.Errorf("%s: an init of %d bytes", codec, len(init.Data))
		}
		if init.OggCodec() != name || init.PreSkip() != preSkip {
			t.Errorf("%s: codec %q with %v of pre-skip, want %q with %v", codec, init.OggCodec(), init.PreSkip(), name, preSkip)
		}
		if c := init.Comments; c == nil || *c != (Comments{"Bach, Gould", "Aria"}) {
			t.Errorf("%s: the comments are %v", codec, c)
		}
	}
}

func TestOggPagesEndBeforeAnIncompletePage(t *testing.T) {
	m := oggMaker{serial: 7}
	data := bytesOf(m.link("opus", 3)...)
	pages := len(slices.Collect(OggPages(data)))
	if pages != 5 {
		t.Fatalf("%d pages, want 2 of headers and 3 of sound", pages)
	}
	for end := range data {
		sum := 0
		for page := range OggPages(data[:end]) {
			if sum += len(page); page.Serial() != 7 {
				t.Fatalf("of %d bytes: a page with serial %d", end, page.Serial())
			}
		}
		if sum > end {
			t.Fatalf("of %d bytes: pages with %d", end, sum)
		}
	}
	for page := range OggPages(data) {
		page.SetSerial(8)
	}
	_, want := assemble((&oggMaker{serial: 8}).link("opus", 3)...)
	if d := difference(whole(t, ogger(), data), want); d != "" {
		t.Errorf("with another serial: %s", d)
	}
}

// mixed makes the headers of a link of several streams: the first pages, then the others.
func mixed(codecs ...string) (parts []part, makers []*oggMaker) {
	var others []part
	for i, codec := range codecs {
		m := &oggMaker{serial: uint32(100 + i)}
		first, more := m.headers(codec)
		parts = append(parts, part{data: first})
		others = append(others, part{data: more})
		makers = append(makers, m)
	}
	return append(parts, others...), makers
}

func TestStreamsSideBySideAreCarriedTogether(t *testing.T) {
	for _, c := range []struct {
		name   string
		codecs []string
		init   int // parts, less those without content
	}{
		{"Skeleton first", []string{"skeleton", "vorbis"}, 4},
		{"Skeleton last", []string{"opus", "skeleton"}, 4},
		{"Kate", []string{"vorbis", "kate"}, 4},
		{"MIDI", []string{"vorbis", "midi"}, 4},
		{"an unknown codec", []string{"unknown", "vorbis"}, 4},
		{"two of sound", []string{"opus", "vorbis"}, 4},
		{"nothing that is known", []string{"unknown"}, 2},
		{"as many as there may be", slices.Repeat([]string{"opus"}, maxOggStreams), 2 * maxOggStreams},
	} {
		headers, makers := mixed(c.codecs...)
		first := makers[slices.IndexFunc(c.codecs, func(s string) bool { return s == "vorbis" || s == "opus" || s == "unknown" && len(c.codecs) == 1 })]
		data := []part{first.sound(packetOf("vorbis", 40)), first.sound(packetOf("vorbis", 40))}
		stream, want := assemble(append(headers, data...)...)
		units := takeAll(t, ogger(), stream, nil)
		if len(units) != len(want) {
			t.Errorf("%s: %d units, want %d", c.name, len(units), len(want))
			continue
		}
		if got := units[0].Init.Data; !bytes.Equal(got, bytesOf(headers...)) {
			t.Errorf("%s: an init of %d bytes, want %d", c.name, len(got), len(bytesOf(headers...)))
		}
		if !units[0].Start || c.codecs[0] != "unknown" && units[1].Duration != time.Second/10 {
			t.Errorf("%s: a start: %v, it lasts %v", c.name, units[0].Start, units[1].Duration)
		}
	}
}

func TestWithPicturesListenersBeginAtKeyFrames(t *testing.T) {
	headers, makers := mixed("vorbis", "theora")
	sound, pictures := makers[0], makers[1]
	key, other := bytes.Repeat([]byte{0x10}, 255), bytes.Repeat([]byte{0x50}, 100)
	at := func(iframe, since int64) int64 { return iframe<<6 | since }
	step := 40 * time.Millisecond
	parts := append(headers,
		part{data: pictures.page(0, -1, true, key), unit: true, start: true},
		part{data: pictures.page(oggContinued, at(1, 0), false, key[:20]), unit: true, duration: step},
		lost(sound.sound(packetOf("vorbis", 50))),
		part{data: pictures.page(0, at(1, 2), false, other, other), unit: true, duration: 2 * step},
		part{data: pictures.page(0, at(1, 3), false, []byte{}), unit: true, duration: step}, // the picture stays
		part{data: pictures.page(0, at(5, 0), false, other, key), unit: true, start: true, duration: step},
		part{data: pictures.page(0, at(1, 0), false, other), unit: true}, // back in time
		part{data: pictures.page(0, at(900, 0), false, other), unit: true},
		part{data: pictures.page(oggEOS, at(900, 1), false, other), unit: true, duration: step})
	parts[6].unit = true
	stream, want := assemble(parts...)
	if d := difference(whole(t, ogger(), stream), want); d != "" {
		t.Error(d)
	}
	for i, u := range takeAll(t, ogger(), stream, nil) {
		if u.More != (i == 0) {
			t.Errorf("unit %d: more: %v", i, u.More)
		}
	}
}

func TestAListenerIsHeldWhileAPacketOfAnyStreamIsOpen(t *testing.T) {
	headers, makers := mixed("opus", "vorbis")
	long := bytes.Repeat([]byte{0x24}, 510)
	open := func() []byte { return makers[1].page(0, -1, true, long) }
	stream := bytesOf(append(headers, makers[0].sound(long), part{data: open()},
		makers[0].sound(long), part{data: makers[1].page(oggContinued, 960, false, long)}, makers[0].sound(long))...)
	got := takeAll(t, ogger(), stream, nil)
	for i, want := range []bool{false, true, true, false, false} {
		if got[i].More != want {
			t.Errorf("unit %d: more: %v, want %v", i, got[i].More, want)
		}
	}
	if got[3].Start {
		t.Error("listeners may begin in the midst of a packet")
	}

	lost := append(headers[:len(headers):len(headers)], part{data: open()})
	for range maxOpenPages + 1 { // the page with the end of it never comes
		lost = append(lost, makers[0].sound(long))
	}
	got = takeAll(t, ogger(), bytesOf(lost...), nil)
	if !got[maxOpenPages-1].More || got[maxOpenPages].More {
		t.Errorf("held for more or less than %d pages", maxOpenPages)
	}
}

func TestALinkBeginsAnew(t *testing.T) {
	a, b := oggMaker{serial: 1}, oggMaker{serial: 2}
	again := oggMaker{serial: 1}
	end := part{data: a.page(oggEOS, 4800, false, []byte{0x24}), unit: true, start: true}
	cut := oggMaker{serial: 9}
	first, _ := cut.headers("vorbis")
	ended := oggMaker{serial: 10}
	bos, more := ended.headers("vorbis")
	onlyHeaders := []part{{data: bos}, {data: more}, {data: ended.page(oggEOS, 0, false)}}
	for name, links := range map[string][][]part{
		"of the same codec":            {a.link("vorbis", 3), b.link("vorbis", 3)},
		"of another":                   {a.link("vorbis", 3), b.link("opus", 3)},
		"with the same serial":         {a.link("opus", 3), again.link("opus", 3)},
		"after its end":                {a.link("vorbis", 2), {end}, b.link("vorbis", 2)},
		"after a beginning cut short":  {a.link("vorbis", 3), {{data: first}}, b.link("vorbis", 3)},
		"after one of headers alone":   {a.link("vorbis", 3), onlyHeaders, b.link("vorbis", 3)},
		"from its midst on":            {a.link("vorbis", 3)[3:], b.link("vorbis", 3)},
		"from the second header on":    {a.link("vorbis", 3)[1:], b.link("vorbis", 3)},
		"without a second header":      {append(a.link("vorbis", 1)[:1], a.link("vorbis", 3)[3:]...), b.link("vorbis", 3)},
		"after garbage":                {{junk(300)}, a.link("vorbis", 3), {junk(1), junk(2000)}, b.link("opus", 3), {junk(5)}},
		"with a cut page between them": {a.link("vorbis", 3), {{data: bos[:40]}}, b.link("opus", 3)},
	} {
		stream := bytesOf(slices.Concat(links...)...)
		last := links[len(links)-1]
		if len(last) < 3 {
			last = links[len(links)-2]
		}
		units := takeAll(t, ogger(), stream, nil)
		checkCuts(t, name, ogger, stream, 1, 100, 3000)
		count := len(last) - 2
		if len(units) < count {
			t.Errorf("%s: %d units", name, len(units))
			continue
		}
		tail := units[len(units)-count:]
		got := heard(tail)
		if name == "after a beginning cut short" {
			got = got[len(first):] // it may be one more stream of the link
		}
		if !bytes.Equal(got, bytesOf(last...)) {
			t.Errorf("%s: the last link comes to %d bytes, want %d", name, len(got), len(bytesOf(last...)))
		}
		if count < len(units) && units[len(units)-count-1].Init == tail[0].Init {
			t.Errorf("%s: the init is that of the link before", name)
		}
		if strings.HasPrefix(name, "from") || strings.HasPrefix(name, "without") {
			if len(units) != count {
				t.Errorf("%s: %d units, want %d", name, len(units), count)
			}
		}
	}
}

func TestDamageCostsNoMoreThanThePageItIsIn(t *testing.T) {
	m := oggMaker{serial: 1}
	parts := m.link("vorbis", 5)
	stream, want := assemble(parts...)
	from := len(stream) - len(parts[4].data) - len(parts[5].data) - len(parts[6].data)
	for at := from; at < from+len(parts[4].data); at++ {
		for bit := range 8 {
			broken := bytes.Clone(stream)
			broken[at] ^= 1 << bit
			got := whole(t, ogger(), broken)
			lasts := want[3].duration + want[2].duration
			rest := slices.Clone(want)
			rest[3].duration = lasts // the lost page counts, too
			if d := difference(got, slices.Delete(rest, 2, 3)); d != "" {
				t.Fatalf("bit %d of byte %d: %s", bit, at-from, d)
			}
		}
	}
	for size := range len(parts[4].data) {
		short := slices.Concat(stream[:from], stream[from:from+size], stream[from+len(parts[4].data):])
		if got := whole(t, ogger(), short); len(got) != 4 {
			t.Fatalf("cut to %d bytes: %d units, want 4", size, len(got))
		}
	}
}

func TestHeadersHaveALimit(t *testing.T) {
	m := oggMaker{serial: 1}
	big := bytes.Repeat([]byte{3}, 255*200)
	var flood []byte
	first, _ := m.headers("vorbis")
	flood = append(flood, first...)
	for len(flood) <= MaxInit {
		flood = append(flood, m.page(oggContinued, -1, true, big)...)
	}
	flood = append(flood, m.sound(packetOf("vorbis", 30)).data...)
	if got := whole(t, ogger(), flood); len(got) > 0 {
		t.Errorf("%d units of a stream whose headers do not end", len(got))
	}
	next := oggMaker{serial: 2}
	stream, want := assemble(append([]part{{data: flood}}, next.link("vorbis", 3)...)...)
	if d := difference(whole(t, ogger(), stream), want); d != "" {
		t.Errorf("the next link: %s", d)
	}

	var many []part
	for i := range maxOggStreams + 1 {
		m := oggMaker{serial: uint32(i)}
		first, _ := m.headers("midi")
		many = append(many, part{data: first})
	}
	m = oggMaker{serial: 0, sequence: 1}
	late := oggMaker{serial: maxOggStreams, sequence: 1}
	units := takeAll(t, ogger(), bytesOf(append(many, m.sound([]byte("x")), late.sound([]byte("x")))...), nil)
	if len(units) != 1 || !bytes.Equal(units[0].Init.Data, bytesOf(many[:maxOggStreams]...)) {
		t.Errorf("%d units, want that of the first %d streams", len(units), maxOggStreams)
	}
}

// Audio on a header page becomes part of the Init, because without the headers the stream could
// not be decoded.
func TestAPageWithHeadersAndSoundIsAHeader(t *testing.T) {
	m := oggMaker{serial: 3}
	first, _ := m.headers("opus")
	m.sequence = 1
	both := m.page(0, 960, false, append([]byte("OpusTags"), commentsOf("v", "TITLE=T")...), packetOf("opus", 30))
	sound := m.sound(packetOf("opus", 30))
	one := oggMaker{serial: 3}
	all := one.page(oggBOS, 0, false, opusFirst(), append([]byte("OpusTags"), commentsOf("v", "TITLE=T")...))
	for _, headers := range [][]byte{slices.Concat(first, both), all} {
		units := takeAll(t, ogger(), slices.Concat(headers, sound.data), nil)
		if len(units) != 1 || !bytes.Equal(units[0].Init.Data, headers) || *units[0].Init.Comments != (Comments{Title: "T"}) {
			t.Errorf("%d units after %d bytes of headers", len(units), len(headers))
		}
	}
}

func TestTimeThatLeapsIsNoTime(t *testing.T) {
	for _, c := range []struct {
		granules []int64
		want     []time.Duration
	}{
		{[]int64{48000, 96000}, []time.Duration{time.Second, time.Second}},
		{[]int64{1 << 40, 1<<40 + 4800}, []time.Duration{0, time.Second / 10}},
		{[]int64{48000, -1, 96000}, []time.Duration{time.Second, 0, time.Second}},
		{[]int64{48000, 0, 4800}, []time.Duration{time.Second, 0, time.Second / 10}},
		{[]int64{30 * 48000, 60*48000 + 1}, []time.Duration{maxStep, 0}},
		{[]int64{math.MaxInt64, math.MinInt64, 4800, -5, 9600}, []time.Duration{0, 0, 0, 0, time.Second / 10}},
	} {
		m := oggMaker{serial: 5}
		parts := m.link("opus", 0)
		for _, g := range c.granules {
			parts = append(parts, part{data: m.page(0, g, false, packetOf("opus", 20))})
		}
		for i, u := range takeAll(t, ogger(), bytesOf(parts...), nil) {
			if u.Duration != c.want[i] {
				t.Errorf("%v: page %d lasts %v, want %v", c.granules, i, u.Duration, c.want[i])
			}
		}
	}
}
