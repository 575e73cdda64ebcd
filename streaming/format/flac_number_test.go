package format

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Frames of a stream that follows another come out as if they had been made with the next
// numbers: with both checksums, also if they are longer than a unit.
func TestFramesOfAnotherStreamAreNumberedOn(t *testing.T) {
	long := func(number uint64) flacFrame {
		return flacFrame{number: number, size: 2*flacPart + int(number), channels: 8, large: true}
	}
	short := func(number uint64) flacFrame { return flacFrame{number: number, size: 50, channels: 8, large: true} }
	odd := func(number uint64) flacFrame {
		return flacFrame{number: number, size: 60, channels: 8, large: true, variable: true}
	}
	const block = 32768
	for _, c := range []struct {
		name          string
		frame         func(uint64) flacFrame
		samples       uint64 // before the stream
		first         uint64 // number of the frame with which it begins
		want          uint64 // and what that becomes
		step          uint64
		beginsAnother bool // instead of the first stream of the framer
	}{
		{"the first stream", short, 0, 7, 7, 1, false},
		{"after some frames", short, 3 * block, 0, 3, 1, false},
		{"after a part of a frame", short, 3*block + 1, 0, 4, 1, false},
		{"a stream that does not begin with the first frame", short, 3 * block, 700, 3, 1, false},
		{"a number gets longer", short, 2047 * block, 0, 2047, 1, false},
		{"a number gets shorter", short, 3 * block, 70000, 3, 1, false},
		{"frames that come in parts", long, 126 * block, 0, 126, 1, false},
		{"numbers of samples", odd, 1000, 0, 1000, block, false},
		{"a second header", short, 0, 0, 2, 1, true},
		{"a second header before frames in parts", long, 0, 5, 2, 1, true},
		{"a second header, numbers of samples", odd, 0, 0, 2 * block, block, true},
	} {
		f := New("audio/flac").(Numberer)
		if c.samples > 0 {
			f.Continue(c.samples)
		}
		start := flacStart(8)
		var stream, want []byte
		if c.beginsAnother {
			for i := range c.want / c.step {
				stream = append(stream, c.frame(i*c.step).part().data...)
			}
			want = append(want, stream...)
			stream = append(stream, start...)
		}
		for i := range uint64(5) {
			frame := c.frame(c.first + i*c.step)
			stream = append(stream, frame.part().data...)
			frame.number = c.want + i*c.step
			want = append(want, frame.part().data...)
		}
		got := bytes.Join(dataOf(takeAll(t, f, append(slices.Clone(start), stream...), nil)), nil)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes are not the %d that were expected", c.name, len(got), len(want))
		}
		end := (c.want + 5) * block
		if c.step > 1 {
			end = c.want + 5*block
		}
		if got := f.Samples(); got != end {
			t.Errorf("%s: it ends at sample %d, want %d", c.name, got, end)
		}
	}
}

func dataOf(units []taken) (data [][]byte) {
	for _, u := range units {
		data = append(data, u.data)
	}
	return data
}

// What is damaged within a frame of which a part was sent stays damaged.
func TestADamagedFrameStaysDamagedWithANewNumber(t *testing.T) {
	f := New("audio/flac").(Numberer)
	f.Continue(9 * 32768)
	damaged := flacFrame{size: flacPart + 1000, channels: 8, large: true}.part().data
	damaged[500] ^= 1
	stream := slices.Concat(flacStart(8), damaged, flacFrame{number: 1, size: 90, channels: 8, large: true}.part().data)
	units := takeAll(t, f, stream, nil)
	if len(units) != 3 || crc16(0, slices.Concat(units[0].data, units[1].data)) == 0 || crc16(0, units[2].data) != 0 {
		t.Errorf("%d units; want a damaged frame in two parts, and an intact one", len(units))
	}
}

func TestNumbersAreCodedAsTheyAreRead(t *testing.T) {
	for range 10000 {
		number := rand.Uint64N(1<<36) >> rand.IntN(36)
		coded := appendFLACNumber(nil, number)
		if got, n := flacNumber(coded); got != number || n != len(coded) {
			t.Fatalf("%d is % x, which is %d", number, coded, got)
		}
	}
	for number, size := range map[uint64]int{0: 1, 0x7f: 1, 0x80: 2, 0x7ff: 2, 0x800: 3, 0xffff: 3, 0x10000: 4, 1<<31 - 1: 6, 1 << 31: 7, 1<<36 - 1: 7} {
		if got := len(appendFLACNumber(nil, number)); got != size {
			t.Errorf("%d has %d bytes, want %d", number, got, size)
		}
	}
}

// A player that has a header takes no other, so streams that need another are of another kind.
func TestKindsOfFLACAreWhatOneHeaderServesFor(t *testing.T) {
	init := func(rate, channels, bits int, blocks ...byte) *Init {
		info := flacInfoOf(rate, channels, bits)
		copy(info, blocks)
		return &Init{Data: slices.Concat([]byte(flacMagic), flacBlock(flacLast, info)), Once: true}
	}
	base := init(44100, 2, 16, 16, 0, 16, 0)
	titled := &Init{Data: slices.Concat(base.Data, []byte("other comments")), Once: true}
	if Kind("audio/flac", base) != Kind("audio/x-flac", titled) {
		t.Error("comments make another kind")
	}
	for name, other := range map[string]*Init{
		"rate": init(48000, 2, 16, 16, 0, 16, 0), "channels": init(44100, 1, 16, 16, 0, 16, 0), "bits": init(44100, 2, 24, 16, 0, 16, 0),
		"block size": init(44100, 2, 16, 18, 0, 18, 0), "block sizes": init(44100, 2, 16, 0, 16, 16, 0),
	} {
		if Kind("audio/flac", base) == Kind("audio/flac", other) {
			t.Errorf("another %s is the same kind", name)
		}
	}
	ogg := &Init{Data: []byte("OggS")}
	for _, c := range []struct {
		init, before *Init
		due          bool
	}{{base, nil, true}, {base, base, false}, {titled, base, false}, {base, ogg, true}, {ogg, base, true}, {nil, base, false}} {
		if got := c.init.IsDue(c.before); got != c.due {
			t.Errorf("%v after %v is due: %v", c.init, c.before, got)
		}
	}
}
