package hls

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// The codecs of made-up streams.
var (
	mp3  = &format.Codec{Name: format.MP3, Rate: 44100, Channels: 2}
	opus = &format.Codec{Name: format.Opus, Rate: 48000, Channels: 2, Setup: []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00")}
)

func packet(c *format.Codec) format.Packet {
	if c.Name == format.MP3 {
		return format.Packet{Data: bytes.Repeat([]byte{0xff}, 417), Samples: 1152, Codec: c}
	}
	return format.Packet{Data: bytes.Repeat([]byte{0xfc}, 160), Samples: 960, Codec: c}
}

// player feeds a segmenter, and remembers its segments.
type player struct {
	s    *Segmenter
	now  time.Time
	done []*Segment
}

func newPlayer(segment time.Duration) *player {
	return &player{s: NewSegmenter(Options{Segment: segment, First: 100}), now: began}
}

// play plays packets of a codec under a title for so long.
func (p *player) play(c *format.Codec, t Title, d time.Duration) {
	step := packet(c)
	for end := p.now.Add(d); p.now.Before(end); {
		if s := p.s.Add(step, t, p.now); s != nil {
			p.done = append(p.done, s)
		}
		p.now = p.now.Add(time.Duration(step.Samples) * time.Second / time.Duration(c.Rate))
	}
}

func (p *player) lengths() (all []float64) {
	for _, s := range p.done {
		all = append(all, math.Round(s.Seconds()*10)/10)
	}
	return all
}

func equal(a, b []float64) bool {
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestSegmentsAreCutOnTheGridAndAtTitles(t *testing.T) {
	a, b := Title{Name: "A"}, Title{Name: "B", Artist: "C", URL: "https://example.org/cover.jpg"}
	for _, c := range []struct {
		name string
		play func(*player)
		want []float64
	}{
		{"nothing", func(*player) {}, nil},
		{"one title", func(p *player) { p.play(mp3, a, 19*time.Second) }, []float64{6, 6, 6}},
		{"a title in the second half cuts", func(p *player) { p.play(mp3, a, 10*time.Second); p.play(mp3, b, 9*time.Second) }, []float64{6, 4, 6}},
		{"a title in the first half waits for the middle", func(p *player) { p.play(mp3, a, 7*time.Second); p.play(mp3, b, 9*time.Second) }, []float64{6, 3, 6}},
		{"fMP4 has titles anywhere", func(p *player) { p.play(opus, a, 10*time.Second); p.play(opus, b, 9*time.Second) }, []float64{6, 6, 6}},
	} {
		p := newPlayer(6 * time.Second)
		c.play(p)
		if got := p.lengths(); !equal(got, c.want) {
			t.Errorf("%s: segments of %v s, want %v", c.name, got, c.want)
		}
	}
}

// The first segments are short, so that a list can begin soon.
func TestTheLeadIsShort(t *testing.T) {
	for segment, want := range map[time.Duration][]float64{
		time.Second: {1, 1, 1, 1, 1, 1}, 2 * time.Second: {1, 1, 1, 2, 2, 2}, 6 * time.Second: {3, 3, 3, 6, 6, 6}, 20 * time.Second: {3, 3, 3, 20, 20, 20},
	} {
		p := newPlayer(segment)
		p.s.options.Lead = 3
		for len(p.done) < len(want) {
			p.play(mp3, Title{}, time.Second)
		}
		if got := p.lengths(); !equal(got, want) {
			t.Errorf("segments of %v s, want %v", got, want)
		}
	}
}

// The tag of a segment is byte for byte that of Apple's samples, and then the title.
func TestTagsHaveTheStampAndTheTitle(t *testing.T) {
	p := newPlayer(6 * time.Second)
	p.play(mp3, Title{Name: "Grüße 🎵", Artist: "X"}, 13*time.Second)
	stamp := uint64(10*90000) + p.done[0].Samples*90000/44100
	want := append([]byte("ID3\x04\x00\x00\x00\x00\x00\x64PRIV\x00\x00\x00\x35\x00\x00"+stampOwner+"\x00"), make([]byte, 8)...)
	binary.BigEndian.PutUint64(want[len(want)-8:], stamp)
	want = append(want, "TIT2\x00\x00\x00\x0e\x00\x00\x03Grüße 🎵\x00TPE1\x00\x00\x00\x03\x00\x00\x03X\x00"...)
	want[9] = byte(len(want) - id3Header)
	if got := p.done[1].Data[:len(want)]; !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	tag := appendTag(nil, func(b []byte) []byte { return appendStamp(b, 1<<33+5) })
	if len(tag) != 73 || tag[9] != 63 || binary.BigEndian.Uint64(tag[65:]) != 5 {
		t.Errorf("a tag of %d bytes, %q", len(tag), tag)
	}
}

func TestTitlesOfFMP4StandWhereTheyBegin(t *testing.T) {
	p := newPlayer(6 * time.Second)
	p.play(opus, Title{Name: "A"}, 2*time.Second)
	p.play(opus, Title{Name: "B"}, 5*time.Second)
	data, at := p.done[0].Data, []uint64{10 * 48000, 12 * 48000}
	for i := 0; bytes.Equal(data[4:8], []byte("emsg")); i++ {
		size := binary.BigEndian.Uint32(data)
		if when := binary.BigEndian.Uint64(data[16:]); i >= len(at) || when != at[i] || !bytes.Contains(data[:size], []byte{'A' + byte(i), 0}) {
			t.Errorf("title %d at %d: %q", i, when, data[:size])
		}
		data = data[size:]
	}
	if string(data[4:8]) != "moof" {
		t.Errorf("after the titles there is %q", data[4:8])
	}
}

// The time of a segment goes on with the sound, and jumps with the clock after a pause.
func TestTimesTellOfPauses(t *testing.T) {
	p := newPlayer(6 * time.Second)
	p.play(mp3, Title{}, 12500*time.Millisecond)
	p.now = p.now.Add(200 * time.Millisecond) // jitter
	p.play(mp3, Title{}, 6*time.Second)
	p.now = p.now.Add(30 * time.Second)
	p.play(mp3, Title{}, 12*time.Second)
	for i, want := range []time.Duration{0, 0, 0, 30*time.Second + 200*time.Millisecond} {
		if i == 0 {
			continue
		}
		before := p.done[i-1]
		gap := p.done[i].Time.Sub(before.Time.Add(p.s.lasts(before.Samples)))
		if (gap - want).Abs() > time.Millisecond {
			t.Errorf("segment %d: %v after the one before, want %v", i, gap, want)
		}
	}
}

func TestEqualParametersAreNoDiscontinuity(t *testing.T) {
	other := *opus
	other.Setup = bytes.Clone(opus.Setup)
	other.Setup[10] = 1 // another pre-skip
	mono := *opus
	mono.Channels = 1
	p := newPlayer(6 * time.Second)
	p.play(opus, Title{}, 8*time.Second)
	p.play(&other, Title{}, 8*time.Second)
	p.play(&mono, Title{}, 8*time.Second)
	var marks []bool
	for _, s := range p.done {
		marks = append(marks, s.Discontinuity)
	}
	if got := p.lengths(); !equal(got, []float64{6, 6, 4, 6}) || marks[0] || marks[1] || marks[2] || !marks[3] {
		t.Errorf("segments of %v s, discontinuities %v", got, marks)
	}
	if p.s.Fits(mp3) || !p.s.Fits(opus) {
		t.Error("another codec fits")
	}
}

func TestTheLastSegmentIsNotTooShort(t *testing.T) {
	p := newPlayer(6 * time.Second)
	p.play(mp3, Title{}, 300*time.Millisecond)
	if p.s.Flush() != nil {
		t.Error("a segment of 0.3 s")
	}
	p.play(mp3, Title{}, 300*time.Millisecond)
	if p.s.Flush() == nil || p.s.Flush() != nil {
		t.Error("no segment of 0.6 s, or two")
	}
}

func TestEntriesNameTheCodec(t *testing.T) {
	for want, c := range map[string]*format.Codec{
		"mp4a.40.34": mp3, "Opus": opus, "fLaC": {Name: format.FLAC, Rate: 44100},
		"mp4a.40.2": {Name: format.AAC, Rate: 44100, Setup: []byte{0x12, 0x10}}, "mp4a.40.5": {Name: format.AAC, Rate: 22050, Setup: []byte{0x13, 0x90}},
	} {
		page := &Page{Peak: 130000, Average: 128000, Segments: []*Segment{{Codec: codecName(c)}}}
		if got := Entry("", 0, Variant{page, "live.mp3.hls/index.m3u8?s=x"}); !strings.HasSuffix(got,
			"#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS=\""+want+"\"\nlive.mp3.hls/index.m3u8?s=x\n") {
			t.Errorf("%s", got)
		}
	}
}

// BenchmarkSegment makes segments of six seconds.
func BenchmarkSegment(b *testing.B) {
	for name, c := range map[string]*format.Codec{"packed": mp3, "fMP4": opus} {
		b.Run(name, func(b *testing.B) {
			p := newPlayer(6 * time.Second)
			b.ReportAllocs()
			for b.Loop() {
				p.done = p.done[:0]
				p.play(c, Title{Name: "A"}, 6*time.Second)
			}
		})
	}
}
