//go:build linux

package main

import (
	"testing"
	"time"
)

func TestBucketsFollowOneAnotherWithoutGaps(t *testing.T) {
	for i := range buckets - 1 {
		end := upperEnd(i)
		if got, next := bucketOf(end), bucketOf(end+1); got != i || next != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d, and the next duration in %d", i, end, got, next)
		}
		if end > time.Hour {
			return
		}
	}
}

func TestQuantilesAreNearTheTruth(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for ms := range 1000 {
		h.add(time.Duration(ms+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want || got > want+want/25 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	h.add(-time.Second)
	h.add(1 << 62)
	if h.max != 1<<62 || h.total != 1002 {
		t.Errorf("the longest of %d is %v", h.total, h.max)
	}
}
