package listenerwrapper

import (
	"net/http"
	"sync"
	"time"
)

// lastRequests is how long the connections of a configuration that ends have for the rest of their
// handshake and of their first request: its server closes a connection without an answer whose
// request it reads after that.
const lastRequests = time.Second

// newcomers are the connections of a configuration whose first request is not answered yet. The zero
// value has none.
type newcomers struct {
	mu      sync.Mutex
	all     map[*sniffer]struct{}
	retired bool          // further connections are passed on at once
	none    chan struct{} // closed when there are none; nil: nobody waits
}

func (n *newcomers) enter(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = make(map[*sniffer]struct{})
	}
	n.all[c] = struct{}{}
	if n.retired { // it was accepted in that moment
		c.passOn()
	}
}

// leave takes out a connection whose request is answered, or that has ended.
func (n *newcomers) leave(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, c)
	if len(n.all) == 0 && n.none != nil {
		close(n.none)
		n.none = nil
	}
}

// passOn passes those on that nobody has answered yet.
func (n *newcomers) passOn() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.retired = true
	for c := range n.all {
		c.passOn()
	}
}

// keep keeps a connection that was to leave. It waits for passOn, whose deadline it takes back.
func (n *newcomers) keep(c *sniffer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.stage.CompareAndSwap(leaving, kept) {
		_ = c.Conn.SetReadDeadline(c.deadline)
	}
}

// setPassed notes that a connection is passed on now, or reports false if its server keeps it. It waits for
// passOn, whose deadline would be one of the next server else.
func (n *newcomers) setPassed(c *sniffer) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.stage.CompareAndSwap(leaving, passed)
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
// connections that were accepted and not answered are passed on, and the others send the rest
// of their first request. The servers stop after that.
func (w *ListenerWrapper) retire() {
	for _, ln := range w.listeners {
		_ = ln.Close()
	}
	w.newcomers.passOn()
	w.newcomers.wait(lastRequests)
}

// settle counts the connection as no newcomer any more.
func (c *sniffer) settle() {
	if c.isNew.Swap(false) {
		c.host.newcomers.leave(c)
	}
}

// settleIfBegun settles a connection whose server goes on after its first request. Between the request
// and what the server does next, it looks once whether it ends; then it would not answer.
func (c *sniffer) settleIfBegun() {
	if c.isNew.Load() && c.begun.Load() {
		c.settle()
	}
}

// connState follows what the server does with a connection.
func (c *sniffer) connState(state http.ConnState) {
	switch state {
	case http.StateNew:
	case http.StateActive: // a request is whole, or the connection has ended within it
		c.keep()
		c.begun.Store(true)
	default:
		c.settle()
	}
}
