package streaming

import "sync"

// departures takes from the shards what may be slow: closing the connections of
// listeners that have ended, telling the observer, and aborting a goroutine that
// is stuck in a write. One goroutine works it off, in order.
type departures struct {
	observe func(*Listener)
	feeds   func(FeedChange)

	mu    sync.Mutex
	more  sync.Cond
	queue []departure
	done  bool
}

type departure struct {
	listener *Listener
	abort    bool
	change   *FeedChange // in place of a listener
}

func newDepartures(observe func(*Listener), feeds func(FeedChange)) *departures {
	d := &departures{observe: observe, feeds: feeds}
	d.more.L = &d.mu
	return d
}

// push hands over listeners that have ended and that no shard knows any more.
func (d *departures) push(ended []*Listener) {
	d.mu.Lock()
	for _, l := range ended {
		d.queue = append(d.queue, departure{listener: l})
	}
	d.mu.Unlock()
	d.more.Signal()
}

// abort hands over a listener whose goroutine is to give up its write.
func (d *departures) abort(l *Listener) {
	d.mu.Lock()
	d.queue = append(d.queue, departure{listener: l, abort: true})
	d.mu.Unlock()
	d.more.Signal()
}

// tell hands over what the observer of feeds is to know.
func (d *departures) tell(c FeedChange) {
	d.mu.Lock()
	d.queue = append(d.queue, departure{change: &c})
	d.mu.Unlock()
	d.more.Signal()
}

// close makes run return once the queue is empty.
func (d *departures) close() {
	d.mu.Lock()
	d.done = true
	d.mu.Unlock()
	d.more.Signal()
}

func (d *departures) run() {
	for {
		d.mu.Lock()
		for len(d.queue) == 0 && !d.done {
			d.more.Wait()
		}
		batch := d.queue
		d.queue = nil
		d.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, p := range batch {
			d.handle(p)
		}
	}
}

func (d *departures) handle(p departure) {
	if p.change != nil {
		d.feeds(*p.change)
		return
	}
	l := p.listener
	if p.abort {
		l.conn.Abort()
		return
	}
	if l.conn == nil {
		l.socket.close()
	}
	l.release()
	if l.Reason() == Slow {
		l.Mount().slow.Add(1)
	}
	d.observe(l)
}
