package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// framers are all there are; each keeps the contract of Framer with any input.
var framers = []struct {
	name string
	make func() Framer
}{
	{"mpeg", func() Framer { return newMPEG("audio/mpeg") }},
	{"adts", func() Framer { return newADTS("audio/aac") }},
	{"opaque", func() Framer { return opaque{"audio/x-unknown"} }},
	{"detector", func() Framer { return New("") }},
	{"detector with a type", func() Framer { return New("application/ogg") }},
}

// drive shows a framer a stream that arrives in reads of the lengths that next
// returns, and checks all that holds for every framer and every stream. With
// late the end is told by a read of nothing, as by most connections, else with
// the last bytes.
func drive(t testing.TB, f Framer, stream []byte, late bool, next func() int) []piece {
	t.Helper()
	var units []piece
	typ := ""
	lo, hi := 0, 0
	for final := false; !final; {
		final = hi == len(stream)
		hi = min(len(stream), hi+next())
		final = final || !late && hi == len(stream)
		for lo < hi {
			buf := stream[lo:hi]
			n, u := f.Next(buf, final)
			switch {
			case n < 0 || n > len(buf):
				t.Fatalf("at %d: consumed %d bytes of %d", lo, n, len(buf))
			case n == 0 && (final || len(buf) >= MaxUnit):
				t.Fatalf("at %d: asks for more than %d bytes (final: %v)", lo, len(buf), final)
			case len(u.Data) > min(n, MaxUnit):
				t.Fatalf("at %d: a unit of %d bytes in %d", lo, len(u.Data), n)
			case u.Data != nil && (len(u.Data) == 0 || &u.Data[len(u.Data)-1] != &buf[n-1]):
				t.Fatalf("at %d: a unit that is not the last bytes consumed", lo)
			case u.Data == nil && (u.Start || u.Duration != 0):
				t.Fatalf("at %d: no unit, and yet %+v", lo, u)
			case typ != "" && f.Type() != typ || u.Data != nil && f.Type() == "":
				t.Fatalf("at %d: the type was %q and is %q", lo, typ, f.Type())
			}
			typ = f.Type()
			if n == 0 {
				break
			}
			lo += n
			if u.Data != nil {
				units = append(units, piece{lo - len(u.Data), len(u.Data), u.Start, u.Duration})
			}
		}
	}
	if isOpaque(f) {
		return joined(units)
	}
	return units
}

// whole shows a framer all of a stream at once.
func whole(t testing.TB, f Framer, stream []byte) []piece {
	t.Helper()
	return drive(t, f, stream, false, func() int { return len(stream) })
}

func isOpaque(f Framer) bool {
	if d, ok := f.(*detector); ok {
		f = d.chosen
	}
	_, ok := f.(opaque)
	return ok
}

// joined makes one of units that lie side by side: what comes of an opaque
// stream depends on how it arrives, but for the bytes.
func joined(units []piece) (all []piece) {
	for _, u := range units {
		if last := len(all) - 1; last >= 0 && all[last].at+all[last].size == u.at {
			all[last].size += u.size
		} else {
			all = append(all, u)
		}
	}
	return all
}

