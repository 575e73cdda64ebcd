package blocklog

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

const queue = 512 << 10

var burst = Burst{Bytes: 64 << 10}

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
		l := New()
		for i := range 100 {
			l.Add(unit(frame, c.starts(i)), NoMetadata)
			l.Flush()
			l.Keep(c.burst, queue)
		}
		if got := l.join.Load().offset; got != c.want {
			t.Errorf("%s: listeners begin at %d, want %d", c.name, got, c.want)
		}
	}
}

func TestWithoutAStartWithinTheLimitListenersWait(t *testing.T) {
	l := New()
	for i := range 100 {
		l.Add(unit(100, i == 0), NoMetadata)
		l.Flush()
		l.Keep(Burst{Bytes: 500}, 2000)
	}
	c := NewCursor(NewFeed(l, nil), 0)
	if p := c.Peek(); p != nil {
		t.Fatalf("a listener gets %d bytes that it can't decode", len(p))
	}
	l.Add(unit(7, true), NoMetadata)
	l.Flush()
	if p := c.Peek(); len(p) != 7 {
		t.Fatalf("at the next start it gets %d bytes, want 7", len(p))
	}
}

func TestAfterACutNothingOfBeforeIsHeard(t *testing.T) {
	l := New()
	l.Add(unit(100, true), NoMetadata)
	l.Flush()
	before := NewCursor(NewFeed(l, nil), 0)
	l.Cut(NoMetadata)
	l.Keep(Burst{Bytes: 1000}, queue)
	after := NewCursor(NewFeed(l, nil), 0)
	if p := after.Peek(); p != nil {
		t.Errorf("a reader after the cut gets %d bytes of before", len(p))
	}
	l.Add(unit(9, true), NoMetadata)
	l.Flush()
	if p := after.Peek(); len(p) != 9 {
		t.Errorf("a reader after the cut gets %d bytes, want 9", len(p))
	}
	before.Skip(100)
	if p := before.Peek(); len(p) != 9 {
		t.Errorf("who was there before goes on with %d bytes, want 9", len(p))
	}
}

func TestBlocksBeginAtStartsAndAtTitles(t *testing.T) {
	other := NewMetadata("", "other", "", "")
	for _, c := range []struct {
		name string
		add  func(*Log)
		want []int // sizes of the blocks
	}{
		{"what arrives at once is one block", func(l *Log) {
			l.Add(unit(10, true), NoMetadata)
			l.Add(unit(20, true), NoMetadata)
		}, []int{30}},
		{"a start does not hide behind what is none", func(l *Log) {
			l.Add(unit(10, false), NoMetadata)
			l.Add(unit(20, true), NoMetadata)
			l.Add(unit(30, false), NoMetadata)
		}, []int{10, 50}},
		{"a title begins a block", func(l *Log) {
			l.Add(unit(10, true), NoMetadata)
			l.Add(unit(20, true), other)
		}, []int{10, 20}},
		{"a full block is closed", func(l *Log) {
			l.Add(unit(blockSize-1, true), NoMetadata)
			l.Add(unit(1, true), NoMetadata)
			l.Add(unit(1, true), NoMetadata)
		}, []int{blockSize, 1}},
		{"a long unit is one block", func(l *Log) {
			l.Add(unit(10, true), NoMetadata)
			l.Add(unit(format.MaxUnit, true), NoMetadata)
			l.Add(unit(10, true), NoMetadata)
		}, []int{10, format.MaxUnit, 10}},
	} {
		l := New()
		c.add(l)
		l.Flush()
		var got []int
		var end uint64
		for _, b := range blocks(l)[1:] { // the first is the empty one
			got = append(got, len(b.data))
			if b.offset != end {
				t.Errorf("%s: a block at %d follows one that ends at %d", c.name, b.offset, end)
			}
			end = b.End()
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
	l := New()
	u := unit(418, true)
	b.SetBytes(int64(len(u.Data)))
	b.ReportAllocs()
	for b.Loop() {
		l.Add(u, NoMetadata)
		l.Flush()
		l.Keep(burst, queue/2)
	}
}

func BenchmarkLogWalk(b *testing.B) {
	l := New()
	for range 1000 {
		l.Add(unit(418, true), NoMetadata)
		l.Flush()
	}
	b.ReportAllocs()
	for b.Loop() {
		c := NewCursor(NewFeed(l, nil), 0)
		for p := c.Peek(); p != nil; p = c.Peek() {
			c.Advance(len(p))
		}
	}
}
