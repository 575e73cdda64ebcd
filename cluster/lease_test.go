package cluster

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// leaser is a node with leases alone, and its count of places.
type leaser struct {
	*Leases
	engine  *Memory
	used    atomic.Int64
	silence chan struct{} // closed when it is to give no more signs of life
	muted   sync.Once
}

// leasers are nodes that hear each other.
type leasers struct {
	t   *testing.T
	bus *Bus
	all []*leaser
}

func newLeasers(t *testing.T, nodes int) *leasers {
	s := &leasers{t: t, bus: NewBus()}
	for range nodes {
		s.add("")
	}
	eventually.Advance(time.Second)
	return s
}

// add starts a node, the heir of another one unless that is empty.
func (s *leasers) add(heir string) *leaser {
	e := s.bus.Engine()
	n := &leaser{engine: e, Leases: StartLeases(e, NewIdentity().ID, heir, func(bool, error) {}), silence: make(chan struct{})}
	cancel, err := e.Subscribe(subjectState, func(id []byte) { n.Seen(string(id), false) })
	if err != nil {
		s.t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			_ = e.Publish(subjectState, []byte(n.self))
			select {
			case <-time.After(announceInterval):
			case <-n.silence:
				return
			}
		}
	})
	s.t.Cleanup(func() {
		n.mute()
		ended.Wait()
		cancel()
		n.Close()
	})
	s.all = append(s.all, n)
	return n
}

func (n *leaser) mute() { n.muted.Do(func() { close(n.silence) }) }

func (n *leaser) take(limit int) bool {
	if !n.Take("mount", "/live", limit) {
		return false
	}
	n.used.Add(1)
	return true
}

func (n *leaser) free() {
	n.used.Add(-1)
	n.Return("mount", "/live")
}

// takeAll takes as many places as there are, at all nodes in parallel, and returns how many that were.
func (s *leasers) takeAll(limit int, nodes ...*leaser) (taken int) {
	var all sync.WaitGroup
	for _, n := range nodes {
		for range limit + 5 {
			all.Go(func() { n.take(limit) })
		}
	}
	all.Wait()
	for _, n := range s.all {
		taken += int(n.used.Load())
	}
	return taken
}

func TestALimitHoldsForAllNodes(t *testing.T) {
	for _, limit := range []int{1, 5, 64, 65, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s := newLeasers(t, 5)
			if got := s.takeAll(limit, s.all...); got > limit || limit <= exactLimit && got != limit {
				t.Errorf("%d places of %d were taken", got, limit)
			}
			eventually.Advance(2 * renewInterval)
			for _, n := range s.all { // what is held in vain is given back
				for n.take(limit) {
				}
			}
			if got := s.takeAll(limit, s.all...); got != limit {
				t.Errorf("later %d places of %d are taken", got, limit)
			}
		})
	}
}

func TestNoMoreThanALimitIsEverTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, rounds = 20, 200
		s := newLeasers(t, 4)
		var sum, most atomic.Int64
		var all sync.WaitGroup
		for _, n := range s.all {
			for range 12 {
				all.Go(func() {
					for range rounds {
						if n.Take("mount", "/live", limit) {
							if now := sum.Add(1); now > most.Load() {
								most.Store(now)
							}
							time.Sleep(rand.N(20 * time.Millisecond))
							sum.Add(-1)
							n.Return("mount", "/live")
						}
						time.Sleep(rand.N(5 * time.Millisecond))
					}
				})
			}
		}
		all.Wait()
		if most.Load() > limit || most.Load() < limit-2 {
			t.Errorf("at most %d places were taken; want %d", most.Load(), limit)
		}
		eventually.Advance(time.Second)
		for _, n := range s.all {
			if len(n.things) > 0 {
				t.Errorf("a node without listeners holds %d things", len(n.things))
			}
		}
		text, _, _ := s.all[0].engine.Get(t.Context(), thing{"mount", "/live"}.key())
		if string(text) != "{}" {
			t.Errorf("the engine has %s", text)
		}
	})
}

func TestAPlaceMovesFromNodeToNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLeasers(t, 2)
		a, b := s.all[0], s.all[1]
		for range 10 {
			if !a.take(1) {
				t.Fatal("no place at the one")
			}
			if b.take(1) {
				t.Fatal("two places of one")
			}
			time.AfterFunc(10*time.Millisecond, a.free) // it ends a moment after the listener has come to the other
			if !b.take(1) {
				t.Fatal("no place at the other")
			}
			a, b = b, a
			a.free()
			eventually.Advance(10 * time.Millisecond)
		}
	})
}

func TestThePlacesOfANodeThatIsGoneAreFree(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(n, other *leaser)
		wait time.Duration
	}{
		{"killed", func(n, _ *leaser) { n.mute() }, leaseAge + announceInterval},
		{"ended", func(n, other *leaser) { n.mute(); other.Seen(n.self, true) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLeasers(t, 2)
				a, b := s.all[0], s.all[1]
				if got := s.takeAll(10, a); got != 10 {
					t.Fatalf("%d places were taken", got)
				}
				c.end(a, b)
				if c.wait > 0 {
					eventually.Advance(c.wait / 2)
					if b.take(10) {
						t.Error("a place was free too early")
					}
				}
				eventually.Advance(c.wait)
				for i := range 10 {
					if !b.take(10) {
						t.Fatalf("%d places are free; want 10", i)
					}
				}
			})
		})
	}
}

func TestANodeThatIsCutOffCountsForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLeasers(t, 3)
		a := s.all[0]
		if got := s.takeAll(10, s.all...); got != 10 {
			t.Fatalf("%d places were taken", got)
		}
		a.engine.SetConnected(false)
		before := time.Now()
		for a.take(10) {
		}
		if a.used.Load() != 10 || time.Since(before) > 0 {
			t.Errorf("%d places at the node that is cut off, after %v; want 10 at once", a.used.Load(), time.Since(before))
		}
		a.engine.SetConnected(true)
		eventually.Advance(time.Second)
		for _, n := range s.all {
			if n.take(10) {
				t.Error("a place beyond the limit was taken when all were connected again")
			}
		}
		for a.used.Load() > 0 { // nobody is disconnected, and no one admitted until there are places
			a.free()
		}
		eventually.Advance(time.Second)
		if got := s.takeAll(10, s.all...); got != 10 {
			t.Errorf("%d places are taken in the end; want 10", got)
		}
	})
}

func TestPlacesAreWrittenAgainIfTheEngineHasLostThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLeasers(t, 2)
		a, b := s.all[0], s.all[1]
		s.takeAll(10, a)
		for _, n := range s.all {
			n.engine.SetConnected(false)
		}
		s.bus.mu.Lock()
		s.bus.keys = memoryKeys{}
		s.bus.mu.Unlock()
		for _, n := range s.all {
			n.engine.SetConnected(true)
		}
		eventually.Advance(time.Second)
		if b.take(10) {
			t.Error("a place that is taken was free")
		}
	})
}
