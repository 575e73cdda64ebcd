package streaming

import (
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

const (
	blockSize = 4 << 10  // a block is closed when it has this many bytes
	arenaSize = 16 << 10 // blocks are cut from arenas, so that neighbours make one write
)

// Burst is how much of the past a new listener gets at once: Bytes, or Time if
// that is not zero.
type Burst struct {
	Bytes int
	Time  time.Duration
}

// Log is the append-only stream of one mount: a linked list of blocks, of which
// the log itself holds the newest and the one where a new listener begins. What
// lies between them is the burst. Older blocks live only as long as a listener
// has yet to send them.
//
// One goroutine at a time writes (the fields under "writer"); any number read.
type Log struct {
	tail  atomic.Pointer[Block] // never nil: a log begins with an empty block
	join  atomic.Pointer[Block] // where listeners begin, at its first byte
	fresh atomic.Pointer[Block] // the newest start, where those begin who come from another log

	served atomic.Uint64 // the end when a shard last served listeners

	// writer
	arena []byte
	open  *Block // the block being filled, not in the list yet
	at    time.Duration
	clock time.Duration // when what is added came
}

func newLog() *Log {
	l := new(Log)
	first := &Block{meta: noMetadata}
	l.tail.Store(first)
	l.join.Store(first)
	l.fresh.Store(first)
	return l
}

// cut makes listeners who come from now on begin with what is appended from now
// on: a new source must not be introduced by the sound of the one before.
func (l *Log) cut(meta *Metadata) {
	tail := l.tail.Load()
	l.arena = nil
	mark := &Block{offset: tail.end(), at: l.at, meta: meta}
	tail.next.Store(mark)
	l.tail.Store(mark)
	l.join.Store(mark)
	l.fresh.Store(mark)
}

// seal ends a unit of which more was to come, so that listeners may leave.
func (l *Log) seal() {
	tail := l.tail.Load()
	if !tail.more {
		return
	}
	l.arena = nil
	mark := &Block{offset: tail.end(), at: l.at, meta: tail.meta, init: tail.init}
	tail.next.Store(mark)
	l.tail.Store(mark)
}

// add copies a unit into the log. Readers see it after the next flush, or when
// enough has been added.
func (l *Log) add(u format.Unit, meta *Metadata) {
	if b := l.open; b != nil &&
		(b.meta != meta || b.init != u.Init || len(b.data)+len(u.Data) > blockSize || u.Start && !b.start) {
		l.flush()
	}
	if l.open == nil {
		tail := l.tail.Load()
		l.open = &Block{start: u.Start, offset: tail.end(), at: l.at, came: l.clock, meta: meta, init: u.Init}
		if u.Init != tail.init { // listeners get it, too, so it counts
			l.open.offset += uint64(u.Init.Size())
		}
	}
	b := l.open
	if cap(l.arena)-len(l.arena) < len(u.Data) {
		// The block goes on in the new arena, in one piece.
		l.arena = append(make([]byte, 0, max(arenaSize, len(b.data)+len(u.Data))), b.data...)
	}
	from := len(l.arena) - len(b.data)
	l.arena = append(l.arena, u.Data...)
	b.data = l.arena[from:len(l.arena):len(l.arena)]
	b.more = u.More
	l.at += u.Duration
}

// flush puts the open block, if there is one, into the list.
func (l *Log) flush() {
	b := l.open
	if b == nil {
		return
	}
	l.open = nil
	l.tail.Load().next.Store(b)
	l.tail.Store(b)
	if b.start {
		l.fresh.Store(b)
	}
}

// urgent tells whether so much has been appended since a shard was last here that
// the turn must not be slept out: one write should carry all that is due.
func (l *Log) urgent() bool { return l.tail.Load().end() >= l.served.Load()+urgeBytes }

// keep moves the place where listeners begin: to the newest start from which
// the burst is still whole, but never further back than limit bytes. Without
// such a start it is the tail, and listeners wait for the next one.
func (l *Log) keep(burst Burst, limit int) {
	tail := l.tail.Load()
	join := l.join.Load()
	whole := func(b *Block) bool {
		if burst.Time > 0 {
			return l.at-b.at >= burst.Time
		}
		return tail.end()-b.offset >= uint64(burst.Bytes)
	}
	limit += tail.init.Size()
	far := func() bool { return tail.end()-join.offset > uint64(limit) }
	for b := join.next.Load(); b != nil && (whole(b) || far()); b = b.next.Load() {
		if b.start {
			join = b
		}
	}
	if far() {
		join = tail
	}
	l.join.Store(join)
}
