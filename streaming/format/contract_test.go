package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// framers are all framers; each must keep the contract of Framer with any input.
var framers = []struct {
	name string
	make func() Framer
}{
	{"mpeg", func() Framer { return newMPEG("audio/mpeg") }},
	{"adts", func() Framer { return newADTS("audio/aac") }},
	{"loas", func() Framer { return newLOAS("audio/mp4a-latm") }},
	{"ogg", ogger},
	{"flac", flacer},
	{"webm", webmer},
	{"mpegts", tser},
	{"opaque", func() Framer { return opaque{"audio/x-unknown"} }},
	{"detector", func() Framer { return New("") }},
	{"detector with a type", func() Framer { return New("application/ogg") }},
}

// entire feeds a framer a whole stream at once.
func entire(t testing.TB, f Framer, stream []byte) []seen {
	t.Helper()
	return drive(t, f, stream, false, func() int { return len(stream) })
}

// whole is entire, but returns the positions of the units.
func whole(t testing.TB, f Framer, stream []byte) []piece {
	t.Helper()
	return places(entire(t, f, stream))
}

func places(units []seen) []piece {
	all := make([]piece, len(units))
	for i, u := range units {
		all[i] = u.piece
	}
	return all
}

func isOpaque(f Framer) bool {
	if d, ok := f.(*detector); ok {
		f = d.chosen
	}
	_, ok := f.(opaque)
	return ok
}

// joined merges adjacent units: the units of an opaque stream depend on the reads, their bytes
// do not.
func joined(units []seen) (all []seen) {
	for _, u := range units {
		u.sum = 0
		if last := len(all) - 1; last >= 0 && all[last].at+all[last].size == u.at {
			all[last].size += u.size
		} else {
			all = append(all, u)
		}
	}
	return all
}

func TestUnitsAreTheSameWhereverTheStreamIsCut(t *testing.T) {
	for name, stream := range shortStreams() {
		t.Run(name, func(t *testing.T) {
			for _, f := range framers {
				want := entire(t, f.make(), stream)
				for at := range len(stream) + 1 {
					reads := []int{at, len(stream) - at}
					got := drive(t, f.make(), stream, true, func() int {
						n := reads[0]
						reads = append(reads[1:], n)
						return n
					})
					if d := difference(got, want); d != "" {
						t.Fatalf("%s: cut at %d: %s", f.name, at, d)
					}
				}
				checkCuts(t, f.name, f.make, stream, 1, 2, 10, 100)
			}
		})
	}
}

// checkCuts feeds framers a stream in reads of many lengths, up to each of most.
func checkCuts(t testing.TB, name string, fresh func() Framer, stream []byte, most ...int) {
	t.Helper()
	want := entire(t, fresh(), stream)
	for i, m := range most {
		r := rand.New(rand.NewPCG(3, uint64(m)))
		got := drive(t, fresh(), stream, i%2 == 0, func() int { return 1 + r.IntN(m) })
		if d := difference(got, want); d != "" {
			t.Errorf("%s: in reads of up to %d bytes: %s", name, m, d)
		}
	}
}

// difference describes the first difference between units.
func difference[U comparable](got, want []U) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("unit %d is missing: %+v", i, want[i])
		case i >= len(want):
			return fmt.Sprintf("unit %d is one too many: %+v", i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("unit %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	return ""
}

func TestLongStreamsAreCutAlikeToo(t *testing.T) {
	large := func(int) part { return adtsFrame{hz: 8000, channels: 2, size: 8191, blocks: 4}.part() }
	free := func(int) part { return mpegFrame{version: 3, layer: 3, hz: 8000, free: maxFreeFrame, pad: true}.part() }
	mp2 := func(int) part { return mpegFrame{version: 3, layer: 2, kbps: 160, hz: 8000}.part() }
	all := func(first part, rest ...part) []byte { return bytesOf(append([]part{first}, rest...)...) }
	for name, stream := range map[string][]byte{
		"the largest ADTS frames":         all(junk(10), times(4, large)...),
		"the largest free frames":         all(junk(10), times(5, free)...),
		"frames after much garbage":       all(junk(maxProbe-1), times(40, mp3)...),
		"frames after too much garbage":   all(junk(maxProbe), times(40, mp3)...),
		"ADTS after a false start":        all(part{data: large(0).data[:700]}, times(50, aac)...),
		"MP3 within the reach of ADTS":    all(part{data: large(0).data[:700]}, times(50, mp3)...),
		"MP3 within ADTS frames":          all(filled(large(0), mp3), filled(large(0), mp3), filled(large(0), mp3)),
		"ADTS within MPEG frames":         all(filled(mp2(0), aac), filled(mp2(1), aac), filled(mp2(2), aac)),
		"free format that leads nowhere":  all(part{data: free(0).data[:700]}, times(50, mp3)...),
		"a tag as long as can be carried": all(id3v2(maxTag, false), append(times(4, mp3), id3v2(maxTag, true), mp3(0), mp3(0))...),
		"a longer tag":                    all(id3v2(maxTag+1, false), append(times(4, mp3), id3v2(maxTag+1, true), mp3(0), mp3(0))...),
		"noise":                           noise(4, 50000),
		"pages as long as can be":         longPages(),
		"blocks longer than a unit":       longBlocks(),
		"frames longer than a unit":       longFLAC(),
		"metadata as long as can be":      append(flacStart(2, flacBlock(flacPicture, make([]byte, MaxUnit-4)), flacBlock(flacPicture, make([]byte, MaxUnit-3))), bytesOf(flacFrames(0, 5)...)...),
		"MPEG-TS":                         slices.Concat(tables(0, 0x0f), slices.Repeat(tsFill{pid: videoPID, begins: true}.packet(), 300)),
	} {
		for _, f := range framers {
			checkCuts(t, name+", "+f.name, f.make, stream, 1, 1000, 5000, 40000)
		}
	}
}

func TestFramersKeepNothingOfTheBuffer(t *testing.T) {
	for name, stream := range shortStreams() {
		for _, f := range framers {
			want := entire(t, f.make(), stream)
			c := checker{t: t, f: f.make()}
			left, done := stream, 0
			for n := 1; len(left) > 0; {
				buf := bytes.Clone(left[:min(n, len(left))])
				took := c.next(done, buf, len(buf) == len(left))
				if took < 0 {
					took = 0
					n++
				} else {
					n = max(1, n-took)
				}
				left, done = left[took:], done+took
				clear(buf)
			}
			c.inits.check(t)
			if d := difference(c.units(), want); d != "" {
				t.Errorf("%s, %s: %s", f.name, name, d)
			}
		}
	}
}
