package format

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// kind is a codec, with all that can differ between frames of a stream.
type kind struct {
	name  string
	make  func() Framer
	frame func(i int) part
	free  bool
}

// kinds returns every version, layer and sampling rate of MPEG audio, with fixed
// and changing bitrates and in free format, and every sampling rate of ADTS.
func kinds() (all []kind) {
	for version := 1; version <= 3; version++ {
		for layer := 1; layer <= 3; layer++ {
			for _, hz := range []int{44100, 48000, 32000} {
				m := mpegFrame{version: version, layer: layer, hz: hz >> (version - 1)}
				all = append(all, mpegKinds(m)...)
			}
		}
	}
	for i, hz := range adtsRates {
		a := adtsFrame{hz: hz, channels: i % 8, blocks: 1 + i%4, mpeg2: i%2 == 1}
		all = append(all, kind{
			name: fmt.Sprintf("ADTS, %d Hz", hz),
			make: func() Framer { return newADTS("audio/aac") },
			frame: func(i int) part {
				a.size, a.crc = []int{8, 371, 372, 10, 1536, 500}[i%6]+2, i%3 == 0
				p := a.part()
				p.data[2] |= byte(i&1) << 1 // the private bit
				return p
			},
		})
	}
	return append(all, kind{
		name:  "LOAS",
		make:  func() Framer { return newLOAS("audio/mp4a-latm") },
		frame: loasPart,
	})
}

func mpegKinds(m mpegFrame) []kind {
	name := fmt.Sprintf("version %d, layer %d, %d Hz", m.version, m.layer, m.hz)
	fresh := func() Framer { return newMPEG("audio/mpeg") }
	fixed := func(kbps int) func(int) part {
		return func(i int) part {
			m := m
			m.kbps, m.pad = kbps, i%3 == 1
			return m.part()
		}
	}
	return []kind{
		{name: name + ", 64 kbit/s", make: fresh, frame: fixed(64)},
		{name: name + ", 160 kbit/s", make: fresh, frame: fixed(160)},
		{name: name + ", all that may change", make: fresh, frame: func(i int) part {
			m := m
			m.kbps = []int{32, 160, 48, 128, 64, 96}[i%6]
			if m.layer == 1 && m.version == 1 {
				m.kbps = []int{32, 448, 64, 128, 96, 384}[i%6]
			}
			m.pad, m.mono, m.crc = i%2 == 1, i%3 == 0, i%4 == 1
			return m.part()
		}},
		{name: name + ", free format", make: fresh, free: true, frame: func(i int) part {
			m := m
			m.free, m.pad, m.mono = 300, i%3 == 1, i%2 == 0
			return m.part()
		}},
	}
}

