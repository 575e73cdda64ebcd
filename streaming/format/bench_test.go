package format

import (
	"slices"
	"testing"
)

// BenchmarkFramer takes a stream apart as a source's loop does, in what it reads
// at once. A unit must cost no allocation.
func BenchmarkFramer(b *testing.B) {
	free := func(i int) part {
		return mpegFrame{version: 1, layer: 3, hz: 44100, free: 417, pad: i%2 == 1}.part()
	}
	for _, c := range []struct {
		name   string
		make   func() Framer
		stream []byte
	}{
		{"MP3", func() Framer { return New("audio/mpeg") }, bytesOf(times(1000, mp3)...)},
		{"MP3 in free format", func() Framer { return New("audio/mpeg") }, bytesOf(times(1000, free)...)},
		{"AAC", func() Framer { return New("audio/aac") }, bytesOf(times(1000, aac)...)},
		{"opaque", func() Framer { return New("text/plain") }, noise(1, 400_000)},
		{"garbage", func() Framer { return newMPEG("audio/mpeg") }, noise(1, 400_000)},
		{"hostile", func() Framer { return newMPEG("audio/mpeg") }, nowhere(20_000)},
	} {
		for _, size := range []struct {
			name  string
			bytes int
		}{{"4 KiB", 4 << 10}, {"32 KiB", 32 << 10}} {
			b.Run(c.name+"/"+size.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(c.stream)))
				units := 0
				for b.Loop() {
					units += takeApart(c.make(), c.stream, size.bytes)
				}
				b.ReportMetric(float64(units)/float64(b.N), "units/op")
			})
		}
	}
}

// takeApart counts the units of a stream that comes in reads of a size.
func takeApart(f Framer, stream []byte, size int) (units int) {
	for lo, hi := 0, 0; hi < len(stream); {
		hi = min(len(stream), hi+size)
		for lo < hi {
			n, u := f.Next(stream[lo:hi], false)
			if n == 0 {
				break
			}
			lo += n
			if u.Data != nil {
				units++
			}
		}
	}
	return units
}

// Once it has found the sync a framer allocates nothing, or a source would
// keep the garbage collector busy with each frame.
func TestAUnitCostsNoAllocation(t *testing.T) {
	tags := func(i int) part {
		if i%10 == 9 {
			return id3v2(200, false)
		}
		return mp3(i)
	}
	for name, frame := range map[string]func(int) part{"MP3": mp3, "AAC": aac, "MP3 with tags": tags} {
		f := New("")
		warm := bytesOf(times(5, mp3)...)
		if name == "AAC" {
			warm = bytesOf(times(5, aac)...)
		}
		takeApart(f, slices.Concat(warm, warm), 100) // it chooses, and finds the sync
		stream := bytesOf(times(100, frame)...)
		if got := testing.AllocsPerRun(10, func() { takeApart(f, stream, len(stream)) }); got > 0 {
			t.Errorf("%s: %v allocations for 100 units, want none", name, got)
		}
	}
}
