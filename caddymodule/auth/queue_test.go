package auth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// queueScene has attempts that wait behind one that runs, and ends them one by one.
type queueScene struct {
	t    *testing.T
	q    *queue
	turn chan string
	end  chan bool // whether the running attempt has the right password
	wg   sync.WaitGroup
}

// newQueueScene runs in a bubble of synctest.
func newQueueScene(t *testing.T, failed ...string) *queueScene {
	s := &queueScene{t: t, q: newQueue(1, 0), turn: make(chan string, 10*maxWaiting), end: make(chan bool)}
	for _, address := range failed {
		s.q.failed.Add(netip.MustParseAddr(address), failures{s.q.failuresOf(netip.MustParseAddr(address)) + 1, time.Now()})
	}
	s.arrive("first", "192.0.2.255")
	return s
}

// arrive adds an attempt, and waits until it waits.
func (s *queueScene) arrive(name, address string) {
	s.wg.Go(func() {
		_, err := s.q.compare(context.Background(), netip.MustParseAddr(address), func() bool {
			s.turn <- name
			return <-s.end
		})
		if err != nil {
			s.turn <- "no " + name
		}
	})
	synctest.Wait()
}

// finish ends all attempts as failed, and returns their names in the order of their turns.
func (s *queueScene) finish() []string {
	for s.q.running > 0 {
		s.end <- false
		synctest.Wait()
	}
	s.wg.Wait()
	close(s.turn)
	var order []string
	for name := range s.turn {
		order = append(order, name)
	}
	return order
}

func TestTurnsGoRoundTheAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		failed []string
		arrive [][2]string
		want   string
	}{
		"addresses take turns": {nil, [][2]string{
			{"a1", "192.0.2.1"}, {"a2", "192.0.2.1"}, {"a3", "192.0.2.1"}, {"b1", "192.0.2.2"}, {"b2", "192.0.2.2"}, {"c1", "192.0.2.3"},
		}, "first c1 b1 a1 b2 a2 a3"},
		"one that has not failed overtakes": {[]string{"192.0.2.1", "192.0.2.2"}, [][2]string{
			{"a1", "192.0.2.1"}, {"b1", "192.0.2.2"}, {"new", "192.0.2.3"},
		}, "first new a1 b1"},
		"one typing error is less than a guesser's": {[]string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"}, [][2]string{
			{"a1", "192.0.2.1"}, {"typo", "192.0.2.2"},
		}, "first typo a1"},
		"an IPv6 network is one address": {nil, [][2]string{
			{"a1", "2001:db8::1"}, {"a2", "2001:db8::2"}, {"a3", "2001:db8::3"}, {"b1", "2001:db8:0:1::1"},
		}, "first b1 a1 a2 a3"},
		"the longest waiting has every fourth turn": {[]string{"192.0.2.1"}, [][2]string{
			{"old", "192.0.2.1"}, {"a", "192.0.2.2"}, {"b", "192.0.2.3"}, {"c", "192.0.2.4"},
		}, "first c b old a"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newQueueScene(t, c.failed...)
				for _, a := range c.arrive {
					s.arrive(a[0], a[1])
				}
				if got := strings.Join(s.finish(), " "); got != c.want {
					t.Errorf("%s; want %s", got, c.want)
				}
			})
		})
	}
}

// One address may fill its own line, and with others the whole queue. Others lose nothing.
func TestAFullLineHurtsItsOwnAddressAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQueueScene(t)
		for i := range maxLine + 3 {
			s.arrive(fmt.Sprint("guess", i), "192.0.2.1")
		}
		s.arrive("right", "192.0.2.2")
		order := s.finish()
		if i := slices.Index(order, "right"); i < 0 || slices.Contains(order, "no right") {
			t.Errorf("the other has no turn: %v", order)
		}
		if n := count(order, "no guess"); n != 3 {
			t.Errorf("%d guesses are refused; want 3", n)
		}
	})
}

func TestAFullQueueShortensTheLongestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQueueScene(t)
		lines := maxWaiting / maxLine
		for i := range maxWaiting {
			s.arrive(fmt.Sprint("guess", i), fmt.Sprintf("192.0.2.%d", i%lines))
		}
		for i := range 10 {
			s.arrive(fmt.Sprint("right", i), fmt.Sprintf("198.51.100.%d", i))
		}
		if s.q.waiting != maxWaiting {
			t.Errorf("%d wait; want %d", s.q.waiting, maxWaiting)
		}
		order := s.finish()
		if refused, other := count(order, "no guess"), count(order, "no right"); refused != 10 || other != 0 {
			t.Errorf("%d guesses and %d of the others are refused; want 10 and none", refused, other)
		}
	})
}

func count(names []string, prefix string) (n int) {
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

func TestFailuresAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQueueScene(t, "192.0.2.1")
		eventually.Advance(failureTime)
		s.q.failed.Add(netip.MustParseAddr("192.0.2.2"), failures{1, time.Now()})
		s.arrive("recent", "192.0.2.2")
		s.arrive("forgotten", "192.0.2.1")
		if got := s.finish(); !slices.Equal(got, []string{"first", "forgotten", "recent"}) {
			t.Error(got)
		}
	})
}

func TestAnAttemptWaitsNoLongerThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQueueScene(t)
		begin := time.Now()
		_, err := s.q.compare(t.Context(), netip.MustParseAddr("192.0.2.1"), func() bool { return true })
		if !errors.Is(err, errBusy) || time.Since(begin) != MaxHashingTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		s.finish()
		if len(s.q.lines) != 0 || s.q.waiting != 0 || s.q.running != 0 {
			t.Errorf("left are %d lines, %d waiting, %d running", len(s.q.lines), s.q.waiting, s.q.running)
		}
	})
}

// An address without a failed login need not wait for a guess that runs.
func TestTheReserveIsForAddressesWithoutFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newQueueScene(t, "192.0.2.1")
		s.q.reserve = 1
		s.arrive("guess", "192.0.2.1")
		s.arrive("right", "192.0.2.2")
		if s.q.running != 2 || s.q.waiting != 1 || s.q.lines[netip.MustParseAddr("192.0.2.1")] == nil {
			t.Errorf("%d run, %d wait; want the right one to run beside the first", s.q.running, s.q.waiting)
		}
		s.finish()
	})
}

// Whatever arrives, of addresses that always have an attempt none gets more turns than others.
func TestFairness(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		q, owner, turns := newQueue(1, 0), make(map[*attempt]int), make([]int, 2+rnd.IntN(20))
		enter := func(i int) {
			if a := q.enter(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})); a != nil {
				owner[a] = i
			}
		}
		for i := range turns {
			for range 1 + rnd.IntN(maxLine-1) {
				enter(i)
			}
		}
		for range 1000 {
			for a, i := range owner {
				if len(a.turn) == 0 {
					continue
				}
				delete(owner, a)
				turns[i]++
				enter(i) // so that one waits
				enter(rnd.IntN(len(turns)))
				q.done(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), false)
				break
			}
		}
		if all := slices.Max(turns) - slices.Min(turns); all > 2 || slices.Min(turns) == 0 {
			t.Errorf("seed %d: turns of %d addresses: %v", seed, len(turns), turns)
		}
	}
}
