package listenerwrapper

import (
	"sync"
	"time"
)

const (
	// lastRequests is how long the connections of a configuration that ends have for the rest of
	// their first request: its server closes a connection without an answer whose request it reads
	// after that.
	lastRequests = time.Second

	// beginning is from the moment in which the server has read a request to its next look at
	// whether it ends.
	beginning = 5 * time.Millisecond
)

// newcomers are the connections of a configuration without a request yet. The zero value has none.
type newcomers struct {
	mu   sync.Mutex
	all  map[*sniffer]struct{}
	none chan struct{} // closed when there are none; nil: nobody waits
}

func (n *newcomers) enter(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = make(map[*sniffer]struct{})
	}
	n.all[c] = struct{}{}
}

// leave takes out a connection that has sent a request, or has ended.
func (n *newcomers) leave(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, c)
	if len(n.all) == 0 && n.none != nil {
		close(n.none)
		n.none = nil
	}
}

// passOn passes those on that have sent nothing yet.
func (n *newcomers) passOn() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.all {
		c.passOn()
	}
}

// setPassed notes that a connection is passed on now. It waits for passOn, whose deadline would be one of
// the next server else.
func (n *newcomers) setPassed(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.stage.Store(passed)
}

// wait waits until there are no newcomers, for a limited time.
func (n *newcomers) wait(limit time.Duration) {
	n.mu.Lock()
	none := make(chan struct{})
	if len(n.all) == 0 {
		close(none)
	} else {
		n.none = none
	}
	n.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-none:
		time.Sleep(beginning)
	case <-timer.C:
	}
}

// begin lets the listeners accept, once the configuration is in force.
func (w *ListenerWrapper) begin() {
	for _, ln := range w.listeners {
		ln.Open()
	}
}

// retire hands the sockets over to the next configuration: nothing accepts for this one any more,
// connections that were accepted and have sent nothing are passed on, and the others send the rest
// of their first request. The servers stop after that.
func (w *ListenerWrapper) retire() {
	for _, ln := range w.listeners {
		_ = ln.Close()
	}
	w.newcomers.passOn()
	w.newcomers.wait(lastRequests)
}
