package streaming

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

const (
	// effort is how many times longer than its work a shard's turn is. What a
	// write costs hardly depends on its length, so the work is the number of
	// listeners: with few of them a turn is short and they hear at once, with
	// many it grows up to Settings.Latency, and each write carries more.
	effort = 26

	// leastTurn is longer than a frame, so that some come together.
	leastTurn = 35 * time.Millisecond

	// lull is for how long the next frame is waited for before what is due
	// goes out without it.
	lull = 30 * time.Millisecond

	// writeCost and wakeCost are about what it costs to serve a plain listener,
	// and one that has a goroutine. They are not measured as we go: on a busy
	// machine all takes longer, and who would wait longer then are the listeners.
	writeCost = 8 * time.Microsecond
	wakeCost  = 20 * time.Microsecond

	// longPass is work that can't be told from a turn's other irregularities.
	longPass = 40 * time.Millisecond

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
	express bool          // it has the slaves
	wake    chan struct{} // something is due; cap 1
	urge    chan struct{} // a pass should begin at once; cap 1
	quit    chan struct{}
	asks    chan func() // to be run between two passes

	dirty     atomic.Bool  // something has become due since the last pass began
	due       atomic.Int64 // from when on a notice begins a pass, on the station's clock
	attention atomic.Bool  // every listener is to be looked at
	load      atomic.Int64 // listeners given to this shard

	mu    sync.Mutex
	inbox []*Listener

	// The loop's.
	groups map[*lane]*group
	ended  []*Listener
	behind bool // some listener could not take all that was due
	round  bool // those who may have left in silence are looked after
	turn   time.Duration
	served int           // plain listeners in this pass
	woken  int           // others
	oldest time.Duration // when the first of what was due to some group came; 0: unknown
	vector vector
}

// group is a shard's listeners of one lane.
type group struct {
	lane      *lane
	listeners []*Listener
	playing   *playing        // what is heard, at the last visit
	seen      *blocklog.Block // tail of its log then
	moved     time.Time       // when that was another one than before
	behind    bool
}

// queue returns how many bytes listeners may be behind: those who begin with the
// burst of another mount may be as far behind as there.
func (g *group) queue() int {
	queue := g.lane.mount.Settings().Queue
	if m := g.playing.mount; m != nil {
		queue = max(queue, m.Settings().Queue)
	}
	return queue
}

func newShard(st *Station) *shard {
	return &shard{
		station: st,
		wake:    make(chan struct{}, 1),
		urge:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		asks:    make(chan func()),
		groups:  make(map[*lane]*group),
	}
}

// add hands a listener to the shard.
func (s *shard) add(l *Listener) {
	if !l.Client.Slave {
		l.Mount().tell(Notice{Kind: ListenerAdded, Listener: l})
	}
	s.mu.Lock()
	s.inbox = append(s.inbox, l)
	s.mu.Unlock()
	s.notify(s.station.clock())
}

// notify tells the shard, at a time of the station's clock, that something is due.
// If it is not time yet for the next pass, that costs next to nothing: another
// notice will come, or the shard's own timer.
func (s *shard) notify(now time.Duration) {
	if s.load.Load() == 0 {
		return
	}
	if !s.dirty.Load() {
		s.dirty.Store(true)
	}
	if now < time.Duration(s.due.Load()) {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it is on its way already
	}
}

// attend makes the shard look at every listener soon.
func (s *shard) attend() {
	s.attention.Store(true)
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
	var lastRound time.Time
	for s.wait(timer, lastRound) {
		s.dirty.Store(false) // what is appended from here on may miss this pass
		now := time.Now()
		all := s.attention.Swap(false)
		s.round = now.Sub(lastRound) >= round
		if s.round {
			all, lastRound = true, now
		}
		s.pass(now, all)
		s.observe(now)
		timer.Reset(s.pace(now))
	}
}

// wait sleeps until it is time for a pass, or for the round after last. It
// reports false if the shard is to end.
func (s *shard) wait(timer *time.Timer, lastRound time.Time) bool {
	for {
		select {
		case <-s.wake:
			if s.station.clock() < time.Duration(s.due.Load()) {
				continue // it was on its way when the pass began
			}
		case <-s.urge:
		case question := <-s.asks:
			s.takeInbox()
			question()
			continue
		case <-timer.C:
			s.due.Store(0) // from here on a notice wakes, or has been seen below
			if rest := round - time.Since(lastRound); rest > 0 && !s.dirty.Load() && !s.behind {
				timer.Reset(rest)
				continue
			}
		case <-s.quit:
			return false
		}
		return true
	}
}

// pace sets, by what was done in the pass that began at now, when the next is due,
// and returns how long the shard may sleep. What is due goes out when something
// is appended, as soon as nine tenths of the turn are over: the process is awake
// then, while a timer would wake it once more. The timer is for when nothing
// comes.
func (s *shard) pace(now time.Time) time.Duration {
	cost := time.Duration(s.served)*writeCost + time.Duration(s.woken)*wakeCost
	latency := s.station.latency()
	// Who comes late in a long pass waits for that, too.
	most := latency - min(max(0, cost-longPass)/2, latency/10)
	s.turn = min(max((3*s.turn+effort*cost)/4, leastTurn), most)
	due := s.turn * 9 / 10
	s.due.Store(int64(now.Sub(s.station.Started) + due))
	sleep := min(max(s.turn, due+lull), latency)
	if s.behind {
		sleep = max(min(sleep, s.turn), retry)
	}
	return min(sleep, round) - time.Since(now)
}

// pass serves every group for which something is due, and with all every group.
func (s *shard) pass(now time.Time, all bool) {
	s.takeInbox()
	s.behind, s.served, s.woken, s.oldest = false, 0, 0, 0
	for lane, g := range s.groups {
		before := g.playing
		g.playing = lane.playing.Load()
		tail := g.playing.Tail()
		if !all && !g.behind && tail == g.seen {
			continue
		}
		if tail != g.seen && g.seen != nil {
			g.moved = now
			if due := g.seen.Next(); g.playing == before && due != nil {
				s.oldest = due.Came()
			}
		}
		g.seen = tail
		if m := g.playing.mount; m != nil && !s.express {
			m.served.Store(tail.End())
		}
		s.visit(g, now)
		s.behind = s.behind || g.behind
		if len(g.listeners) == 0 {
			delete(s.groups, lane)
		}
	}
	if len(s.ended) > 0 {
		s.station.departures.ended(s.ended)
		clear(s.ended)
		s.ended = s.ended[:0]
	}
}

// observe notes how long the pass took that began at now, and how long what was due to
// its last group had waited. It costs a pass, and no listener, a look at the clock.
func (s *shard) observe(now time.Time) {
	if s.served+s.woken == 0 {
		return
	}
	end := s.station.clock()
	s.station.passTimes.observe(end - now.Sub(s.station.Started))
	if s.oldest > 0 {
		s.station.delays.observe(end - s.oldest)
	}
}

func (s *shard) takeInbox() {
	s.mu.Lock()
	inbox := s.inbox
	s.inbox = nil
	s.mu.Unlock()
	for _, l := range inbox {
		s.place(l)
	}
}

// place puts a listener into the group of its lane.
func (s *shard) place(l *Listener) {
	g := s.groups[l.lane]
	if g == nil {
		g = &group{lane: l.lane, moved: time.Now()}
		s.groups[l.lane] = g
	}
	g.listeners = append(g.listeners, l)
	g.seen = nil // so that the group is visited
}
