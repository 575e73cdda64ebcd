package state

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestLinesOfAnAddressAreLimitedAndTheOthersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lineLimit
		guesser, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		logged := 0
		for range 100 {
			if n, ok := l.allow(guesser, "failed"); ok && n == 0 {
				logged++
			}
		}
		if logged != lineBurst {
			t.Errorf("%d lines at once; want %d", logged, lineBurst)
		}
		if _, ok := l.allow(netip.MustParseAddr("2001:db8:0:1::1"), "failed"); !ok {
			t.Error("the line of another address is suppressed")
		}
		if _, ok := l.allow(guesser, "another message"); !ok {
			t.Error("another message is suppressed")
		}
		eventually.Advance(lineInterval)
		if n, ok := l.allow(neighbour, "failed"); !ok || n != 100-lineBurst {
			t.Errorf("%d suppressed, %t; want %d and a line", n, ok, 100-lineBurst)
		}
	})
}

func TestTheTableOfLimitedAddressesIsBounded(t *testing.T) {
	var l lineLimit
	for i := range maxLimited + 100 {
		l.allow(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), "failed")
	}
	if n := l.budgets.Len(); n != maxLimited {
		t.Errorf("%d are remembered; want %d", n, maxLimited)
	}
}
