package streaming

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// drained reads all there is.
func (t *Tap) drained() (all []byte) {
	for p, ok := t.Next(); ok; p, ok = t.Next() {
		all = append(all, p.Data...)
	}
	return all
}

func TestATapReadsOneSourceFromItsBeginToItsEnd(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{Linger: time.Minute, Burst: blocklog.Burst{Bytes: 1 << 10}}))
	first := connect(t, st, "/m", numbered.ContentType)
	first.send(500)
	tap := first.Tap()
	early := tap.drained()
	first.send(100)
	first.end()
	second := connect(t, st, "/m", numbered.ContentType, func(s *Source) {})
	second.next = 1000
	second.send(100)
	c := check(t, append(early, tap.drained()...))
	if c.First != 0 || c.Last != 599 || c.Rest() != 0 {
		t.Errorf("it reads %d to %d and %d bytes, want 0 to 599", c.First, c.Last, c.Rest())
	}
	if p, ok := tap.Next(); ok {
		t.Errorf("after the end it reads %d bytes", len(p.Data))
	}
	if c := check(t, second.Tap().drained()); c.First != 1000 {
		t.Errorf("that of the next source begins at %d", c.First)
	}
}

func TestATapOfASourceThatWasThereKeepsNothingOld(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{Burst: blocklog.Burst{Bytes: 1 << 10}}))
	e := connect(t, st, "/m", numbered.ContentType)
	e.send(maxFirst/numbered.MaxFrame + 100)
	eventually.True(t, patience, "the first block is released", func() bool { return e.first.Load() == nil })
	if n := len(e.Tap().drained()); n > 8<<10 {
		t.Errorf("the tap begins %d bytes back", n)
	}
	tap := e.Tap()
	e.send(100)
	e.settle()
	if tap.Behind() < 90*numbered.MaxFrame {
		t.Errorf("it is %d bytes behind", tap.Behind())
	}
	tap.Skip()
	if tap.Behind() != 0 || len(tap.drained()) != 0 {
		t.Error("it has skipped nothing")
	}
}
