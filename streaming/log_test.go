package streaming

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

func unit(size int, start bool) format.Unit {
	return format.Unit{Data: bytes.Repeat([]byte{'x'}, size), Start: start, Duration: 10 * time.Millisecond}
}

// blocks returns the blocks of a log from where listeners begin.
func blocks(l *Log) (list []*Block) {
	for b := l.join.Load(); b != nil; b = b.next.Load() {
		list = append(list, b)
	}
	return list
}

func TestListenersBeginAtTheNewestStartThatKeepsTheBurstWhole(t *testing.T) {
	const frame = 100
	everyStart := func(int) bool { return true }
	fifth := func(i int) bool { return i%5 == 0 }
	for _, c := range []struct {
		name   string
		burst  Burst
		starts func(i int) bool
		want   uint64 // offset of the join
	}{
		{"no burst: the newest", Burst{}, everyStart, 99 * frame},
		{"one byte", Burst{Bytes: 1}, everyStart, 99 * frame},
		{"one frame", Burst{Bytes: frame}, everyStart, 99 * frame},
		{"a frame and a byte", Burst{Bytes: frame + 1}, everyStart, 98 * frame},
		{"ten frames", Burst{Bytes: 10 * frame}, everyStart, 90 * frame},
		{"all of it", Burst{Bytes: 100 * frame}, everyStart, 0},
		{"more than there is", Burst{Bytes: 200 * frame}, everyStart, 0},
		{"half a second", Burst{Time: 500 * time.Millisecond}, everyStart, 50 * frame},
		{"ten frames, few starts", Burst{Bytes: 10 * frame}, fifth, 90 * frame},
		{"eleven frames, few starts", Burst{Bytes: 11 * frame}, fifth, 85 * frame},
		{"no burst, few starts", Burst{}, fifth, 95 * frame},
	} {
		l := newLog()
		for i := range 100 {
			l.add(unit(frame, c.starts(i)), noMetadata)
			l.flush()
			l.keep(c.burst, DefaultQueue)
		}
		if got := l.join.Load().offset; got != c.want {
			t.Errorf("%s: listeners begin at %d, want %d", c.name, got, c.want)
		}
	}
}

func TestWithoutAStartWithinTheLimitListenersWait(t *testing.T) {
	l := newLog()
	for i := range 100 {
		l.add(unit(100, i == 0), noMetadata)
		l.flush()
		l.keep(Burst{Bytes: 500}, 2000)
	}
	c := newCursor(feedOf(l), 0)
	if p := c.peek(); p != nil {
		t.Fatalf("a listener gets %d bytes that it can't decode", len(p))
	}
	l.add(unit(7, true), noMetadata)
	l.flush()
	if p := c.peek(); len(p) != 7 {
		t.Fatalf("at the next start it gets %d bytes, want 7", len(p))
	}
}

func TestAfterACutNothingOfBeforeIsHeard(t *testing.T) {
	l := newLog()
	l.add(unit(100, true), noMetadata)
	l.flush()
	before := newCursor(feedOf(l), 0)
	l.cut(noMetadata)
	l.keep(Burst{Bytes: 1000}, DefaultQueue)
	after := newCursor(feedOf(l), 0)
	if p := after.peek(); p != nil {
		t.Errorf("who comes after the cut gets %d bytes of before", len(p))
	}
	l.add(unit(9, true), noMetadata)
	l.flush()
	if p := after.peek(); len(p) != 9 {
		t.Errorf("who comes after the cut gets %d bytes, want 9", len(p))
	}
	before.skip(100)
	if p := before.peek(); len(p) != 9 {
		t.Errorf("who was there before goes on with %d bytes, want 9", len(p))
	}
}

func TestBlocksBeginAtStartsAndAtTitles(t *testing.T) {
	other := newMetadata("", "other", "", "")
	for _, c := range []struct {
		name string
		add  func(*Log)
		want []int // sizes of the blocks
	}{
		{"what arrives at once is one block", func(l *Log) {
			l.add(unit(10, true), noMetadata)
			l.add(unit(20, true), noMetadata)
		}, []int{30}},
		{"a start does not hide behind what is none", func(l *Log) {
			l.add(unit(10, false), noMetadata)
			l.add(unit(20, true), noMetadata)
			l.add(unit(30, false), noMetadata)
		}, []int{10, 50}},
		{"a title begins a block", func(l *Log) {
			l.add(unit(10, true), noMetadata)
			l.add(unit(20, true), other)
		}, []int{10, 20}},
		{"a full block is closed", func(l *Log) {
			l.add(unit(blockSize-1, true), noMetadata)
			l.add(unit(1, true), noMetadata)
			l.add(unit(1, true), noMetadata)
		}, []int{blockSize, 1}},
		{"a long unit is one block", func(l *Log) {
			l.add(unit(10, true), noMetadata)
			l.add(unit(format.MaxUnit, true), noMetadata)
			l.add(unit(10, true), noMetadata)
		}, []int{10, format.MaxUnit, 10}},
	} {
		l := newLog()
		c.add(l)
		l.flush()
		var got []int
		var end uint64
		for _, b := range blocks(l)[1:] { // the first is the empty one
			got = append(got, len(b.data))
			if b.offset != end {
				t.Errorf("%s: a block at %d follows one that ends at %d", c.name, b.offset, end)
			}
			end = b.end()
		}
		if !equal(got, c.want) {
			t.Errorf("%s: blocks of %v bytes, want %v", c.name, got, c.want)
		}
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func BenchmarkLogAppend(b *testing.B) {
	l := newLog()
	u := unit(418, true)
	b.SetBytes(int64(len(u.Data)))
	b.ReportAllocs()
	for b.Loop() {
		l.add(u, noMetadata)
		l.flush()
		l.keep(DefaultBurst, DefaultQueue/2)
	}
}

func BenchmarkLogWalk(b *testing.B) {
	l := newLog()
	for range 1000 {
		l.add(unit(418, true), noMetadata)
		l.flush()
	}
	b.ReportAllocs()
	for b.Loop() {
		c := newCursor(feedOf(l), 0)
		for p := c.peek(); p != nil; p = c.peek() {
			c.advance(len(p))
		}
	}
}
