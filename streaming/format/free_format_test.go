package format

import (
	"bytes"
	"slices"
	"testing"
)

func TestTheSizeInFreeFormatIsTheDistanceOfHeaders(t *testing.T) {
	for _, c := range []struct {
		name string
		m    mpegFrame
		pads []bool // of the frames, one after the other
	}{
		{"no padding", mpegFrame{version: 1, layer: 3, hz: 44100, free: 1253}, []bool{false}},
		{"always padding", mpegFrame{version: 1, layer: 3, hz: 44100, free: 1253}, []bool{true}},
		{"padding first", mpegFrame{version: 1, layer: 3, hz: 44100, free: 1253}, []bool{true, false, false}},
		{"padding later", mpegFrame{version: 1, layer: 3, hz: 44100, free: 1253}, []bool{false, false, true, true}},
		{"layer I pads four bytes", mpegFrame{version: 1, layer: 1, hz: 44100, free: 404}, []bool{false, true}},
		{"the shortest", mpegFrame{version: 1, layer: 2, hz: 48000, free: 5}, []bool{false, true}},
		{"the longest", mpegFrame{version: 3, layer: 3, hz: 8000, free: maxFreeFrame}, []bool{true, false}},
	} {
		frame := func(i int) part {
			m := c.m
			m.pad = c.pads[i%len(c.pads)]
			return m.part()
		}
		stream, want := assemble(times(12, frame)...)
		if d := difference(whole(t, newMPEG("audio/mpeg"), stream), want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		stream, _ = assemble(times(1, frame)...)
		if got := whole(t, newMPEG("audio/mpeg"), stream); len(got) > 0 {
			t.Errorf("%s: a frame alone has the size %d, want none", c.name, got[0].size)
		}
	}
}

func TestAFrameLongerThanAnyInFreeFormatIsNone(t *testing.T) {
	frame := func(int) part { return mpegFrame{version: 3, layer: 3, hz: 8000, free: maxFreeFrame + 1}.part() }
	if got := whole(t, newMPEG("audio/mpeg"), bytesOf(times(5, frame)...)); len(got) > 0 {
		t.Errorf("found a frame of %d bytes, want none", got[0].size)
	}
}

func TestAChangeOfSizeInFreeFormatIsFollowed(t *testing.T) {
	small := func(int) part { return mpegFrame{version: 1, layer: 3, hz: 44100, free: 300}.part() }
	large := func(int) part { return mpegFrame{version: 1, layer: 3, hz: 44100, free: 500}.part() }
	// The first large one is cut to the size of those before it, and its rest is
	// where the sync is lost.
	broken := large(0)
	rest := part{data: broken.data[300:]}
	broken.data = broken.data[:300]
	stream, want := assemble(append(append(times(4, small), broken, rest), times(4, large)...)...)
	if d := difference(whole(t, newMPEG("audio/mpeg"), stream), want); d != "" {
		t.Error(d)
	}
}

func TestFreeFormatAndBitratesTakeTurns(t *testing.T) {
	free := func(i int) part { return mpegFrame{version: 1, layer: 3, hz: 44100, free: 300, pad: i%2 == 1}.part() }
	stream, want := assemble(slices.Concat(times(4, mp3), times(4, free), times(4, mp3), times(4, free))...)
	if d := difference(whole(t, newMPEG("audio/mpeg"), stream), want); d != "" {
		t.Error(d)
	}
}

func TestAHeaderThatLeadsNowhereHidesOnlyWhatIsNear(t *testing.T) {
	stray := mpegFrame{version: 2, layer: 2, hz: 24000, free: 4}.part().data
	frame := func(i int) part {
		return mpegFrame{version: 1, layer: 3, hz: 44100, free: 100, pad: i%2 == 1}.part()
	}
	for _, c := range []struct {
		name   string
		before []byte // what is between the header and the frames
		lost   int    // frames that begin within maxDeaf bytes of the header
	}{
		{"just behind it", nil, 6},
		{"half as far", make([]byte, 300), 3},
		{"behind what is no frame either", append(make([]byte, 296), mp3(0).data[:4]...), 3},
		{"far enough", make([]byte, freeCooldown-4), 0},
	} {
		first := part{data: append(bytes.Clone(stray), c.before...)}
		var parts []part
		for i, p := range times(80, frame) {
			if i < c.lost {
				p = lost(p)
			}
			parts = append(parts, p)
		}
		stream, want := assemble(append([]part{first}, parts...)...)
		fresh := func() Framer { return newMPEG("audio/mpeg") }
		if d := difference(whole(t, fresh(), stream), want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		checkCuts(t, c.name, fresh, stream, 1, 100, 1000)
	}
}

// nowhere returns headers of free format, one every four bytes. None is confirmed, because no
// three of a kind are equally far apart.
func nowhere(n int) []byte {
	var kinds [][]byte
	var taken []map[int]bool // places by kind
	for _, version := range []byte{0x18, 0x10, 0x00} {
		for _, layer := range []byte{2, 4, 6} {
			for _, rate := range []byte{0, 4, 8} {
				kinds = append(kinds, []byte{0xff, 0xe1 | version | layer, rate, 0xc4})
				taken = append(taken, make(map[int]bool))
			}
		}
	}
	var stream []byte
	for at := range n {
		k := slices.IndexFunc(taken, func(places map[int]bool) bool { return !thirdOfThree(places, at) })
		if k < 0 {
			stream = append(stream, 0, 0, 0, 0)
			continue
		}
		taken[k][at] = true
		stream = append(stream, kinds[k]...)
	}
	return stream
}

// thirdOfThree reports whether two places lie one and two equal steps before at.
func thirdOfThree(places map[int]bool, at int) bool {
	for p := range places {
		if places[2*p-at] {
			return true
		}
	}
	return false
}

// between puts a header after each of those in a stream.
func between(stream, header []byte) (mixed []byte) {
	for h := range slices.Chunk(stream, 4) {
		mixed = append(append(mixed, h...), header...)
	}
	return mixed
}

// Without bounds the first two took a step for each byte and each possible size, so a source
// could keep a processor busy with a few kilobytes per second.
func TestHostileBytesCostABoundedNumberOfSteps(t *testing.T) {
	const perByte = 8
	large := adtsFrame{hz: 8000, channels: 2, size: 8191, blocks: 4}.part().data
	for name, stream := range map[string][]byte{
		"headers of free format that lead nowhere": nowhere(6000),
		"with others between them":                 between(nowhere(6000), []byte{0xff, 0xfb, 0x90, 0xc4}),
		"one of them, and nothing but sync":        append([]byte{0xff, 0xfb, 0x00, 0xc4}, bytes.Repeat([]byte{0xff}, 20000)...),
		"equal ones":                               bytes.Repeat([]byte{0xff, 0xfb, 0x00, 0xc4}, 5000),
		"nothing but sync":                         bytes.Repeat([]byte{0xff}, 20000),
		"nothing but zeros":                        make([]byte, 20000),
		"headers of long frames":                   bytes.Repeat(large[:7], 3000),
		"noise":                                    noise(5, 20000),
		"headers of LOAS":                          bytes.Repeat([]byte{loasSync, 0xff, 0xff}, 7000),
	} {
		for _, most := range []int{1, 1000, 1 << 20} {
			steps := 0
			d := New("").(*detector)
			mpeg, adts, latm := newMPEG("audio/mpeg"), newADTS("audio/aac"), newLOAS("audio/mp4a-latm")
			for _, f := range []*syncFramer{
				mpeg, adts, &latm.syncFramer,
				d.probes[0].f.(*syncFramer), d.probes[1].f.(*syncFramer), &d.probes[2].f.(*loas).syncFramer,
			} {
				parse := f.parse
				f.parse = func(b []byte) (syncHeader, bool) { steps++; return parse(b) }
			}
			for _, f := range []Framer{mpeg, adts, latm, d} {
				steps = 0
				drive(t, f, stream, true, func() int { return most })
				if steps > perByte*len(stream) {
					t.Errorf("%s: %T, in reads of %d bytes: %d steps for a byte, want at most %d",
						name, f, most, steps/len(stream), perByte)
				}
			}
		}
	}
}
