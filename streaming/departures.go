package streaming

import "sync"

// departures takes from the shards what may be slow: closing the connections of
// listeners that have ended, telling the observers, and aborting a goroutine that
// is stuck in a write. One goroutine works it off, in order; it begins when there
// is something to do.
type departures struct {
	observe func(*Listener)
	feeds   func(FeedChange)
	notices func(Notice) // nil: nobody wants them

	running sync.WaitGroup

	mu      sync.Mutex
	more    sync.Cond
	queue   []departure
	started bool
	done    bool
}

// departure is a listener, or something else to be told.
type departure struct {
	listener *Listener
	abort    bool
	change   *FeedChange
	notice   *Notice
}

func newDepartures(observe func(*Listener), feeds func(FeedChange)) *departures {
	d := &departures{observe: observe, feeds: feeds}
	d.more.L = &d.mu
	return d
}

// push hands something over. After close it is for nobody: the station's own
// goroutines have ended by then.
func (d *departures) push(all ...departure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return
	}
	d.queue = append(d.queue, all...)
	if !d.started {
		d.started = true
		d.running.Go(d.run)
	}
	d.more.Signal()
}

// ended hands over listeners that have ended and that no shard knows any more.
func (d *departures) ended(listeners []*Listener) {
	all := make([]departure, len(listeners))
	for i, l := range listeners {
		all[i].listener = l
	}
	d.push(all...)
}

// abort hands over a listener whose goroutine is to give up its write.
func (d *departures) abort(l *Listener) { d.push(departure{listener: l, abort: true}) }

// tell hands over what the observer of feeds is to know.
func (d *departures) tell(c FeedChange) { d.push(departure{change: &c}) }

// close waits until the queue has been worked off.
func (d *departures) close() {
	d.mu.Lock()
	d.done = true
	d.mu.Unlock()
	d.more.Signal()
	d.running.Wait()
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
	switch {
	case p.change != nil:
		d.feeds(*p.change)
		return
	case p.notice != nil:
		d.notices(*p.notice)
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
	l.Mount().part(l) // as long as it is counted in, so that nobody takes the count for final
	l.release()
	d.observe(l)
}
