package blocklog

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

// Log is the append-only stream of one mount: a linked list of blocks, of which the log
// itself holds the newest and the one where a new listener begins. The blocks between
// them are the burst. Older blocks live only as long as a listener has yet to send them.
//
// One goroutine at a time writes; any number read.
type Log struct {
	tail  atomic.Pointer[Block] // never nil: a log begins with an empty block
	join  atomic.Pointer[Block] // where new listeners begin, at its first byte
	fresh atomic.Pointer[Block] // the newest start: where listeners of another log begin

	// writer
	arena []byte
	open  *Block // the block being filled, not in the list yet
	at    time.Duration
	clock time.Duration // when the units that are added came
}

// New returns an empty log.
func New() *Log {
	l := new(Log)
	l.begin(&Block{meta: NoMetadata})
	return l
}

// begin makes all listeners to come begin at a block.
func (l *Log) begin(b *Block) {
	l.tail.Store(b)
	l.join.Store(b)
	l.fresh.Store(b)
}

// Tail returns the newest block.
func (l *Log) Tail() *Block { return l.tail.Load() }

// Join returns the block where a new listener begins.
func (l *Log) Join() *Block { return l.join.Load() }

// SetClock sets the time at which the units that are added from now on came, on any clock
// that the readers share.
func (l *Log) SetClock(now time.Duration) { l.clock = now }

// Cut makes new listeners begin with what is appended from now on: a new source must not
// be introduced by the sound of the one before.
func (l *Log) Cut(meta *Metadata) {
	tail := l.tail.Load()
	l.arena = nil
	mark := &Block{offset: tail.End(), at: l.at, meta: meta}
	tail.next.Store(mark)
	l.begin(mark)
}

// Seal ends a unit whose rest never came, so that listeners may leave.
func (l *Log) Seal() {
	tail := l.tail.Load()
	if !tail.more {
		return
	}
	l.arena = nil
	mark := &Block{offset: tail.End(), at: l.at, meta: tail.meta, init: tail.init}
	tail.next.Store(mark)
	l.tail.Store(mark)
}

// Add copies a unit into the log. Readers see it after the next flush, or when
// enough has been added.
func (l *Log) Add(u format.Unit, meta *Metadata) {
	if b := l.open; b != nil &&
		(b.meta != meta || b.init != u.Init || len(b.data)+len(u.Data) > blockSize || u.Start && !b.start) {
		l.Flush()
	}
	if l.open == nil {
		tail := l.tail.Load()
		l.open = &Block{start: u.Start, offset: tail.End(), at: l.at, came: l.clock, meta: meta, init: u.Init}
		if u.Init.IsDue(tail.init) { // listeners get it as well, so it counts
			l.open.offset += uint64(u.Init.Size())
		}
	}
	b := l.open
	if cap(l.arena)-len(l.arena) < len(u.Data) {
		// The block continues in the new arena, in one piece.
		l.arena = append(make([]byte, 0, max(arenaSize, len(b.data)+len(u.Data))), b.data...)
	}
	from := len(l.arena) - len(b.data)
	l.arena = append(l.arena, u.Data...)
	b.data = l.arena[from:len(l.arena):len(l.arena)]
	b.more = u.More
	l.at += u.Duration
}

// Flush puts the open block, if there is one, into the list.
func (l *Log) Flush() {
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

// Keep moves the place where listeners begin: to the newest start from which
// the burst is still whole, but never further back than limit bytes. Without
// such a start it is the tail, and listeners wait for the next one.
func (l *Log) Keep(burst Burst, limit int) {
	tail := l.tail.Load()
	join := l.join.Load()
	whole := func(b *Block) bool {
		if burst.Time > 0 {
			return l.at-b.at >= burst.Time
		}
		return tail.End()-b.offset >= uint64(burst.Bytes)
	}
	limit += tail.init.Size()
	far := func() bool { return tail.End()-join.offset > uint64(limit) }
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

// IsWhole reports whether the log ends with a whole unit.
func (l *Log) IsWhole() bool { return !l.tail.Load().more }

// History returns what a new listener would get at once, with what its decoder needs before that.
// Whoever calls it must be sure that nothing is written meanwhile.
func (l *Log) History() (sound []byte) {
	var init *format.Init
	for b := l.join.Load(); b != nil; b = b.next.Load() {
		if len(sound) == 0 && !b.start || len(b.data) == 0 {
			continue
		}
		if b.init.IsDue(init) {
			sound = append(sound, b.init.Data...)
		}
		init = b.init
		sound = append(sound, b.data...)
	}
	return sound
}
