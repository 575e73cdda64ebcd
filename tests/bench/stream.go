//go:build linux

package main

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
)

// The lengths of frames repeat: 47 of 418 bytes, then 2 of 417.
const (
	cycleFrames = 49
	cycleBytes  = 47*numbered.MaxFrame + 2*(numbered.MaxFrame-1)
	lastAt      = cycleBytes - (numbered.MaxFrame - 1)
)

// offsetOf returns where a frame begins in the stream.
func offsetOf(n uint64) uint64 {
	cycle, frame := n/cycleFrames, n%cycleFrames
	if frame == cycleFrames-1 {
		return cycle*cycleBytes + lastAt
	}
	return cycle*cycleBytes + frame*numbered.MaxFrame
}

// frameAt returns which frame an offset is in. All before it are whole there.
func frameAt(offset uint64) uint64 {
	cycle, at := offset/cycleBytes, offset%cycleBytes
	if at >= lastAt {
		return cycle*cycleFrames + cycleFrames - 1
	}
	return cycle*cycleFrames + at/numbered.MaxFrame
}

// sentStream is what the source of a mount has sent of late. The source adds to
// it before it sends, listeners compare with it; only head passes between them.
// What is read lies at least slack behind what is overwritten.
type sentStream struct {
	head   atomic.Uint64 // offset of the next byte
	ring   []byte        // the byte at an offset is at its remainder; a power of two
	stamps []int64       // when frames were made, likewise by number
	frame  []byte        // scratch
}

func newSentStream(size int) *sentStream {
	return &sentStream{
		ring:   make([]byte, size),
		stamps: make([]int64, size/256), // more than frames in the ring
		frame:  make([]byte, 0, numbered.MaxFrame),
	}
}

// add makes the next frame. It is valid until the next call.
func (s *sentStream) add(now time.Time) []byte {
	head := s.head.Load()
	n := frameAt(head)
	s.frame = numbered.AppendFrame(s.frame[:0], n, now)
	at := head & uint64(len(s.ring)-1)
	if k := copy(s.ring[at:], s.frame); k < len(s.frame) {
		copy(s.ring, s.frame[k:])
	}
	s.stamps[n&uint64(len(s.stamps)-1)] = now.UnixNano()
	s.head.Store(head + uint64(len(s.frame)))
	return s.frame
}

// sent returns how many frames there are.
func (s *sentStream) sent() uint64 { return frameAt(s.head.Load()) }

// made returns when a frame was made, in nanoseconds of the clock.
func (s *sentStream) made(n uint64) int64 { return s.stamps[n&uint64(len(s.stamps)-1)] }

// forgotten reports whether the byte at an offset is no longer in the ring, or
// about to be overwritten.
func (s *sentStream) forgotten(at uint64) bool {
	return at+uint64(len(s.ring))*7/8 < s.head.Load()
}

// equal reports whether these bytes were sent at this offset.
func (s *sentStream) equal(at uint64, p []byte) bool {
	if at+uint64(len(p)) > s.head.Load() || len(p) > len(s.ring) {
		return false
	}
	i := at & uint64(len(s.ring)-1)
	k := min(len(s.ring)-int(i), len(p))
	return bytes.Equal(s.ring[i:int(i)+k], p[:k]) && bytes.Equal(s.ring[:len(p)-k], p[k:])
}

// appendSent appends the bytes between two offsets.
func (s *sentStream) appendSent(dst []byte, from, to uint64) []byte {
	for ; from < to; from++ {
		dst = append(dst, s.ring[from&uint64(len(s.ring)-1)])
	}
	return dst
}