// shortStreams are short enough to be cut at every byte.
func shortStreams() map[string][]byte {
	tiny := func(i int) part { return mpegFrame{version: 2, layer: 3, kbps: 8 + 8*(i&1), hz: 24000}.part() }
	mp2 := func(i int) part { return mpegFrame{version: 2, layer: 2, kbps: 8, hz: 24000, pad: i%2 == 1}.part() }
	mp1 := func(i int) part { return mpegFrame{version: 2, layer: 1, kbps: 32, hz: 24000, pad: i%2 == 1}.part() }
	free := func(i int) part { return mpegFrame{version: 1, layer: 3, hz: 44100, free: 100, pad: i%3 == 1}.part() }
	aac := func(i int) part { return adtsFrame{hz: 44100, channels: 2, size: 40 + 9*(i%4), blocks: 1}.part() }
	crc := func(int) part { return adtsFrame{hz: 22050, channels: 1, size: 60, blocks: 3, crc: true}.part() }
	all := func(groups ...[]part) []byte { return bytesOf(slices.Concat(groups...)...) }
	one := func(p part) []part { return []part{p} }
	return map[string][]byte{
		"nothing":                    {},
		"one byte":                   {0xff},
		"less than a header":         {0xff, 0xfb, 0x90},
		"layer III":                  all(times(12, tiny)),
		"layer II with padding":      all(times(8, mp2)),
		"layer I with padding":       all(times(8, mp1)),
		"free format with padding":   all(times(8, free)),
		"one frame in free format":   all(times(1, free)),
		"ADTS":                       all(times(8, aac)),
		"ADTS with CRC":              all(times(8, crc)),
		"one frame":                  all(times(1, tiny)),
		"tags around layer III":      all(one(id3v2(60, false)), times(6, tiny), one(id3v1()), one(id3v2(50, true)), times(4, tiny), one(id3v1())),
		"tags around ADTS":           all(one(id3v2(60, true)), times(6, aac), one(id3v1()), times(4, aac)),
		"garbage around layer III":   all(one(junk(70)), times(5, tiny), one(junk(33)), times(5, tiny), one(junk(50))),
		"garbage around free format": all(one(junk(70)), times(4, free), one(junk(33)), times(4, free), one(junk(50))),
		"garbage around ADTS":        all(one(junk(70)), times(5, aac), one(junk(33)), times(5, aac), one(junk(50))),
		"from one kind to another":   all(times(4, tiny), times(4, mp2), times(4, free), times(4, aac), times(4, tiny)),
		"cut short":                  all(times(4, tiny), one(cutShort(tiny(0)))),
		"cut short within":           all(times(4, aac), one(cutShort(aac(0))), times(4, aac)),
		"a length that lies":         all(times(4, aac), one(claiming(8191, aac(0))), times(4, aac)),
		"a tag that lies":            all(times(4, tiny), one(part{data: id3v2(400, false).data[:100]}), times(9, tiny)),
		"a tag that lies far":        all(times(4, tiny), one(part{data: id3v2(maxTag+1, false).data[:100]}), times(9, tiny)),
		"Ogg":                        append([]byte("OggS"), noise(1, 300)...),
		"half a magic":               []byte("Og"),
		"half a tag":                 []byte("ID3\x04"),
		"letters of tags":            bytes.Repeat([]byte("IDTAID3TAG"), 40),
		"every byte a sync":          bytes.Repeat([]byte{0xff}, 700),
		"headers that lead nowhere":  bytes.Repeat([]byte{0xff, 0xfb, 0x90, 0xc4}, 200),
		"of free format":             bytes.Repeat([]byte{0xff, 0xfb, 0x00, 0xc4}, 100),
		"noise":                      noise(3, 900),
	}
}

func TestUnitsAreTheSameWhereverTheStreamIsCut(t *testing.T) {
	for name, stream := range shortStreams() {
		t.Run(name, func(t *testing.T) {
			for _, f := range framers {
				want := whole(t, f.make(), stream)
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

// checkCuts shows framers a stream in reads of many lengths, up to each of most.
func checkCuts(t testing.TB, name string, fresh func() Framer, stream []byte, most ...int) {
	t.Helper()
	want := whole(t, fresh(), stream)
	for i, m := range most {
		r := rand.New(rand.NewPCG(3, uint64(m)))
		got := drive(t, fresh(), stream, i%2 == 0, func() int { return 1 + r.IntN(m) })
		if d := difference(got, want); d != "" {
			t.Errorf("%s: in reads of up to %d bytes: %s", name, m, d)
		}
	}
}

// difference says where units are not those that they should be.
func difference(got, want []piece) string {
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
	free := func(int) part { return mpegFrame{version: 3, layer: 3, hz: 8000, free: maxFree, pad: true}.part() }
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
	} {
		for _, f := range framers {
			checkCuts(t, name+", "+f.name, f.make, stream, 1, 1000, 5000, 40000)
		}
	}
}

func TestFramersKeepNothingOfTheBuffer(t *testing.T) {
	for name, stream := range shortStreams() {
		for _, f := range framers {
			want := whole(t, f.make(), stream)
			framer, left, done := f.make(), stream, 0
			var got []piece
			for n := 1; len(left) > 0; {
				buf := bytes.Clone(left[:min(n, len(left))])
				took, u := framer.Next(buf, len(buf) == len(left))
				if u.Data != nil {
					got = append(got, piece{done + took - len(u.Data), len(u.Data), u.Start, u.Duration})
				}
				left, done = left[took:], done+took
				if n = max(1, n-took); took == 0 {
					n++
				}
				clear(buf)
			}
			if isOpaque(framer) {
				got = joined(got)
			}
			if d := difference(got, want); d != "" {
				t.Errorf("%s, %s: %s", f.name, name, d)
			}
		}
	}
}
