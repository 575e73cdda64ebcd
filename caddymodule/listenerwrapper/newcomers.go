package listenerwrapper

import (
	"sync"
	"time"
)

const (
	// lastRequests is how long the connections of a configuration that ends have for their first
	// request: its server closes a connection without an answer whose request it reads after that.
	lastRequests = time.Second

	// beginning is from the moment in which the server has read a request to its next look at
	// whether it ends.
	beginning = 5 * time.Millisecond
)

// newcomers are the connections of a configuration without a request yet. The zero value has none.
type newcomers struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when there are none; nil: nobody waits
}

// enter counts a connection.
func (n *newcomers) enter() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.n++
}

// leave counts a connection that has sent a request, or has ended.
func (n *newcomers) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.n--; n.n == 0 && n.none != nil {
		close(n.none)
		n.none = nil
	}
}

// wait waits until there are no newcomers, for a limited time.
func (n *newcomers) wait(limit time.Duration) {
	n.mu.Lock()
	none := make(chan struct{})
	if n.n == 0 {
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
// and the connections that were accepted send their first request. The servers stop after that.
func (w *ListenerWrapper) retire() {
	for _, ln := range w.listeners {
		_ = ln.Close()
	}
	w.newcomers.wait(lastRequests)
}
