package streaming

import (
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// cursor is a place in a log, and what a listener there still has to get before
// the log goes on. peek and advance are all there is to it: whoever writes copies
// the cursor, walks the copy to collect what is due, and walks the cursor itself
// by what was written. Only its owner may use it.
type cursor struct {
	feed  *feed
	block *Block
	off   int    // bytes of the block that have been sent
	gate  *Block // which is not to be passed yet; nil: none
	lead  []byte // goes out first: the response head, a metadata block
	seek  bool   // nothing has been sent yet: blocks that are no start are passed over

	init    *format.Init // what the listener's decoder has, or gets before the block
	initial []byte       // the rest of it that is still to go out, as a part of the sound

	interval int       // bytes of audio between metadata blocks; 0: none
	left     int       // bytes of audio before the next one
	meta     *Metadata // last announced
}

// newCursor returns a cursor at the place where listeners of a feed begin. A
// listener with an interval above zero gets metadata.
func newCursor(f *feed, interval int) cursor {
	return cursor{feed: f, block: f.begin(), seek: true, interval: interval, left: interval}
}

// peek returns the bytes that come next, as far as they are one piece, and nil
// if nothing is due. It may move the cursor, but past no byte.
func (c *cursor) peek() []byte {
	for {
		if len(c.lead) > 0 {
			return c.lead
		}
		if c.off == len(c.block.data) {
			if c.block == c.gate {
				return nil
			}
			if c.feed.over(c.block) {
				introduced := c.feed.intro != nil
				c.feed = c.feed.newest()
				if c.block, c.off = c.feed.entry(); introduced {
					c.block, c.off = c.feed.begin(), 0
				}
				c.seek = true
				continue
			}
			next := c.block.next.Load()
			if next == nil {
				return nil
			}
			c.block, c.off = next, 0
			continue
		}
		if c.seek && !c.block.start {
			c.off = len(c.block.data)
			continue
		}
		c.seek = false
		if init := c.block.init; init != c.init {
			if c.init = init; init != nil {
				c.initial = init.Data
			}
		}
		rest := c.initial
		if len(rest) == 0 {
			rest = c.block.data[c.off:]
		}
		if c.interval == 0 {
			return rest
		}
		if c.left == 0 {
			c.left = c.interval
			if c.lead = icy.Empty; c.block.meta != c.meta {
				c.lead, c.meta = c.block.meta.block, c.block.meta
			}
			continue
		}
		return rest[:min(len(rest), c.left)]
	}
}

// advance moves the cursor by n bytes of what peek returned.
func (c *cursor) advance(n int) {
	if len(c.lead) > 0 {
		if c.lead = c.lead[n:]; len(c.lead) == 0 {
			c.lead = nil // or it keeps the whole head in memory
		}
		return
	}
	if len(c.initial) > 0 {
		c.initial = c.initial[n:]
	} else {
		c.off += n
	}
	if c.interval > 0 {
		c.left -= n
	}
}

// skip moves the cursor by n bytes that have been written.
func (c *cursor) skip(n int) {
	for n > 0 {
		step := min(n, len(c.peek()))
		c.advance(step)
		n -= step
	}
}

// position returns the offset in the log.
func (c *cursor) position() uint64 { return c.block.offset + uint64(c.off) }
