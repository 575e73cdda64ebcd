package format

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// fuzzFramer checks the contract with a stream and its division into reads: the units are the
// same in one piece and in those reads. No byte lasts longer than most. repair corrects
// checksums, so that damage gets past them.
func fuzzFramer(f *testing.F, fresh func() Framer, most time.Duration, repair ...func([]byte)) {
	for _, stream := range shortStreams() {
		f.Add(stream, []byte{1})
		f.Add(stream, []byte{0, 3, 200, 40})
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		for _, repair := range repair {
			stream = bytes.Clone(stream)
			repair(stream)
		}
		framer := fresh()
		want := entire(t, framer, stream)
		var length time.Duration
		for i, u := range want {
			if i > 0 && !want[i-1].own && u.at < want[i-1].at+want[i-1].size {
				t.Errorf("unit %+v begins before the end of %+v", u, want[i-1])
			}
			length += u.duration
		}
		if length > time.Duration(len(stream))*most {
			t.Errorf("%d bytes sound for %v", len(stream), length)
		}
		turn := 0
		for _, late := range []bool{true, false} {
			again := fresh()
			got := drive(t, again, stream, late, func() int {
				if len(cuts) == 0 {
					return 1
				}
				turn++
				n := int(cuts[turn%len(cuts)])
				return 1 + n*n/64
			})
			if d := difference(got, want); d != "" || again.Type() != framer.Type() {
				t.Errorf("in reads, a stream of %q instead of %q: %s", again.Type(), framer.Type(), d)
			}
		}
	})
}

const (
	mostOfFrames = 512 * time.Millisecond
	mostOfAll    = maxStep
)

func FuzzMPEG(f *testing.F) {
	fuzzFramer(f, func() Framer { return newMPEG("audio/mpeg") }, mostOfFrames)
}

func FuzzADTS(f *testing.F) {
	fuzzFramer(f, func() Framer { return newADTS("audio/aac") }, mostOfFrames)
}

func FuzzLOAS(f *testing.F) {
	fuzzFramer(f, func() Framer { return newLOAS("audio/mp4a-latm") }, 64*1024*time.Second/7350/4+1)
}

func FuzzOgg(f *testing.F) { fuzzFramer(f, ogger, mostOfAll, repairOgg) }

func FuzzFLAC(f *testing.F) { fuzzFramer(f, flacer, mostOfAll, repairFLAC) }

func FuzzWebM(f *testing.F) { fuzzFramer(f, webmer, mostOfAll) }

func FuzzMPEGTS(f *testing.F) { fuzzFramer(f, tser, mostOfAll, repairTS) }

func FuzzDetector(f *testing.F) {
	fuzzFramer(f, func() Framer { return New("audio/x-unknown") }, mostOfAll)
}

// repairOgg corrects the checksums of all pages.
func repairOgg(b []byte) {
	for len(b) > 0 {
		n := max(1, claimedSize(b))
		if n > 1 {
			p := OggPage(b[:n])
			p.renumber(p.Serial(), p.sequence())
		}
		b = b[n:]
	}
}

// claimedSize is the size in the header of a page, 0 if the page is incomplete.
func claimedSize(b []byte) int {
	if len(b) < oggHeader || len(b) < oggHeader+int(b[26]) || !startsLike(b, oggMagic) {
		return 0
	}
	size := oggHeader + int(b[26])
	for _, l := range b[oggHeader:size] {
		size += int(l)
	}
	if size > len(b) {
		return 0
	}
	return size
}

// repairFLAC corrects the checksum of each header, and of the frame before it.
func repairFLAC(b []byte) {
	last := -1
	for i := range b {
		for size := 6; size <= min(maxFLACHeader, len(b)-i) && b[i] == 0xff; size++ {
			old := b[i+size-1]
			b[i+size-1] = crc8(b[i : i+size-1])
			if h, found := parseFLAC(b[i:]); found != yes || h.size != size {
				b[i+size-1] = old
				continue
			}
			if last >= 0 && i-last > maxFLACHeader+2 {
				binary.BigEndian.PutUint16(b[i-2:], crc16(0, b[last:i-2]))
			}
			last = i
			break
		}
	}
}

// repairTS corrects the checksums of sections within one packet.
func repairTS(b []byte) {
	for ; len(b) >= tsSize; b = b[tsSize:] {
		p := tsPacket(b[:tsSize]).payload()
		if !tsPacket(b).starts() || len(p) == 0 || len(p) < int(p[0])+4 {
			continue
		}
		s := p[1+int(p[0]):]
		if size := 3 + int(s[1]&15)<<8 + int(s[2]); size >= 7 && size <= len(s) {
			binary.BigEndian.PutUint32(s[size-4:], crc32(^uint32(0), s[:size-4]))
		}
	}
}

// FuzzFramesInGarbage puts frames behind any bytes: the framer must find the frames again.
func FuzzFramesInGarbage(f *testing.F) {
	for _, stream := range shortStreams() {
		f.Add(stream)
	}
	f.Add([]byte("ID3\x04\x00\x00\x00\x00\x7f\x7f"))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		if bytes.Contains(garbage, []byte("ID3")) || len(garbage) > 4096 {
			return // a tag may claim all that follows
		}
		for _, k := range []struct {
			fresh func() Framer
			frame func(int) part
		}{{func() Framer { return newMPEG("audio/mpeg") }, mp3}, {func() Framer { return newADTS("audio/aac") }, aac}} {
			const n = 60
			run := bytesOf(times(n, k.frame)...)
			stream := bytes.Clone(append(garbage[:len(garbage):len(garbage)], run...))
			want, got := k.frame(n-1), whole(t, k.fresh(), stream)
			if len(got) == 0 {
				t.Fatal("no frame was found")
			}
			last := got[len(got)-1]
			if last.at+last.size != len(stream) || last.size != len(want.data) || last.duration != want.duration {
				t.Errorf("the last unit is %+v, want the last frame, %d bytes before %d", last, len(want.data), len(stream))
			}
		}
	})
}

// FuzzRetitle sets titles between any units: the contract must hold, and whole pages must stay
// whole pages.
func FuzzRetitle(f *testing.F) {
	for _, stream := range shortContainers() {
		f.Add(stream, uint8(1), "T")
		f.Add(stream, uint8(3), "\xff\x00")
	}
	f.Fuzz(func(t *testing.T, stream []byte, every uint8, title string) {
		stream = bytes.Clone(stream)
		repairOgg(stream)
		repairFLAC(stream)
		for _, fresh := range []func() Framer{ogger, flacer} {
			c := checker{t: t, f: fresh()}
			var out []byte
			for lo := 0; lo < len(stream); {
				if every > 0 && len(c.all)%int(every) == 0 && c.f.(Retitler).Retitle(Comments{Artist: title, Title: title}) {
					c.still = 0 // each title may give two units
				}
				units := len(c.all)
				n := c.next(lo, stream[lo:], true)
				lo += n
				if len(c.all) > units {
					out = append(out, c.last.Data...)
				}
				if len(c.all) > len(stream) { // with every unit one more, it would never end
					every = 0
				}
			}
			c.inits.check(t)
			if _, ok := c.f.(*ogg); ok && len(out) > 0 {
				pages, finder := 0, new(oggPages)
				for left := out; len(left) > 0; pages++ {
					p, garbage := finder.next(left, true)
					if p == nil {
						t.Fatalf("after page %d, %d bytes that are no page", pages, garbage)
					}
					left = left[len(p):]
				}
			}
		}
	})
}
