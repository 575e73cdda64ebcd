package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

func flacer() Framer { return newFLAC("audio/flac") }

func flacInfoOf(rate, channels, bits int) []byte {
	b := make([]byte, streamInfoSize)
	binary.BigEndian.PutUint32(b[10:], uint32(rate)<<12|uint32(channels-1)<<9|uint32(bits-1)<<4)
	return b
}

// flacBlock makes a metadata block.
func flacBlock(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// flacStart is the beginning of a stream of 48 kHz, with blocks after STREAMINFO.
func flacStart(channels int, blocks ...[]byte) []byte {
	info := flacInfoOf(48000, channels, 16)
	copy(info[14:], "this is of the whole")
	b := append([]byte(flacMagic), flacBlock(0, info)...)
	at := len(flacMagic)
	for _, block := range blocks {
		at = len(b)
		b = append(b, block...)
	}
	b[at] |= flacLast
	return b
}

// flacFrame describes a frame of 192 samples (4 ms) or of 32768.
type flacFrame struct {
	number   uint64
	size     int // of what is between header and CRC
	channels int
	large    bool
	variable bool
	payload  func(int) part
}

func (f flacFrame) part() part {
	sync, block, lasts := byte(0xf8), byte(1), 4*time.Millisecond
	if f.variable {
		sync = 0xf9
	}
	if f.large {
		block, lasts = 15, time.Second*32768/48000+1 // it is rounded
	}
	b := []byte{0xff, sync, block<<4 | 10, byte(f.channels-1)<<4 | 8}
	b = utf8.AppendRune(b, rune(f.number))
	b = append(b, crc8(b))
	if f.payload == nil {
		f.payload = junk
	}
	b = append(b, f.payload(f.size).data...)
	b = binary.BigEndian.AppendUint16(b, crc16(0, b))
	return part{data: b, unit: true, start: true, duration: lasts}
}

func flacFrames(from, n int) []part {
	return times(n, func(i int) part { return flacFrame{number: uint64(from + i), size: 20 + i%7, channels: 2}.part() })
}

func TestFLACIsCutWhereFramesEnd(t *testing.T) {
	comment := flacBlock(flacComments, commentsOf("v", "TITLE=T", "ARTIST=A"))
	start := part{data: flacStart(2, comment)}
	other := part{data: flacStart(2, flacBlock(flacComments, commentsOf("v", "TITLE=U")))}
	f := func(n int) []part { return flacFrames(0, n) }
	after := func(from, n int) []part { // of another stream, which is numbered on from that
		parts := f(n)
		for i, p := range flacFrames(from, n) {
			parts[i].renumbered = p.data
		}
		return parts
	}
	broken := func(p part, at int) part {
		p.data = bytes.Clone(p.data)
		p.data[at] ^= 4
		return lost(p)
	}
	embraced := flacFrame{number: 3, size: 300, channels: 2, payload: func(n int) part {
		return filled(junk(n), func(int) part { return flacFrame{number: 9000, size: 15, channels: 2}.part() })
	}}.part()
	variable := times(9, func(i int) part {
		return flacFrame{number: uint64(192 * i), size: 30, channels: 2, variable: true}.part()
	})
	all := flacFrames(0, 9)
	for name, parts := range map[string][]part{
		"nothing but frames":          f(9),
		"one frame":                   f(1),
		"numbers of several bytes":    flacFrames(120, 20),
		"blocks that vary":            variable,
		"from its midst on":           flacFrames(5000, 9),
		"a chain":                     slices.Concat(f(5), []part{other}, after(5, 5)),
		"a chain of many frames":      slices.Concat(flacFrames(120, 5), []part{other}, after(125, 9), []part{other}, after(134, 2)),
		"garbage before":              slices.Concat([]part{junk(99)}, f(5)),
		"garbage between":             slices.Concat(f(4), []part{lost(f(5)[4]), junk(99)}, flacFrames(5, 5)),
		"garbage after":               slices.Concat(f(4), []part{lost(f(5)[4]), junk(99)}),
		"a frame that is missing":     slices.Concat(f(4), flacFrames(5, 4)),
		"a frame in a frame":          slices.Concat(f(3), []part{embraced}, flacFrames(4, 4)),
		"the end cut short":           slices.Concat(f(4), []part{lost(cutShort(f(1)[0]))}),
		"a frame cut short":           slices.Concat(f(4), []part{lost(cutShort(f(5)[4]))}, flacFrames(5, 4)),
		"a damaged frame":             slices.Concat(all[:4], []part{broken(all[4], 15)}, all[5:]),
		"a damaged CRC":               slices.Concat(all[:4], []part{broken(all[4], len(all[4].data)-1)}, all[5:]),
		"a damaged header":            slices.Concat(all[:3], []part{lost(all[3]), broken(all[4], 4)}, all[5:]),
		"a chain after damage":        slices.Concat(all[:4], []part{broken(all[4], 15), other}, after(4, 3)),
		"a magic that begins nothing": slices.Concat(f(4), []part{lost(f(5)[4]), {data: []byte("fLaC and more")}}, flacFrames(5, 4)),
	} {
		stream, want := assemble(append([]part{start}, parts...)...)
		if d := difference(whole(t, flacer(), stream), want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		checkCuts(t, name, flacer, stream, 1, 20, 300)
	}
}

func TestAFrameLongerThanAUnitGoesInParts(t *testing.T) {
	const channels = 8 // 64 KiB and more are possible
	start := part{data: flacStart(channels)}
	for _, c := range []struct {
		size  int // of the frame without its header, of 6 bytes, and CRC
		parts int
	}{{flacPart - 9, 1}, {flacPart - 6, 1}, {flacPart - 5, 2}, {flacPart, 2}, {2*flacPart - 6, 2}, {2*flacPart - 5, 3}} {
		stream := bytesOf(start,
			flacFrame{number: 0, size: c.size, channels: channels, large: true}.part(),
			flacFrame{number: 1, size: 90, channels: channels, large: true}.part())
		got := takeAll(t, flacer(), stream, nil)
		checkCuts(t, "a long frame", flacer, stream, 999, 30000, 100000)
		if len(got) != c.parts+1 {
			t.Errorf("%d bytes: %d units, want %d", c.size, len(got), c.parts+1)
			continue
		}
		for i, u := range got {
			first, last := i == 0 || i == c.parts, i >= c.parts-1
			if u.Start != first || u.More == last || u.Duration > 0 != first {
				t.Errorf("%d bytes: unit %d of %d: %+v", c.size, i, c.parts, u.Unit)
			}
		}
		if !bytes.HasSuffix(heard(got), stream[len(start.data):]) {
			t.Errorf("%d bytes: it is not all there", c.size)
		}
	}

	damaged := flacFrame{number: 0, size: flacPart + 1000, channels: channels, large: true}.part()
	damaged.data[500] ^= 1
	got := takeAll(t, flacer(), bytesOf(start, damaged, flacFrame{number: 1, size: 90, channels: channels, large: true}.part()), nil)
	if len(got) != 3 || !got[0].More || got[1].More || !got[2].Start {
		t.Errorf("a damaged frame comes to %d units", len(got))
	}
}

func TestMetadataIsWhatAStreamNeeds(t *testing.T) {
	comment := flacBlock(flacComments, commentsOf("v", "TITLE=T"))
	picture := flacBlock(flacPicture, make([]byte, 500))
	padding := flacBlock(1, make([]byte, 300))
	for _, c := range []struct {
		name   string
		blocks [][]byte
		kept   [][]byte
	}{
		{"nothing", nil, nil},
		{"comments", [][]byte{comment}, [][]byte{comment}},
		{"padding", [][]byte{padding, comment, padding}, [][]byte{comment}},
		{"no padding", [][]byte{comment, flacBlock(1, nil)}, [][]byte{comment}},
		{"pictures", [][]byte{picture, comment, picture}, [][]byte{picture, comment, picture}},
		{"the largest picture", [][]byte{flacBlock(flacPicture, make([]byte, MaxUnit-4)), comment}, [][]byte{flacBlock(flacPicture, make([]byte, MaxUnit-4)), comment}},
		{"a larger one", [][]byte{flacBlock(flacPicture, make([]byte, MaxUnit-3)), comment}, [][]byte{comment}},
		{"more than fit", append(slices.Repeat([][]byte{flacBlock(flacPicture, make([]byte, MaxUnit-4))}, 17), comment), append(slices.Repeat([][]byte{flacBlock(flacPicture, make([]byte, MaxUnit-4))}, 15), comment)},
	} {
		stream := append(flacStart(2, slices.Clone(c.blocks)...), bytesOf(flacFrames(0, 3)...)...)
		checkCuts(t, c.name, flacer, stream, 3, 50000)
		got := takeAll(t, flacer(), stream, nil)
		want := flacStart(2, slices.Clone(c.kept)...)
		clearTotals(want[8:])
		if len(got) != 3 || !bytes.Equal(got[0].Init.Data, want) {
			t.Errorf("%s: %d units, not with the init that was expected", c.name, len(got))
		}
	}
}

func TestFLACTakesATitleBetweenFrames(t *testing.T) {
	for name, block := range map[string][]byte{
		"with comments":    flacBlock(flacComments, commentsOf("v", "TITLE=Old", "ALBUM=One")),
		"without comments": flacBlock(1, nil),
	} {
		stream := append(flacStart(2, block), bytesOf(flacFrames(0, 9)...)...)
		f := flacer().(Retitler)
		if f.Retitle(Comments{}) {
			t.Error("it takes a title before there is a stream")
		}
		units := takeAll(t, f, stream, func(unit int) {
			if unit > 0 && unit%3 == 0 && unit < 9 && !f.Retitle(Comments{"A", fmt.Sprint("T", unit)}) {
				t.Errorf("%s: no title", name)
			}
		})
		for i, want := range []string{"Old", "Old", "Old", "T3", "T3", "T3", "T6", "T6", "T6"} {
			if got := units[i].Init.Comments; want != "Old" && (got == nil || got.Title != want || got.Artist != "A") {
				t.Errorf("%s: frame %d has the comments %v, want %s", name, i, got, want)
			}
		}
		if again := takeAll(t, flacer(), heard(units[4:]), nil); len(again) != 5 || *again[0].Init.Comments != (Comments{"A", "T3"}) {
			t.Errorf("%s: who joins gets %d frames", name, len(again))
		}
	}
}

func TestFrameHeadersTellAllTheyMay(t *testing.T) {
	sign := func(b ...byte) []byte { return append(b, crc8(b)) }
	for _, c := range []struct {
		in    []byte
		want  flacHeader
		found match
	}{
		{sign(0xff, 0xf8, 0x19, 0x18, 0), flacHeader{size: 6, block: 192, rate: 44100, channels: 2, bits: 16}, yes},
		{sign(0xff, 0xf9, 0x50, 0x80, 0x7f), flacHeader{size: 6, block: 4608, channels: 2, variable: true, number: 127}, yes},
		{sign(0xff, 0xf8, 0x6c, 0xac, 0xc2, 0x80, 9, 96), flacHeader{size: 9, block: 10, rate: 96000, channels: 2, bits: 24, number: 128}, yes},
		{sign(0xff, 0xf9, 0x7d, 0x70, 0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xff, 0xff, 0x12, 0x34), flacHeader{size: 16, block: 65536, rate: 0x1234, channels: 8, variable: true, number: 1<<36 - 1}, yes},
		{sign(0xff, 0xf8, 0xfe, 0x0e, 0, 0x10, 0x00), flacHeader{size: 8, block: 32768, rate: 40960, channels: 1, bits: 32}, yes},
		{[]byte{0xff}, flacHeader{}, partial},
		{[]byte{0xff, 0xf8, 0x19, 0x18}, flacHeader{}, partial},
		{[]byte{0xff, 0xf8, 0x19, 0x18, 0}, flacHeader{}, partial},
		{[]byte{0xff, 0xfb}, flacHeader{}, no},
		{sign(0xff, 0xf8, 0x09, 0x18, 0), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x1f, 0x18, 0), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0xb8, 0), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0x16, 0), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0x19, 0), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0x18, 0x80), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0x18, 0xff), flacHeader{}, no},
		{sign(0xff, 0xf8, 0x19, 0x18, 0xc2, 0x00), flacHeader{}, no},
		{[]byte{0xff, 0xf8, 0x19, 0x18, 0, 0x55}, flacHeader{}, no},
	} {
		got, found := parseFLAC(c.in)
		if found != c.found || found == yes && got != c.want {
			t.Errorf("% x: %+v, %v; want %+v, %v", c.in, got, found, c.want, c.found)
		}
	}
}
