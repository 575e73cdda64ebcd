package blocklog

import "sync/atomic"

// Feed is a stretch of a log that a group of listeners hears: that of the mount they asked
// for, or of one that stands in for it. Feeds are a list, as blocks are: at the end of a
// feed each cursor continues with the newest by itself, after the unit that it is in.
type Feed struct {
	log   *Log   // nil: nothing is left to hear
	intro *Intro // heard instead of a log; nil: none

	// notBefore is an offset of the log before which everything has been heard.
	notBefore uint64

	from  uint64               // the end of the log when the feed began
	leave uint64               // where the feed ends; set before next
	next  atomic.Pointer[Feed] // nil: it has not ended
}

// Heard is how far the listeners of a group heard each log that they left.
type Heard map[*Log]uint64

// NewFeed returns a feed of a log, nil for nothing, for listeners that have heard some of
// it, maybe.
func NewFeed(l *Log, heard Heard) *Feed {
	f := &Feed{log: l, notBefore: heard[l]}
	f.from = f.Tail().End()
	return f
}

// Switch ends the feed with what is in its log now, and returns the feed that follows: of
// another log, nil for nothing. heard is brought up to date.
func (f *Feed) Switch(to *Log, heard Heard) *Feed {
	f.leave = f.Tail().End()
	f.NoteHeard(heard)
	next := NewFeed(to, heard)
	f.next.Store(next)
	return next
}

// NoteHeard notes in heard how far a feed that has ended was heard.
func (f *Feed) NoteHeard(heard Heard) {
	if f.log != nil {
		heard[f.log] = f.leave
	}
}

// Branch returns a feed that is heard as f is, up to what is in the log now at most, and
// continues with another one. It is for a listener that leaves its group.
func (f *Feed) Branch(next *Feed) *Feed {
	b := &Feed{log: f.log, intro: f.intro, notBefore: f.notBefore, from: f.from, leave: f.leave}
	if f.next.Load() == nil {
		b.leave = f.Tail().End()
	}
	b.next.Store(next)
	return b
}

// nothing is the place of listeners for which nothing is left to hear.
var nothing = &Block{meta: NoMetadata}

// Tail returns the newest block of the log.
func (f *Feed) Tail() *Block {
	if f.log == nil {
		return nothing
	}
	return f.log.tail.Load()
}

// Intro returns the intro that is heard, nil if it is a log.
func (f *Feed) Intro() *Intro { return f.intro }

// HasEnded reports whether another feed follows.
func (f *Feed) HasEnded() bool { return f.next.Load() != nil }

// Lag returns how many bytes a listener at a position of f, which has ended, keeps in
// memory: those that it has yet to get of f, and those that now, the group's newest feed,
// has brought meanwhile up to the offset end.
func (f *Feed) Lag(position uint64, now *Feed, end uint64) uint64 {
	behind := func(end uint64) uint64 { return end - min(position, end) }
	return max(behind(f.leave)+end-min(now.from, end), behind(f.Tail().End()))
}

// over reports whether a listener that has heard b to its end is to leave.
func (f *Feed) over(b *Block) bool {
	return f.next.Load() != nil && !b.more && b.End() >= f.leave
}

// newest returns the feed that is heard now.
func (f *Feed) newest() *Feed {
	for {
		next := f.next.Load()
		if next == nil {
			return f
		}
		f = next
	}
}

// begin returns where a new listener begins: with the burst.
func (f *Feed) begin() *Block {
	if f.log == nil {
		return nothing
	}
	return f.log.join.Load()
}

// entry returns the place where a listener of another feed begins: the newest start, so
// that there is no gap, unless it has heard that before.
func (f *Feed) entry() (*Block, int) {
	if f.log == nil {
		return nothing, 0
	}
	if b := f.log.fresh.Load(); b.offset >= f.notBefore {
		return b, 0
	}
	b := f.Tail()
	return b, len(b.data)
}
