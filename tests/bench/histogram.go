//go:build linux

package main

import (
	"math/bits"
	"time"
)

const (
	unitBits = 10 // a unit is 1.024 µs
	subBits  = 5  // 32 buckets for each doubling: 3 % at most beside the truth
	buckets  = (64 - unitBits - subBits) << subBits
)

// histogram counts durations in buckets that grow with what they hold, in memory
// that does not. The zero value is empty.
type histogram struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0)) >> unitBits
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return min(shift<<subBits+int(v>>shift), buckets-1)
}

// upperEnd is the longest duration of a bucket.
func upperEnd(bucket int) time.Duration {
	v := uint64(bucket)
	if shift := bucket>>subBits - 1; shift > 0 {
		v = (uint64(bucket&(1<<subBits-1)|1<<subBits)+1)<<shift - 1
	}
	return time.Duration((v+1)<<unitBits - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.total++
	h.max = max(h.max, d)
}

// quantile returns the duration that the part q of all does not exceed, or 0 if
// there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(upperEnd(i), h.max)
		}
	}
	return h.max
}
