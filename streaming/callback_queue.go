package streaming

import "sync"

// callbackQueue takes from the shards what may be slow: closing the connections of
// listeners that have ended, calling the observers, and aborting a goroutine that
// is stuck in a write. One goroutine works it off, in order; it begins when there
// is something to do.
type callbackQueue struct {
	observe func(*Listener)
	feeds   func(FeedChange)
	notices func(Notice) // nil: notices are not observed

	running sync.WaitGroup

	mu      sync.Mutex
	more    sync.Cond
	muted   bool // observers are not told of notices and changes
	queue   []callback
	started bool
	done    bool
}

// callback is one thing to do: for a listener that has ended or is to be aborted, or for
// an observer.
type callback struct {
	listener *Listener
	abort    bool
	change   *FeedChange
	notice   *Notice
}

func newCallbackQueue(observe func(*Listener), feeds func(FeedChange)) *callbackQueue {
	q := &callbackQueue{observe: observe, feeds: feeds}
	q.more.L = &q.mu
	return q
}

// push hands something over. After close it is dropped: the station's own goroutines have
// ended by then.
func (q *callbackQueue) push(all ...callback) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done || q.muted && (all[0].notice != nil || all[0].change != nil) {
		return
	}
	q.queue = append(q.queue, all...)
	if !q.started {
		q.started = true
		q.running.Go(q.run)
	}
	q.more.Signal()
}

// mute sets whether notices and changes are dropped: another process tells of them.
func (q *callbackQueue) mute(muted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.muted = muted
}

// ended hands over listeners that have ended and that no shard has any more.
func (q *callbackQueue) ended(listeners []*Listener) {
	all := make([]callback, len(listeners))
	for i, l := range listeners {
		all[i].listener = l
	}
	q.push(all...)
}

// abort hands over a listener whose goroutine is to give up its write.
func (q *callbackQueue) abort(l *Listener) { q.push(callback{listener: l, abort: true}) }

// feedChanged hands over a change for the observer of feeds.
func (q *callbackQueue) feedChanged(c FeedChange) { q.push(callback{change: &c}) }

// close waits until the queue has been worked off.
func (q *callbackQueue) close() {
	q.mu.Lock()
	q.done = true
	q.mu.Unlock()
	q.more.Signal()
	q.running.Wait()
}

func (q *callbackQueue) run() {
	for {
		q.mu.Lock()
		for len(q.queue) == 0 && !q.done {
			q.more.Wait()
		}
		all := q.queue
		q.queue = nil
		q.mu.Unlock()
		if len(all) == 0 {
			return
		}
		for _, c := range all {
			q.handle(c)
		}
	}
}

func (q *callbackQueue) handle(c callback) {
	switch {
	case c.change != nil:
		q.feeds(*c.change)
		return
	case c.notice != nil:
		q.notices(*c.notice)
		return
	}
	l := c.listener
	if c.abort {
		l.conn.Abort()
		return
	}
	if l.conn == nil && l.session == nil {
		l.socket.close()
	}
	l.Mount().countEnd(l) // while it is still counted as present: at zero the counts are final
	l.release()
	q.observe(l)
}
