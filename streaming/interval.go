package streaming

import "time"

const (
	// restFactor is how many times longer than its work a shard's interval is. What a
	// write costs hardly depends on its length, so the work is the number of listeners:
	// with few of them an interval is short and they hear at once, with many it grows up to
	// Settings.Latency, and each write carries more.
	restFactor = 26

	// minInterval is longer than a frame, so that some come together.
	minInterval = 35 * time.Millisecond

	// frameWait is for how long the next frame is awaited before what is due goes out
	// without it.
	frameWait = 30 * time.Millisecond

	// writeCost and wakeCost are about what it costs to serve a plain listener, and one that
	// has a goroutine. They are constants: on a busy machine all measured times grow, and
	// it is the listeners that would wait longer then.
	writeCost = 8 * time.Microsecond
	wakeCost  = 20 * time.Microsecond

	// longCycle is work that can't be told from other irregularities of an interval.
	longCycle = 40 * time.Millisecond

	// flushBytes is how much a mount appends before the interval is cut short: what is due
	// must fit into a socket's buffer.
	flushBytes = 64 << 10

	// sweepInterval is how often a shard looks after listeners for which nothing is due.
	sweepInterval = time.Second

	// silentAfter is how long nothing is appended before sockets are asked whether their
	// peers are still there. Until then a write tells.
	silentAfter = 2 * time.Second

	// retryInterval is the least time between attempts at sockets that would block.
	retryInterval = 20 * time.Millisecond

	maxPause = 8 // cycles

	// abortTime is how long a listener's goroutine has to notice that it is to end before
	// its write is made to fail.
	abortTime = 200 * time.Millisecond

	// drainTime is how long listeners have to take the rest of a stream that has ended;
	// lastDrainTime if the server ends too.
	drainTime     = 10 * time.Second
	lastDrainTime = 300 * time.Millisecond
)

// wait sleeps until it is time for a cycle, or for the sweep after the last. It reports
// false if the shard is to end.
func (s *shard) wait(timer *time.Timer, lastSweep time.Time) bool {
	for {
		select {
		case <-s.wake:
			if s.station.clock() < time.Duration(s.due.Load()) {
				continue // it was on its way when the cycle began
			}
		case <-s.flush:
		case call := <-s.calls:
			s.takeInbox()
			call()
			continue
		case <-timer.C:
			s.due.Store(0) // from here on a notice wakes, or has been seen below
			if rest := sweepInterval - time.Since(lastSweep); rest > 0 && !s.dirty.Load() && !s.behind {
				timer.Reset(rest)
				continue
			}
		case <-s.quit:
			return false
		}
		return true
	}
}

// pace sets, by what was done in the cycle that began at now, when the next is due, and
// returns how long the shard may sleep. What is due goes out when something is appended,
// as soon as nine tenths of the interval are over: the process is awake then, while a timer
// would wake it once more. The timer is for when nothing comes.
func (s *shard) pace(now time.Time) time.Duration {
	cost := time.Duration(s.served)*writeCost + time.Duration(s.woken)*wakeCost
	latency := s.station.latency()
	// The last listeners of a long cycle wait for that, too.
	most := latency - min(max(0, cost-longCycle)/2, latency/10)
	s.interval = min(max((3*s.interval+restFactor*cost)/4, minInterval), most)
	due := s.interval * 9 / 10
	s.due.Store(int64(now.Sub(s.station.Started) + due))
	sleep := min(max(s.interval, due+frameWait), latency)
	if s.behind {
		sleep = max(min(sleep, s.interval), retryInterval)
	}
	return min(sleep, sweepInterval) - time.Since(now)
}

// observeCycle notes how long the cycle took that began at now, and how long what was due
// to its last group had waited. It costs each cycle, not each listener, a look at the clock.
func (s *shard) observeCycle(now time.Time) {
	if s.served+s.woken == 0 {
		return
	}
	end := s.station.clock()
	s.station.cycleTimes.observe(end - now.Sub(s.station.Started))
	if s.oldest > 0 {
		s.station.delays.observe(end - s.oldest)
	}
}
