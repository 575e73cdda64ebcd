package blocklog

import (
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// Cursor is a place in a log, and the bytes that its listener still has to get before
// the log continues. Peek and Advance are all there is to it: a writer copies the cursor,
// walks the copy to collect what is due, and walks the cursor itself by what was written.
// Only its owner may use it. Copies are independent.
type Cursor struct {
	feed  *Feed
	block *Block
	off   int    // bytes of the block that have been sent
	gate  *Block // the last block that is due; nil: all of them are
	lead  []byte // goes out first: the response head, a metadata block
	seek  bool   // nothing has been sent yet: blocks that are no start are passed over

	init    *format.Init // what the listener's decoder has, or gets before the block
	initial []byte       // the rest of it that is still to go out, as a part of the sound

	interval int       // bytes of audio between metadata blocks; 0: none
	left     int       // bytes of audio before the next one
	meta     *Metadata // last announced
}

// NewCursor returns a cursor at the place where listeners of a feed begin. A listener
// with an interval above zero gets metadata.
func NewCursor(f *Feed, interval int) Cursor {
	return Cursor{feed: f, block: f.begin(), seek: true, interval: interval, left: interval}
}

// ContinueAfter returns a cursor after a block of a feed's log, for a listener that has heard all up to
// its end, and gets metadata after left more bytes.
func ContinueAfter(f *Feed, b *Block, interval, left int) Cursor {
	return Cursor{feed: f, block: b, off: len(b.data), init: b.init, interval: interval, left: left, meta: b.meta}
}

// Rest moves the cursor to the end of what is due, the rest of an intro included, and returns all that
// its listener has still to get up to there. It reports false if that is more than limit bytes.
func (c *Cursor) Rest(limit int) (rest []byte, ok bool) {
	c.gate = nil
	for p := c.Peek(); p != nil; p = c.Peek() {
		if rest = append(rest, p...); len(rest) > limit {
			return nil, false
		}
		c.Advance(len(p))
	}
	return rest, true
}

// Begun reports whether the cursor has found a start.
func (c *Cursor) Begun() bool { return !c.seek }

// Left returns how many bytes of sound come before the next block of metadata.
func (c *Cursor) Left() int { return c.left }

// Lead makes some bytes go out before anything else.
func (c *Cursor) Lead(head []byte) { c.lead = head }

// Feed returns the feed that the cursor is in.
func (c *Cursor) Feed() *Feed { return c.feed }

// Position returns the offset in the log of the feed.
func (c *Cursor) Position() uint64 { return c.block.offset + uint64(c.off) }

// Branch makes the cursor continue, after what is in its feed now at most, with a feed of
// another group. It returns the feed that it is in until then.
func (c *Cursor) Branch(next *Feed) *Feed {
	c.feed = c.feed.Branch(next)
	return c.feed
}

// Place is where cursors are that get the same bytes next.
type Place struct {
	block *Block
	off   int
	feed  *Feed
	init  *format.Init
}

// Place returns the cursor's place. It reports false if its listener is to get bytes of its
// own: a head, metadata, the rest of an init, an intro at its own pace.
func (c *Cursor) Place() (Place, bool) {
	shared := c.gate == nil && c.interval == 0 && len(c.lead) == 0 && len(c.initial) == 0 && !c.seek
	return Place{c.block, c.off, c.feed, c.init}, shared
}

// Follow moves the cursor to where another one is that began at the same place.
func (c *Cursor) Follow(to *Cursor) {
	c.feed, c.block, c.off, c.seek = to.feed, to.block, to.off, to.seek
	c.init, c.initial = to.init, to.initial
}

// Peek returns the bytes that come next, as far as they are one piece, and nil if nothing
// is due. It may move the cursor, but past no byte.
func (c *Cursor) Peek() []byte {
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
			if init.IsDue(c.init) {
				c.initial = init.Data
			}
			c.init = init
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

// Advance moves the cursor by n bytes of what Peek returned.
func (c *Cursor) Advance(n int) {
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

// Skip moves the cursor by n bytes that have been written.
func (c *Cursor) Skip(n int) {
	for n > 0 {
		step := min(n, len(c.Peek()))
		c.Advance(step)
		n -= step
	}
}
