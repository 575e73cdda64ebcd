package relay

import (
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// minPollGap is the least time between two requests to a master.
const minPollGap = 200 * time.Millisecond

// minStreamTime is the least time between two requests whose answers are followed, and end in
// order, as when the master gets another configuration.
const minStreamTime = time.Second

// watcher follows the list of one master.
//
// A caddycast answers a GET with its list as events, which go on with the changes, and takes
// reports as requests of their own: see follow. Any Icecast answers with its list as text. A
// caddycast of an earlier version announces there that it accepts reports (Accept-Post, of the
// Linked Data Platform), and each later request is a POST with one. The answer has the version
// of the list (ETag). It is delayed until the next change if the request prefers that (Prefer,
// RFC 7240).
type watcher struct {
	slave  *slave
	index  int // among those of the slave
	master atomic.Pointer[Upstream]
	client *masterClient
	record masterRecord
	polls  chan struct{} // cap 1: the next request is sent now

	mu      sync.Mutex
	list    []listed
	node    string // id of the master, if its answer has it
	settled bool   // the first request has ended

	// Owned by run.
	etag    string
	reports bool // the master accepts reports
	waits   bool // the master delays its answer until the list changes
	state   masterState

	// Owned by run, too; of a master that sends events.
	lastEvent string // id of the event after which the list is as it is; empty: none
	followed  bool   // the last answer was followed
	buffered  bool   // what is between here and there holds back events
	reporter  reporter

	reported atomic.Bool // the master has had a report of the reporter
	replaced atomic.Bool // another watcher follows the same master from now on
}

func newWatcher(s *slave, index int, master Upstream) *watcher {
	w := &watcher{slave: s, index: index, client: newMasterClient(master), polls: make(chan struct{}, 1)}
	w.master.Store(&master)
	w.record.status = MasterStatus{State: masterUnknown.String(), Since: time.Now()}
	w.reporter.w = w
	return w
}

// inherit takes over the list of another watcher of the same master.
func (w *watcher) inherit(o *watcher) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.list, w.node, w.settled = o.list, o.node, o.settled
}

func (w *watcher) isSettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settled
}

// settle notes that a request has ended. It reports whether that was the first one.
func (w *watcher) settle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.settled
	w.settled = true
	return first
}

// upstreams returns the master's list. An upstream has the master's credentials if they may
// be sent there.
func (w *watcher) upstreams() []listedUpstream {
	master := *w.master.Load()
	base, err := url.Parse(master.URL)
	if err != nil {
		return nil
	}
	w.mu.Lock()
	list, node := w.list, w.node
	w.mu.Unlock()
	all := make([]listedUpstream, 0, len(list))
	for _, l := range list {
		u := master
		if at, err := url.Parse(l.url); err != nil || !trusts(base, at) {
			u.User, u.Password = "", ""
		}
		u.URL, u.Node = l.url, node
		all = append(all, listedUpstream{l.mount, u, l.protections})
	}
	return all
}

// pollNow sends the next request without waiting, and ends one that the master delays.
func (w *watcher) pollNow() {
	select {
	case w.polls <- struct{}{}:
	default:
	}
}

// run polls the master until the slave is stopped.
func (w *watcher) run() {
	defer w.client.close()
	defer w.signOff()
	for failures := 0; w.slave.ctx.Err() == nil; {
		began := time.Now()
		w.followed = false
		err := w.poll()
		if w.followed {
			failures = 0
		}
		pause := w.slave.settings.Load().interval()
		switch {
		case errors.Is(err, errPollAgain):
			w.etag, pause = "", 0 // without an ETag the answer is not delayed
		case err != nil:
			w.etag, w.reports, w.waits = "", false, false
			failures++
			if w.settle() {
				w.slave.manager.listChanged(w.slave)
			}
			pause = min(pause, backoff(failures))
			w.changeState(err)
		default:
			failures = 0
			if w.waits {
				pause = 0
			}
			if w.followed {
				pause = max(0, minStreamTime-time.Since(began))
			}
			w.changeState(nil)
		}
		w.waitToPoll(began, pause)
	}
}

// signOff tells the master that this node ends, unless another watcher reports for it.
func (w *watcher) signOff() {
	if !w.replaced.Load() {
		w.reporter.signOff()
	}
}

// waitToPoll waits for the next request; the last one was sent at began.
func (w *watcher) waitToPoll(began time.Time, pause time.Duration) {
	gap := time.NewTimer(time.Until(began.Add(minPollGap)))
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-w.slave.ctx.Done():
		return
	}
	rest := time.NewTimer(pause)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-w.polls:
	case <-w.slave.ctx.Done():
	}
}

// changeState takes the result of a request, unless the slave was stopped meanwhile.
func (w *watcher) changeState(err error) {
	if w.slave.ctx.Err() != nil {
		return
	}
	next, event := w.state.next(w.master.Load().URL, err)
	w.record.setState(next, err)
	if w.state = next; event == nil {
		return
	}
	if next == masterAnswers {
		w.slave.manager.retryAllMirrored()
	}
	w.slave.manager.observe(*event)
}
