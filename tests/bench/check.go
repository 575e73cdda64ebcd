//go:build linux

package main

import "github.com/caddycast/caddycast/internal/numbered"

// checker compares what one listener gets with what the source sent: every byte
// of every frame, in order, none missing. As long as all is well that is one
// comparison of memory for all that a read brought.
type checker struct {
	sent *sentStream

	inStep bool
	began  bool   // the first frame is known
	at     uint64 // offset of the next byte, if in step; else of the frame that was due
	carry  []byte // what came since the last good frame, if not in step

	whole     uint64 // frames that came whole and in order
	lost      uint64 // frames that were left out
	corrupt   uint64 // places with bytes that nobody sent there, and repetitions
	unchecked uint64 // bytes that came too late to be compared
	skipped   int    // bytes before the first frame, if a stream begins within one
}

// take checks the next bytes.
func (c *checker) take(p []byte) {
	if !c.inStep {
		c.carry = append(c.carry, p...)
		c.search()
		return
	}
	switch {
	case c.sent.forgotten(c.at):
		c.unchecked += uint64(len(p))
	case !c.sent.equal(c.at, p):
		c.stumble(p)
		return
	}
	c.advance(len(p))
}

func (c *checker) advance(n int) {
	before := frameAt(c.at)
	c.at += uint64(n)
	c.whole += frameAt(c.at) - before
}

// next is the number of the frame that is to come.
func (c *checker) next() uint64 { return frameAt(c.at) }

// stumble takes the good frames of p, of which some are not, and goes on from
// the first bad one.
func (c *checker) stumble(p []byte) {
	for len(p) > 0 {
		left := int(offsetOf(c.next()+1) - c.at)
		if left > len(p) || !c.sent.equal(c.at, p[:left]) {
			break
		}
		c.advance(left)
		p = p[left:]
	}
	start := offsetOf(c.next())
	c.carry = c.sent.appendSent(c.carry[:0], start, c.at)
	c.carry = append(c.carry, p...)
	c.at = start
	c.inStep = false
	c.search()
}

// search looks for a frame in what was carried over, and goes on from there.
func (c *checker) search() {
	for i := 0; i+numbered.Head <= len(c.carry); i++ {
		n, ok := c.frame(c.carry[i:])
		if !ok {
			continue
		}
		c.account(n, i)
		rest := c.carry[i:]
		c.carry = nil
		c.at = offsetOf(n)
		c.inStep = true
		c.began = true
		c.take(rest)
		return
	}
	if keep := numbered.Head - 1; len(c.carry) > 4*numbered.MaxFrame {
		if c.began {
			c.corrupt++
		} else {
			c.skipped += len(c.carry) - keep
		}
		c.carry = c.carry[:copy(c.carry, c.carry[len(c.carry)-keep:])]
	}
}

// frame tells which frame begins here. As much of it as there is must be as it
// was sent, number and time among it.
func (c *checker) frame(p []byte) (uint64, bool) {
	n, ok := numbered.Number(p)
	if !ok || n >= c.sent.sent() {
		return 0, false
	}
	start, end := offsetOf(n), offsetOf(n+1)
	return n, c.sent.forgotten(start) || c.sent.equal(start, p[:min(len(p), int(end-start))])
}

// account counts what is wrong if frame n follows here, behind some bytes that
// belong to none.
func (c *checker) account(n uint64, junk int) {
	due := frameAt(c.at)
	switch {
	case !c.began:
		c.skipped += junk
		return
	case n > due:
		c.lost += n - due
	case n < due:
		c.corrupt++
	}
	if junk > 0 || n == due {
		c.corrupt++
	}
}
