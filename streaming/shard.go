package streaming

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
)

// shard serves a share of a station's listeners, of all mounts, in cycles. One goroutine
// runs it; its writes never block.
type shard struct {
	station   *Station
	forSlaves bool          // it has the slaves
	wake      chan struct{} // something is due; cap 1
	flush     chan struct{} // a cycle should begin at once; cap 1
	quit      chan struct{}
	calls     chan func() // to be run between two cycles

	dirty     atomic.Bool  // something has become due since the last cycle began
	due       atomic.Int64 // from when on a notice begins a cycle, on the station's clock
	rescanDue atomic.Bool  // every listener is to be looked at
	load      atomic.Int64 // listeners given to this shard

	mu    sync.Mutex
	inbox []*Listener

	// The loop's.
	groups   map[*listenerGroup]*shardGroup
	ended    []*Listener
	behind   bool // some listener could not take all that was due
	sweeping bool // this cycle looks for listeners that left in silence
	interval time.Duration
	served   int           // plain listeners in this cycle
	woken    int           // others
	oldest   time.Duration // when the first of what was due to some group came; 0: unknown
	vector   vector
}

// shardGroup is a shard's listeners of one group.
type shardGroup struct {
	group     *listenerGroup
	listeners []*Listener
	playing   *playing        // what was heard when they were last served
	seen      *blocklog.Block // tail of its log then
	moved     time.Time       // when that was another one than before
	behind    bool
}

// queue returns how many bytes listeners may be behind. The burst of another mount may
// be longer than the queue of their own.
func (g *shardGroup) queue() int {
	queue := g.group.mount.Settings().Queue
	if m := g.playing.mount; m != nil {
		queue = max(queue, m.Settings().Queue)
	}
	return queue
}

func newShard(st *Station) *shard {
	return &shard{
		station: st,
		wake:    make(chan struct{}, 1),
		flush:   make(chan struct{}, 1),
		quit:    make(chan struct{}),
		calls:   make(chan func()),
		groups:  make(map[*listenerGroup]*shardGroup),
	}
}

// add hands a listener to the shard.
func (s *shard) add(l *Listener) {
	if !l.Client.Slave {
		l.Mount().publish(Notice{Kind: ListenerAdded, Listener: l})
	}
	s.take(l)
}

// take is add without a word to anybody.
func (s *shard) take(l *Listener) {
	s.mu.Lock()
	s.inbox = append(s.inbox, l)
	s.mu.Unlock()
	s.notify(s.station.clock())
}

// notify tells the shard, at a time of the station's clock, that something is due.
// If it is not time yet for the next cycle, that costs next to nothing: another
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

// rescan makes the shard look at every listener soon.
func (s *shard) rescan() {
	s.rescanDue.Store(true)
	s.flushNow()
}

// flushNow cuts the interval short.
func (s *shard) flushNow() {
	select {
	case s.flush <- struct{}{}:
	default:
	}
}

// run is the loop. It ends when quit is closed.
func (s *shard) run() {
	timer := time.NewTimer(sweepInterval)
	defer timer.Stop()
	var lastSweep time.Time
	for s.wait(timer, lastSweep) {
		s.dirty.Store(false) // what is appended from here on may miss this cycle
		now := time.Now()
		all := s.rescanDue.Swap(false)
		s.sweeping = now.Sub(lastSweep) >= sweepInterval
		if s.sweeping {
			all, lastSweep = true, now
		}
		s.cycle(now, all)
		s.observeCycle(now)
		timer.Reset(s.pace(now))
	}
}

// cycle serves every group for which something is due, and with all every group.
func (s *shard) cycle(now time.Time, all bool) {
	s.takeInbox()
	if h := s.station.handover.Load(); h != nil && h.committed.Load() {
		s.handLate(h)
	}
	s.behind, s.served, s.woken, s.oldest = false, 0, 0, 0
	for group, g := range s.groups {
		before := g.playing
		g.playing = group.playing.Load()
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
		if m := g.playing.mount; m != nil && !s.forSlaves {
			m.served.Store(tail.End())
		}
		if group.followed && !all {
			continue // nothing is sent to sessions
		}
		s.serveGroup(g, now)
		s.behind = s.behind || g.behind
		if len(g.listeners) == 0 {
			delete(s.groups, group)
		}
	}
	if len(s.ended) > 0 {
		s.station.callbacks.ended(s.ended)
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
		s.place(l)
	}
}

// place puts a listener into the shard's part of its group.
func (s *shard) place(l *Listener) {
	g := s.groups[l.group]
	if g == nil {
		g = &shardGroup{group: l.group, moved: time.Now()}
		s.groups[l.group] = g
	}
	g.listeners = append(g.listeners, l)
	g.seen = nil // so that the group is served
}
