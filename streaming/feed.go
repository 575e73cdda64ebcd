package streaming

import "sync/atomic"

// feed is a stretch of a log that the listeners of a lane hear: that of the mount
// they asked for, or of one that stands in for it. Feeds are a list, as blocks
// are: when one is over, each listener goes on to the newest by itself, once it
// is through with the unit that it is in.
type feed struct {
	mount *Mount // whose log it is; nil: there is nothing more to hear
	intro *Intro // what is heard instead of a log; nil: none

	// notBefore is an offset of the log before which everything has been heard.
	notBefore uint64

	from  uint64               // the end of the log when the feed began
	leave uint64               // where it is over; set before next
	next  atomic.Pointer[feed] // nil: it is not over
}

// tail returns the newest block of the log.
func (f *feed) tail() *Block {
	if f.mount == nil {
		return nothing
	}
	return f.mount.log.tail.Load()
}

// nothing is where those are who have nothing more to hear.
var nothing = &Block{meta: noMetadata}

// over tells whether a listener that has heard b to its end is to leave.
func (f *feed) over(b *Block) bool {
	return f.next.Load() != nil && !b.more && b.end() >= f.leave
}

// newest returns the feed that is heard now.
func (f *feed) newest() *feed {
	for {
		next := f.next.Load()
		if next == nil {
			return f
		}
		f = next
	}
}

// begin returns where those begin who have heard nothing of it: with the burst.
func (f *feed) begin() *Block {
	if f.mount == nil {
		return nothing
	}
	return f.mount.log.join.Load()
}

// entry returns the place at which those begin who come from another feed: the
// newest start, so that there is no gap, unless they have heard that before.
func (f *feed) entry() (*Block, int) {
	if f.mount == nil {
		return nothing, 0
	}
	if b := f.mount.log.fresh.Load(); b.offset >= f.notBefore {
		return b, 0
	}
	b := f.tail()
	return b, len(b.data)
}
