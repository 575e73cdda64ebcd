//go:build linux

package main

import (
	"slices"
	"testing"
)

// heard gives a stream to a checker in pieces of a size.
func heard(sent *sentStream, stream []byte, piece int) *checker {
	c := &checker{sent: sent}
	for p := range slices.Chunk(stream, piece) {
		c.take(p)
	}
	return c
}

func TestTheCheckerSeesWhatIsWrongHoweverItIsCut(t *testing.T) {
	sent, all := sending(t, 1<<17, 200)
	cut := func(from, to uint64) []byte { return all[offsetOf(from):offsetOf(to)] }
	damaged := slices.Clone(all)
	damaged[offsetOf(50)+300] ^= 1
	damagedHead := slices.Clone(all)
	damagedHead[offsetOf(50)+1] ^= 1
	type counts struct {
		whole, lost, corrupt uint64
		skipped              int
	}
	for _, c := range []struct {
		name   string
		stream []byte
		want   counts
	}{
		{"all of it", all, counts{whole: 200}},
		{"from frame 20 on", cut(20, 200), counts{whole: 180}},
		{"from within a frame on", all[100:], counts{whole: 199, skipped: int(offsetOf(1)) - 100}},
		{"not to the end of a frame", all[:len(all)-1], counts{whole: 199}},
		{"three frames are missing", slices.Concat(cut(0, 50), cut(53, 200)), counts{whole: 197, lost: 3}},
		{"a byte is wrong", damaged, counts{whole: 199, lost: 1, corrupt: 1}},
		{"a byte of a header is wrong", damagedHead, counts{whole: 199, lost: 1, corrupt: 1}},
		{"bytes in between", slices.Concat(cut(0, 50), []byte("ICY"), cut(50, 200)), counts{whole: 200, corrupt: 1}},
		{"a frame comes twice", slices.Concat(cut(0, 50), cut(49, 200)), counts{whole: 201, corrupt: 1}},
		{"part of a frame is missing", slices.Concat(all[:offsetOf(50)+100], cut(51, 200)), counts{whole: 199, lost: 1, corrupt: 1}},
		{"nothing but noise", make([]byte, 5000), counts{skipped: 5000}},
	} {
		for _, piece := range []int{1, 7, 63, 64, 417, 418, 419, 1448, 100000} {
			got := heard(sent, c.stream, piece)
			is := counts{got.whole, got.lost, got.corrupt, got.skipped}
			if !got.began { // what may yet be a frame is not skipped
				is.skipped += len(got.carry)
			}
			if is != c.want {
				t.Errorf("%s, %d bytes at a time: %+v, want %+v", c.name, piece, is, c.want)
			}
		}
	}
}

func TestWhatComesTooLateToBeComparedIsCounted(t *testing.T) {
	sent, all := sending(t, 1<<15, 50)
	c := heard(sent, all, 1000)
	if c.whole != 50 || c.unchecked != 0 {
		t.Fatalf("%d frames, %d bytes unchecked", c.whole, c.unchecked)
	}
	var late []byte
	for range 200 {
		late = append(late, sent.add(now)...)
	}
	c.take(late[:1000])
	if c.unchecked != 1000 || c.lost+c.corrupt != 0 {
		t.Errorf("%d bytes unchecked, %d frames lost, %d corrupt", c.unchecked, c.lost, c.corrupt)
	}
}
