//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

func TestOffsetsAreThoseOfTheFrames(t *testing.T) {
	var at uint64
	for n := range uint64(200) {
		size := uint64(len(numbered.AppendFrame(nil, n, time.Time{})))
		if got := offsetOf(n); got != at {
			t.Fatalf("frame %d begins at %d, not %d", n, at, got)
		}
		for _, offset := range []uint64{at, at + 1, at + size - 1} {
			if got := frameAt(offset); got != n {
				t.Fatalf("offset %d is in frame %d, not %d", offset, n, got)
			}
		}
		at += size
	}
}

// sending returns a stream of so many frames, and all their bytes.
func sending(t *testing.T, ring, frames int) (*sentStream, []byte) {
	t.Helper()
	s := newSentStream(ring)
	var all []byte
	for range frames {
		all = append(all, s.add(time.Now())...)
	}
	var c numbered.Checker
	if _, err := c.Write(all); err != nil || c.Frames != uint64(frames) {
		t.Fatalf("%d of %d frames are sound: %v", c.Frames, frames, err)
	}
	return s, all
}

func TestWhatWasSentIsRememberedAsFarAsTheRingGoes(t *testing.T) {
	const ring = 1 << 16
	s, all := sending(t, ring, 400)
	if s.sent() != 400 {
		t.Errorf("%d were sent", s.sent())
	}
	for at := len(all) - ring/2; at < len(all); at += 1000 {
		n := min(3000, len(all)-at)
		if s.forgotten(uint64(at)) || !s.equal(uint64(at), all[at:at+n]) {
			t.Errorf("the bytes at %d are not what was sent", at)
		}
		if got := s.appendSent(nil, uint64(at), uint64(at+n)); string(got) != string(all[at:at+n]) {
			t.Errorf("the bytes at %d are read wrongly", at)
		}
	}
	if !s.forgotten(0) {
		t.Error("the beginning is still there")
	}
	if s.equal(uint64(len(all)-10), make([]byte, 20)) {
		t.Error("what is still to come is equal to something")
	}
}
