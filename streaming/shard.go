package streaming

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// effort is how many times longer than its work a shard's turn is. What a
	// write costs hardly depends on its length, so the work is the number of
	// listeners: with few of them a turn is short and they hear at once, with
	// many it grows up to Settings.Latency, and each write carries more.
	effort = 25

	// urgeBytes is how much a mount appends before the turn is cut short: what
	// is due must fit into a socket's buffer.
	urgeBytes = 64 << 10

	// round is how often a shard looks after listeners for whom nothing is due.
	round = time.Second

	// silence is how long nothing is appended before listeners are asked whether
	// they are still there. Until then a write tells.
	silence = 2 * time.Second

	// retry is the least time between attempts at sockets that would block.
	retry = 20 * time.Millisecond

	maxPause = 8 // turns

	// abortTime is how long a listener's goroutine has to notice that it is to
	// end before its write is made to fail.
	abortTime = 200 * time.Millisecond

	// drainTime is how long listeners have to take the rest of a stream that
	// has ended; lastDrainTime if the server ends too.
	drainTime     = 10 * time.Second
	lastDrainTime = 300 * time.Millisecond
)

// shard serves a share of a station's listeners, of all mounts, in turns. One
// goroutine runs it; what it writes to never blocks it.
type shard struct {
	station *Station
	wake    chan struct{} // something is due; cap 1
	urge    chan struct{} // the turn should not be waited for; cap 1
	quit    chan struct{}

	dirty     atomic.Bool  // wake has been sent since the last pass
	attention atomic.Bool  // every listener is to be looked at
	load      atomic.Int64 // listeners given to this shard

	mu    sync.Mutex
	inbox []*Listener

	// The loop's.
	groups map[*Mount]*group
	ended  []*Listener
	behind bool // some listener could not take all that was due
	round  bool // those who may have left in silence are looked after
	turn   time.Duration
	vector vector
}

// group is a shard's listeners of one mount.
type group struct {
	mount     *Mount
	listeners []*Listener
	seen      *Block    // tail of the log at the last visit
	moved     time.Time // when that was another one than before
	behind    bool
}

func newShard(st *Station) *shard {
	return &shard{
		station: st,
		wake:    make(chan struct{}, 1),
		urge:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		groups:  make(map[*Mount]*group),
	}
}

// add hands a listener to the shard.
func (s *shard) add(l *Listener) {
	s.mu.Lock()
	s.inbox = append(s.inbox, l)
	s.mu.Unlock()
	s.notify()
}

// notify tells the shard that something is due. It costs next to nothing when
// the shard knows.
func (s *shard) notify() {
	if !s.dirty.Load() && !s.dirty.Swap(true) {
		select {
		case s.wake <- struct{}{}:
		default: // it is on its way already
		}
	}
}

// attend makes the shard look at every listener soon.
func (s *shard) attend() {
	s.attention.Store(true)
	s.notify()
	s.hurry()
}

// hurry cuts the turn short.
func (s *shard) hurry() {
	select {
	case s.urge <- struct{}{}:
	default:
	}
}

// run is the loop. It ends when quit is closed.
func (s *shard) run() {
	timer := time.NewTimer(round)
	defer timer.Stop()
	var last, lastRound time.Time
	for {
		timer.Reset(s.rest())
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.quit:
			return
		}
		if wait := s.turn - time.Since(last); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-s.urge:
			case <-s.quit:
				return
			}
		}
		s.dirty.Store(false) // what is appended from here on may miss this pass
		last = time.Now()
		all := s.attention.Swap(false)
		if last.Sub(lastRound) >= round {
			all, lastRound = true, last
			s.round = true
		}
		s.pass(last, all)
		s.round = false
		s.turn = s.pace(time.Since(last))
	}
}

// rest returns how long the shard may sleep if nothing is appended.
func (s *shard) rest() time.Duration {
	if s.behind {
		return max(s.turn, retry)
	}
	return round
}

// pace returns the length of the next turn after a pass that took cost.
func (s *shard) pace(cost time.Duration) time.Duration {
	smooth := (3*s.turn + effort*cost) / 4
	return min(smooth, s.station.latency())
}

// pass serves every group for which something is due, and with all every group.
func (s *shard) pass(now time.Time, all bool) {
	s.takeInbox()
	s.behind = false
	for m, g := range s.groups {
		tail := m.log.tail.Load()
		if !all && !g.behind && tail == g.seen {
			continue
		}
		if tail != g.seen {
			g.moved = now
		}
		g.seen = tail
		s.visit(g, now)
		s.behind = s.behind || g.behind
		if len(g.listeners) == 0 {
			delete(s.groups, m)
		}
	}
	if len(s.ended) > 0 {
		s.station.departures.push(s.ended)
		clear(s.ended)
		s.ended = s.ended[:0]
	}
}

func (s *shard) takeInbox() {
	s.mu.Lock()
	inbox := s.inbox
	s.inbox = nil
	s.mu.Unlock()
	for _, l := range inbox {
		g := s.groups[l.mount]
		if g == nil {
			g = &group{mount: l.mount}
			s.groups[l.mount] = g
		}
		g.listeners = append(g.listeners, l)
		g.seen = nil // so that the group is visited
	}
}
