package cluster

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestNodesKnowEachOthersStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b := startStation(t, bus), startStation(t, bus)
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + 4*changeGap)
		b.has(t, "after a while", map[string]string{"/live": a.id()})
		a.has(t, "the owner", map[string]string{})

		c := startStation(t, bus)
		defer c.Close()
		eventually.Advance(settleTime + 4*changeGap)
		c.has(t, "a node that comes later", map[string]string{"/live": a.id()})

		for _, one := range []struct {
			user        string
			mayTakeOver bool
		}{{"dj", true}, {"", false}} {
			if c := b.Claim("/live", one.user, one.mayTakeOver); c.Owner == "" {
				t.Errorf("%+v may have the mount", one)
			}
		}
		a.Close()
		eventually.Advance(2 * changeGap)
		b.has(t, "after the node has left", map[string]string{})
		b.set("/live", local(now()))
		eventually.Advance(3 * changeGap)
		c.has(t, "the encoder at another node", map[string]string{"/live": b.id()})
	})
}

func TestASourceThatTakesOverOwnsTheMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := startPair(t)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + 4*changeGap)
		for _, turn := range []struct{ to, from *station }{{b, a}, {a, b}, {b, a}} {
			c := turn.to.Claim("/live", "", true)
			if c.Owner != "" {
				t.Fatal("it may not")
			}
			s := local(now())
			s.Takeovers = c.Takeovers
			turn.to.set("/live", s)
			eventually.Advance(5 * changeGap)
			turn.from.has(t, "the other one", map[string]string{"/live": turn.to.id()})
			turn.to.has(t, "the one that took over", map[string]string{})
		}
		if got := slices.Concat(a.yielded, b.yielded); len(got) != 3 {
			t.Errorf("ended sources: %v; want three", got)
		}
	})
}

func TestAPartitionHealsByTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := startPair(t)
		defer a.Close()
		defer b.Close()
		a.set("/both", local(now()))
		a.set("/one", local(now()))
		eventually.Advance(settleTime + 4*changeGap)

		b.engine.SetConnected(false)
		eventually.Advance(time.Minute)
		b.has(t, "cut off", map[string]string{"/both": a.id(), "/one": a.id()})
		if !b.held || a.held {
			t.Error("the one that is cut off must hold what it knows, and the other one must not")
		}
		if c := b.Claim("/both", "dj", false); c.Owner != "" {
			t.Error("a node that is cut off takes no source")
		}
		b.set("/both", local(now()))
		eventually.Advance(time.Second)
		a.set("/one", nil)
		eventually.Advance(time.Second)

		b.engine.SetConnected(true)
		eventually.Advance(2 * time.Second)
		if !slices.Equal(b.yielded, []string{"/both"}) || len(a.yielded) > 0 {
			t.Errorf("ended sources: %v and %v; want that of the younger one", a.yielded, b.yielded)
		}
		b.has(t, "healed", map[string]string{"/both": a.id()})
		a.has(t, "healed", map[string]string{})
	})
}

func TestANodeThatIsSilentIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := startPair(t)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime + 4*changeGap)
		a.engine.SetConnected(false)
		eventually.Advance(missedSigns + 2*announceInterval)
		b.has(t, "after the silence", map[string]string{})
		if c := b.Claim("/live", "dj", false); c.Owner != "" {
			t.Error("the mount of a node that is gone is not free")
		}
	})
}

func TestFewNodesAskForWhatAllHaveMissed(t *testing.T) {
	for missed, n := range map[string]int{"one node": 1, "most nodes": 15} {
		t.Run(missed, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := NewBus()
				var all []*station
				for range 20 {
					s := startStation(t, bus)
					defer s.Close()
					all = append(all, s)
				}
				eventually.Advance(settleTime + 4*changeGap)
				before, want := asksOf(all), make(map[string]string)
				for i, s := range all[:n] {
					mount := fmt.Sprint("/lost", i)
					want[mount] = s.id()
					s.mu.Lock()
					s.loses = 1
					s.mu.Unlock()
					s.set(mount, local(now()))
				}
				eventually.Advance(askSpread + 3*announceInterval)
				if asks := asksOf(all) - before; asks == 0 || asks > 8 {
					t.Errorf("%d questions; want a few", asks)
				}
				all[19].has(t, "after that", want)
			})
		})
	}
}

func asksOf(all []*station) (n int) {
	for _, s := range all {
		s.mu.Lock()
		n += s.asks
		s.mu.Unlock()
	}
	return n
}

func TestAFanoutIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, a, b := startPair(t)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		b.set("/live", carried(0))
		eventually.Advance(settleTime + 4*changeGap)
		var ends []func()
		for range 2 {
			end, ok := a.Pull("/live")
			if !ok {
				t.Fatal("refused")
			}
			ends = append(ends, end)
		}
		if _, ok := a.Pull("/live"); ok {
			t.Error("a third node may pull")
		}
		c := startStation(t, bus)
		defer c.Close()
		eventually.Advance(settleTime + 4*changeGap)
		c.has(t, "the owner is full", map[string]string{"/live": b.id()})
		for _, end := range ends {
			end()
		}
		eventually.Advance(2 * changeGap)
		c.has(t, "the owner has room", map[string]string{"/live": a.id()})
		end, _ := a.Pull("/live")
		end()
		a.set("/live", nil)
		eventually.Advance(2 * changeGap)
		c.has(t, "the stream ended with the last pull", map[string]string{})
	})
}

// A message that did not leave is followed by a whole one, also if others are busy.
func TestANodeGoesOnAfterAFailedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a, b, c := startStation(t, bus), startStation(t, bus), startStation(t, bus)
		defer a.Close()
		defer b.Close()
		defer c.Close()
		eventually.Advance(settleTime)
		a.mu.Lock()
		a.fails = 1
		a.mu.Unlock()
		a.set("/live", local(now()))
		for range 5 * int(time.Second/changeGap) { // b and c wake it again and again
			b.set("/b", local(now()))
			eventually.Advance(changeGap)
		}
		b.has(t, "after a failed message", map[string]string{"/live": a.id()})
	})
}

// A node that begins while its engine is away keeps what the one before it knew.
func TestANodeWithoutItsEngineListsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := NewBus()
		a := startStation(t, bus)
		defer a.Close()
		a.set("/live", local(now()))
		b := startCutOff(t, bus)
		defer b.Close()
		eventually.Advance(time.Minute)
		if b.lists > 0 || !b.held || !b.settled {
			t.Errorf("listed %d times, held: %v, settled: %v; want never, and both", b.lists, b.held, b.settled)
		}
		b.engine.SetConnected(true)
		eventually.Advance(settleTime + 4*changeGap)
		b.has(t, "connected", map[string]string{"/live": a.id()})
	})
}

func TestATokenIsOnlyForStreamsOfTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := startPair(t)
		defer a.Close()
		defer b.Close()
		a.set("/live", local(now()))
		eventually.Advance(settleTime)
		for _, c := range []struct{ mount, of, want string }{{"/live", "/live", b.id()}, {"/live", "/other", ""}, {"/hidden", "/hidden", ""}} {
			if got := a.CheckToken("Bearer "+b.local.Identity.Token(c.of, a.id(), time.Now()), c.mount); got != c.want {
				t.Errorf("%+v: it is from %q", c, got)
			}
		}
		b.engine.SetConnected(false) // a forgets it, and it goes on pulling
		eventually.Advance(time.Minute)
		if a.CheckToken("Bearer "+b.local.Identity.Token("/live", a.id(), time.Now()), "/live") == "" {
			t.Error("a node that is silent may not pull")
		}
	})
}