// scenes returns streams of a kind with damage.
func scenes(k kind) map[string][]part {
	f := func(n int) []part { return times(n, k.frame) }
	all := map[string][][]part{
		"nothing":                      {f(20)},
		"garbage before":               {{junk(500)}, f(6)},
		"garbage between":              {f(3), {junk(1)}, f(6), {junk(50)}, f(6), {junk(7000)}, f(6)},
		"garbage after":                {f(6), {junk(500)}},
		"the end cut short":            {f(6), {lost(cutShort(k.frame(0)))}},
		"the beginning cut short":      {{{data: k.frame(1).data[7:]}}, f(6)},
		"an ID3v2 tag before":          {{id3v2(20, false)}, f(6)},
		"an empty one":                 {{id3v2(id3v2Header, false)}, f(6)},
		"with footer, between":         {f(3), {id3v2(300, true)}, f(3)},
		"as long as can be carried":    {f(3), {id3v2(maxTag, false)}, f(3)},
		"longer":                       {f(3), {id3v2(maxTag+1, true)}, f(3)},
		"much longer":                  {{id3v2(300<<10, false)}, f(6), {id3v2(100<<10, true)}, f(3)},
		"after garbage":                {f(3), {junk(100), id3v2(100, false)}, f(6)},
		"two in a row":                 {{id3v2(100, false), id3v2(maxTag+9, false), id3v2(200, false)}, f(6)},
		"an ID3v1 tag after":           {f(6), {id3v1()}},
		"between one file and another": {f(6), {id3v1(), id3v2(40, false)}, f(6)},
		"at the beginning":             {{lost(id3v1())}, f(6)},
		"cut short":                    {f(6), {lost(cutShort(id3v1()))}},
		"a tag that is none":           {f(6), {{data: []byte("ID3\x04\x00\x00\xff\x00\x00\x00....")}}, f(6)},
		"a tag that is too long":       {f(6), {{data: []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f....")}}, f(6)},
	}
	if !k.free {
		all["a lone frame in garbage"] = [][]part{f(3), {junk(50), lost(k.frame(0)), junk(50)}, f(3)}
		all["a lone frame and a bit"] = [][]part{{lost(k.frame(0)), junk(3)}}
		all["a lone frame"] = [][]part{f(1)}
		all["a lone frame before a tag"] = [][]part{f(1), {id3v1()}}
	}
	joined := make(map[string][]part)
	for name, groups := range all {
		joined[name] = slices.Concat(groups...)
	}
	return joined
}

func TestEveryFrameIsFoundWhateverSurroundsIt(t *testing.T) {
	for _, k := range kinds() {
		for name, parts := range scenes(k) {
			stream, want := assemble(parts...)
			if d := difference(whole(t, k.make(), stream), want); d != "" {
				t.Errorf("%s: %s: %s", k.name, name, d)
			}
			checkCuts(t, k.name+": "+name, k.make, stream, 700)
		}
	}
}

func TestFramesOfDifferentStreamsDoNotMakeASync(t *testing.T) {
	m := mpegFrame{version: 1, layer: 3, kbps: 128, hz: 44100}
	a := adtsFrame{hz: 44100, channels: 2, size: 400, blocks: 1}
	other := a.part()
	other.data[2] ^= 0x40 // the profile
	for name, second := range map[string]part{
		"another sampling rate":         mpegFrame{version: 1, layer: 3, kbps: 128, hz: 48000}.part(),
		"another version":               mpegFrame{version: 2, layer: 3, kbps: 128, hz: 22050}.part(),
		"another layer":                 mpegFrame{version: 1, layer: 2, kbps: 128, hz: 44100}.part(),
		"no bitrate":                    mpegFrame{version: 1, layer: 3, hz: 44100, free: 400}.part(),
		"another codec":                 a.part(),
		"ADTS of another sampling rate": adtsFrame{hz: 48000, channels: 2, size: 400, blocks: 1}.part(),
		"ADTS of other channels":        adtsFrame{hz: 44100, channels: 1, size: 400, blocks: 1}.part(),
		"ADTS of many more channels":    adtsFrame{hz: 44100, channels: 6, size: 400, blocks: 1}.part(),
		"ADTS of MPEG-2":                adtsFrame{hz: 44100, channels: 2, size: 400, blocks: 1, mpeg2: true}.part(),
		"ADTS of another profile":       other,
	} {
		for _, first := range []part{m.part(), a.part()} {
			if bytes.Equal(first.data, second.data) {
				continue
			}
			stream := bytesOf(junk(20), first, second, junk(20))
			for _, f := range []Framer{newMPEG("audio/mpeg"), newADTS("audio/aac")} {
				if got := whole(t, f, stream); len(got) > 0 {
					t.Errorf("%s, %s: found %+v, want no frame", name, f.Type(), got[0])
				}
			}
		}
	}
}

// In sync a framer trusts a header, because waiting for the next one would delay every frame.
// Only a frame that holds a header is doubted. This test shows the cost.
func TestALengthThatLiesCostsNoMoreThanItsFrame(t *testing.T) {
	aac := func(int) part { return adtsFrame{hz: 44100, channels: 2, size: 400, blocks: 1}.part() }
	broken := func(size int, data ...[]byte) []part {
		all := slices.Concat(data...)
		return []part{{data: all[:size], unit: true, start: true, duration: aac(0).duration}, {data: all[size:]}}
	}
	for _, c := range []struct {
		name  string
		make  func() Framer
		parts [][]part
	}{
		{
			"longer than the frame", func() Framer { return newADTS("audio/aac") },
			[][]part{times(3, aac), {lost(claiming(900, aac(0)))}, times(5, aac)},
		},
		{
			"shorter than the frame", func() Framer { return newADTS("audio/aac") },
			[][]part{times(3, aac), broken(100, claiming(100, aac(0)).data), times(3, aac)},
		},
		{
			"shorter than a header", func() Framer { return newADTS("audio/aac") },
			[][]part{times(3, aac), {lost(claiming(7, aac(0)))}, times(3, aac)},
		},
		{
			"longer than what is left", func() Framer { return newADTS("audio/aac") },
			[][]part{times(3, aac), {lost(claiming(8191, aac(0)))}, times(3, aac)},
		},
		{
			"before there is a sync it is not believed", func() Framer { return newADTS("audio/aac") },
			[][]part{{lost(claiming(900, aac(0)))}, times(6, aac)},
		},
	} {
		stream, want := assemble(slices.Concat(c.parts...)...)
		if d := difference(whole(t, c.make(), stream), want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		checkCuts(t, c.name, c.make, stream, 1, 100)
	}
}

// Encoders play files one after the other, and a file may end anywhere.
func TestAFrameThatIsCutOffDoesNotSwallowTheNextTrack(t *testing.T) {
	for _, k := range kinds() {
		if k.free {
			continue // no header says how long the cut frame is
		}
		f := func(n int) []part { return times(n, k.frame) }
		other := times(6, func(int) part { return mpegFrame{version: 2, layer: 3, kbps: 24, hz: 24000}.part() })
		switch k.make().Type() {
		case "audio/mp4a-latm":
			other = f(6)
		case "audio/aac":
			other = times(6, func(int) part { return adtsFrame{hz: 7350, channels: 1, size: 70, blocks: 1}.part() })
		}
		for name, next := range map[string][]part{
			"a plain frame":         f(6),
			"an ID3v2 tag":          append([]part{id3v2(90, false)}, f(6)...),
			"an empty one":          append([]part{id3v2(id3v2Header, false)}, f(6)...),
			"a long one":            append([]part{id3v2(5000, false)}, f(6)...),
			"an ID3v1 tag":          append([]part{lost(id3v1())}, f(6)...),
			"the tags of both":      append([]part{lost(id3v1()), id3v2(90, false)}, f(6)...),
			"another sampling rate": other,
		} {
			for _, frame := range [][]byte{k.frame(3).data, k.frame(4).data} {
				for _, cut := range []int{1, 2, 3, 7, len(frame)/2 | 1, len(frame) - 5, len(frame) - 2, len(frame) - 1} {
					if cut < 1 || cut >= len(frame) || endsAfter(len(frame)-cut, next) {
						continue
					}
					stream, want := assemble(slices.Concat(f(3), []part{{data: frame[:cut]}}, next)...)
					if d := difference(whole(t, k.make(), stream), want); d != "" {
						t.Errorf("%s, cut after %d of %d bytes, then %s: %s", k.name, cut, len(frame), name, d)
					}
				}
			}
		}
	}
}

// endsAfter reports whether one of the parts ends after n bytes: the length of a frame
// before them that lacks n bytes seems to be right then.
func endsAfter(n int, parts []part) bool {
	for _, p := range parts {
		if n -= len(p.data); n == 0 {
			return true
		}
	}
	return false
}
