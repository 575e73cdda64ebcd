package format

import (
	"bytes"
	"slices"
	"testing"
)

// BenchmarkFramer splits a stream read by read, like the loop of a source. A unit must cost no
// allocation.
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
		{"Ogg Opus", ogger, oggOf("opus", 300)},
		{"Ogg Vorbis", ogger, oggOf("vorbis", 300)},
		{"FLAC", flacer, append(flacStart(2), bytesOf(largeFLAC(0, 50)...)...)},
		{"WebM", webmer, append(webmStart("webm", withPictures), bytesOf(times(100, oneCluster)...)...)},
		{"MPEG-TS", tser, append(tables(0, tsH264), bytesOf(times(2000, onePacket)...)...)},
		{"opaque", func() Framer { return New("text/plain") }, noise(1, 400_000)},
		{"garbage", func() Framer { return newMPEG("audio/mpeg") }, noise(1, 400_000)},
		{"hostile", func() Framer { return newMPEG("audio/mpeg") }, nowhere(20_000)},
		{"hostile Ogg", ogger, bytes.Repeat(claimedPage(), 5000)},
		{"hostile FLAC", flacer, append(flacStart(2), bytes.Repeat(flacFrame{number: 1, channels: 2, large: true}.part().data[:6], 50_000)...)},
		{"hostile WebM", webmer, append(webmStart("webm", withPictures), bytes.Repeat(endless(idCluster, stamp(0), []byte{0xa3, 0x80}), 30_000)...)},
		{"hostile MPEG-TS", tser, bytes.Repeat([]byte{tsSync}, 400_000)},
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

func oggOf(codec string, pages int) []byte {
	m := oggMaker{serial: 1}
	parts := m.link(codec, 0)
	for range pages {
		parts = append(parts, m.sound(slices.Repeat([][]byte{packetOf(codec, 300)}, 10)...))
	}
	return bytesOf(parts...)
}

func largeFLAC(from, n int) []part {
	return times(n, func(i int) part {
		return flacFrame{number: uint64(from + i), size: 8000, channels: 2, large: true}.part()
	})
}

func oneCluster(i int) part {
	blocks := slices.Repeat([][]byte{element(idSimpleBlock, blockBody(1, 9, 0, 2000)), element(idSimpleBlock, blockBody(2, 9, 0, 300))}, 10)
	return part{data: element(idCluster, slices.Concat(stamp(i), simple(2, 0, 0), simple(1, 0, blockKey), slices.Concat(blocks...)))}
}

func onePacket(i int) part {
	return part{data: tsFill{pid: videoPID, begins: i%20 == 0, clock: i, payload: pes(0, 0, 1, 9, 0, 0, 1, 0x65)}.packet()}
}

// claimedPage is a page header with the maximum length.
func claimedPage() []byte {
	return appendOggPage(nil, 0, 0, bytes.Repeat([]byte{255}, 60))
}

// takeApart counts the units of a stream in reads of a fixed size.
func takeApart(f Framer, stream []byte, size int) (units int) {
	for lo, hi := 0, 0; hi < len(stream); {
		hi = min(len(stream), hi+size)
		for lo < hi {
			n, u := f.Next(stream[lo:hi], false)
			if n == 0 && u.Data == nil {
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

// In sync a framer allocates nothing; otherwise each frame of a source would cost garbage
// collection.
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
	for name, c := range map[string]struct {
		f            Framer
		warm, stream []byte
	}{
		"Ogg":                {ogger(), oggOf("vorbis", 3), oggOf("vorbis", 100)[380:]},
		"FLAC":               {flacer(), append(flacStart(2), bytesOf(largeFLAC(0, 3)...)...), bytesOf(largeFLAC(3, 100)...)},
		"WebM":               {webmer(), append(webmStart("webm", withPictures), oneCluster(0).data...), bytesOf(times(100, oneCluster)...)},
		"MPEG-TS":            {tser(), append(tables(0, tsH264), onePacket(0).data...), bytesOf(times(100, onePacket)...)},
		"MPEG-TS and tables": {tser(), slices.Repeat(tables(0, tsH264), 9), slices.Repeat(tables(0, tsH264), 100)},
	} {
		takeApart(c.f, c.warm, len(c.warm))
		if got := takeApart(c.f, c.stream, len(c.stream)); got < 99 { // the end of a FLAC frame shows with the next one
			t.Errorf("%s: %d units, want 99 or more", name, got)
		}
		if got := testing.AllocsPerRun(10, func() { takeApart(c.f, c.stream, len(c.stream)) }); got > 0 {
			t.Errorf("%s: %v allocations for 100 units, want none", name, got)
		}
	}
}
