package auth

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/caddycast/caddycast/streaming/audience"
)

// queue bounds the comparisons with slow hashes that run at a time: each takes up to a second of
// a processor, and clients that guess passwords must leave some to the streams. Its methods may
// be called from any goroutine.
//
// Each address (for IPv6, each /64) has its own line. The next turn goes to the address with the
// fewest attempts in vain, so addresses that all guess take turns, and a client that has not
// failed overtakes them. Of addresses without an attempt in vain the newest is first: when many
// begin to guess at once, a client that comes later does not wait for all of them. Every
// agedTurn-th turn goes to the address that has waited longest for one, so that none waits for
// ever.
type queue struct {
	places  int // comparisons at a time
	reserve int // more of them, for addresses without an attempt in vain

	mu      sync.Mutex
	running int
	waiting int
	turns   uint64 // attempts that have got a place of places
	clock   uint64 // counts what sets line.since
	lines   map[netip.Addr]*line
	failed  *lru.Cache[netip.Addr, failures] // what is remembered of addresses without a line
}

// line is an address with attempts that wait or run.
type line struct {
	address  netip.Addr
	waiting  []*attempt // in the order of their arrival
	running  int
	failures int    // as in failures.count
	since    uint64 // the queue's clock at its last turn, or at its begin
}

// attempt is one that waits. turn receives whether it is its turn; false: it has lost its place.
type attempt struct{ turn chan bool }

// failures are the attempts in vain of an address since the last one that succeeded: those with
// a wrong password, and those that were given up while they waited.
type failures struct {
	count int
	last  time.Time
}

const (
	// maxLine and maxWaiting bound the attempts that wait, of one address and in all.
	maxLine, maxWaiting = 32, 1024

	// maxFailed bounds the addresses whose failures are remembered, and failureTime for how long
	// they are.
	maxFailed   = 16 << 10
	failureTime = 10 * time.Minute

	agedTurn = 4
)

// MaxHashingTime is the longest time that a login waits for its comparison.
const MaxHashingTime = 5 * time.Second

// errBusy is the error of a comparison that has waited too long.
var errBusy = errors.New("too many logins at once, try again")

// Listeners have a queue of their own, so that their guesses delay no source, administrator or
// slave.
var (
	operatorQueue = newQueue(max(1, runtime.GOMAXPROCS(0)/2), 1)
	listenerQueue = newQueue(max(1, runtime.GOMAXPROCS(0)/2), 1)
)

func newQueue(places, reserve int) *queue {
	failed, err := lru.New[netip.Addr, failures](maxFailed)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &queue{places: places, reserve: reserve, lines: make(map[netip.Addr]*line), failed: failed}
}

// compare returns what matches returns, once it is the turn of the address. The error is errBusy
// if that takes too long, or if too many attempts wait.
func (q *queue) compare(ctx context.Context, from netip.Addr, matches func() bool) (ok bool, err error) {
	address := audience.Household(from)
	if err := q.await(ctx, address); err != nil {
		return false, err
	}
	defer func() { q.done(address, ok) }()
	return matches(), nil
}

// await returns when an attempt may begin. After nil, done must be called.
func (q *queue) await(ctx context.Context, address netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, MaxHashingTime)
	defer cancel()
	a := q.enter(address)
	if a == nil {
		return errBusy
	}
	select {
	case granted := <-a.turn:
		if granted {
			return nil
		}
	case <-ctx.Done():
		if !q.remove(address, a) && <-a.turn {
			return nil // its turn came at the same time
		}
	}
	return errBusy
}

// enter puts an attempt at the end of the line of its address. It returns nil if that is full.
// If all lines together are, the last attempt of the longest line loses its place.
func (q *queue) enter(address netip.Addr) *attempt {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[address]
	switch {
	case l == nil:
		l = &line{address: address, failures: q.failuresOf(address), since: q.tick()}
		q.lines[address] = l
	case len(l.waiting) >= maxLine:
		return nil
	}
	a := &attempt{make(chan bool, 1)}
	l.waiting = append(l.waiting, a)
	q.waiting++
	if q.waiting > maxWaiting {
		q.dropOne()
	}
	q.dispatch()
	return a
}

// dropOne takes the place of the last attempt of the longest line; of several lines, of that
// with the most failures.
func (q *queue) dropOne() {
	var longest *line
	for _, l := range q.lines {
		if longest == nil || len(l.waiting) > len(longest.waiting) ||
			len(l.waiting) == len(longest.waiting) && l.isAfter(longest) {
			longest = l
		}
	}
	last := len(longest.waiting) - 1
	longest.waiting[last].turn <- false
	q.take(longest, last)
}

// isAfter reports whether a line with as many attempts as another is the one to be shortened.
func (l *line) isAfter(other *line) bool {
	if l.failures != other.failures {
		return l.failures > other.failures
	}
	return l.since > other.since
}

// remove takes an attempt that is given up out of its line. It reports false if its turn has
// come, or it has lost its place.
func (q *queue) remove(address netip.Addr, a *attempt) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[address]
	if l == nil {
		return false
	}
	i := slices.Index(l.waiting, a)
	if i < 0 {
		return false
	}
	q.fail(l)
	q.take(l, i)
	return true
}

// take removes an attempt from a line, and a line without attempts.
func (q *queue) take(l *line, i int) {
	l.waiting = slices.Delete(l.waiting, i, i+1)
	q.waiting--
	q.forget(l)
}

func (q *queue) forget(l *line) {
	if len(l.waiting) == 0 && l.running == 0 {
		delete(q.lines, l.address)
	}
}

// done ends an attempt that has had its turn, and remembers whether it failed.
func (q *queue) done(address netip.Addr, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[address]
	l.running--
	q.running--
	if ok {
		l.failures = 0
		q.failed.Remove(address)
	} else {
		q.fail(l)
	}
	q.forget(l)
	q.dispatch()
}

// fail remembers an attempt in vain.
func (q *queue) fail(l *line) {
	l.failures++
	q.failed.Add(l.address, failures{l.failures, time.Now()})
}

// failuresOf returns the failures of an address that still count.
func (q *queue) failuresOf(address netip.Addr) int {
	if f, ok := q.failed.Get(address); ok && time.Since(f.last) < failureTime {
		return f.count
	}
	return 0
}

// tick returns the next time of the clock.
func (q *queue) tick() uint64 {
	q.clock++
	return q.clock
}

// dispatch begins as many attempts as there are places for.
func (q *queue) dispatch() {
	for q.running < q.places+q.reserve {
		l := q.next()
		if l == nil {
			return
		}
		a := l.waiting[0]
		l.running++
		q.running++
		l.since = q.tick()
		q.take(l, 0)
		a.turn <- true
	}
}

// next returns the line whose turn it is, nil if there is none.
func (q *queue) next() *line {
	reserved := q.running >= q.places
	aged := !reserved && (q.turns+1)%agedTurn == 0
	var next *line
	for _, l := range q.lines {
		switch {
		case len(l.waiting) == 0 || reserved && l.served() > 0:
		case next == nil || l.isBefore(next, aged):
			next = l
		}
	}
	if next != nil && !reserved {
		q.turns++
	}
	return next
}

// served is what an address has cost so far.
func (l *line) served() int { return l.failures + l.running }

// isBefore reports whether the turn of a line comes before that of another, by age alone or not.
func (l *line) isBefore(other *line, aged bool) bool {
	mine, others := l.served(), other.served()
	switch {
	case aged:
	case mine != others:
		return mine < others
	case mine == 0:
		return l.since > other.since
	}
	return l.since < other.since
}
