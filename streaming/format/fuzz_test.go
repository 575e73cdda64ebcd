package format

import (
	"bytes"
	"testing"
	"time"
)

// fuzzFramer checks the contract with a stream and the reads that it comes in:
// what it comes to is the same in one piece and in those reads.
func fuzzFramer(f *testing.F, fresh func() Framer) {
	for _, stream := range shortStreams() {
		f.Add(stream, []byte{1})
		f.Add(stream, []byte{0, 3, 200, 40})
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		framer := fresh()
		want := whole(t, framer, stream)
		var length time.Duration
		for i, u := range want {
			if i > 0 && u.at < want[i-1].at+want[i-1].size {
				t.Errorf("unit %+v begins before the end of %+v", u, want[i-1])
			}
			length += u.duration
		}
		if most := time.Duration(len(stream)) * 512 * time.Millisecond; length > most {
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

func FuzzMPEG(f *testing.F) { fuzzFramer(f, func() Framer { return newMPEG("audio/mpeg") }) }

func FuzzADTS(f *testing.F) { fuzzFramer(f, func() Framer { return newADTS("audio/aac") }) }

func FuzzDetector(f *testing.F) { fuzzFramer(f, func() Framer { return New("audio/x-unknown") }) }

// FuzzFramesInGarbage puts a run of frames behind any bytes: whatever they claim
// to be, the framer comes back to the frames.
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
