package blocklog

import (
	"testing"

	"github.com/caddycast/caddycast/streaming/format"
)

// filled returns a log with units of one byte each, as its text has them.
func filled(text string) *Log {
	l := New()
	l.fill(text)
	return l
}

func (l *Log) fill(text string) {
	for _, b := range []byte(text) {
		l.Add(format.Unit{Data: []byte{b}, Start: true}, NoMetadata)
		l.Flush()
	}
}

// rest returns all that is due at a cursor.
func rest(c *Cursor) string {
	var all []byte
	for p := c.Peek(); p != nil; p = c.Peek() {
		all = append(all, p...)
		c.Advance(len(p))
	}
	return string(all)
}

func TestACursorFollowsItsFeedsAndHearsNothingTwice(t *testing.T) {
	a, b := filled("abc"), filled("1")
	heard := make(Heard)
	first := NewFeed(a, heard)
	c := NewCursor(first, 0)
	if got := rest(&c); got != "abc" {
		t.Errorf("it begins with %q", got)
	}
	second := first.Switch(b, heard)
	a.fill("de") // nobody hears that
	b.fill("2")
	if got := rest(&c); got != "2" { // at the newest start
		t.Errorf("then comes %q", got)
	}
	third := second.Switch(a, heard)
	if got := rest(&c); got != "e" {
		t.Errorf("back at the first log comes %q", got)
	}
	fourth := third.Switch(b, heard)
	if got := rest(&c); got != "" {
		t.Errorf("%q comes again", got)
	}
	b.fill("3")
	if got := rest(&c); got != "3" {
		t.Errorf("what is new there is %q", got)
	}
	fourth.Switch(nil, heard)
	b.fill("4")
	if got := rest(&c); got != "" || c.Feed().Tail().Offset() != 0 {
		t.Errorf("after the last feed comes %q", got)
	}
}

func TestABranchLeavesTheGroupAtOnce(t *testing.T) {
	a, b := filled("abc"), filled("1")
	feed := NewFeed(a, nil)
	stays, leaves := NewCursor(feed, 0), NewCursor(feed, 0)
	leaves.Branch(NewFeed(b, nil))
	a.fill("d")
	if got := rest(&stays); got != "abcd" {
		t.Errorf("the group hears %q", got)
	}
	if got := rest(&leaves); got != "abc1" {
		t.Errorf("the one that left hears %q", got)
	}
}

func TestCursorsAtOnePlaceShareWhatIsDue(t *testing.T) {
	feed := NewFeed(filled("abc"), nil)
	one, other := NewCursor(feed, 0), NewCursor(feed, 0)
	if _, shared := one.Place(); shared {
		t.Error("a new cursor has yet to find its start")
	}
	rest(&one)
	rest(&other)
	here, shared := one.Place()
	if there, ok := other.Place(); !shared || !ok || here != there {
		t.Errorf("%v and %v are not one place", here, there)
	}
	one.Lead([]byte("head"))
	if _, shared := one.Place(); shared {
		t.Error("a head is shared")
	}
	titled := NewCursor(feed, 100)
	rest(&titled)
	if _, shared := titled.Place(); shared {
		t.Error("metadata is shared")
	}
}
