package relay

import (
	"context"
	"sync"
	"time"
)

const (
	// endsPause is the time between two reports of ends to a master.
	endsPause = time.Second

	// maxEnds bounds the ends that wait for a master. A master ends the rest by itself when
	// this node leaves.
	maxEnds = 100000

	// maxEndsAtOnce bounds the ends of one report.
	maxEndsAtOnce = 1000
)

// endQueue has the ends of listeners that are not yet reported, by the URL of the master that
// admitted them. A goroutine runs while there are any.
type endQueue struct {
	mu      sync.Mutex
	waiting map[string][]End
	runs    bool
	closed  bool // no goroutine is started any more
}

// ListenerEnded reports the end of a listener to the master that admitted it. It does not
// block. A report that fails is repeated as long as the node has that master.
func (m *Manager) ListenerEnded(master string, e End) {
	q := &m.ends
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == nil {
		q.waiting = make(map[string][]End)
	}
	if len(q.waiting[master]) < maxEnds {
		q.waiting[master] = append(q.waiting[master], e)
	}
	if q.runs || q.closed {
		return
	}
	q.runs = true
	m.running.Go(m.reportEnds)
}

// reportEnds reports ends until none is left, or the manager is closed.
func (m *Manager) reportEnds() {
	for m.ends.any() {
		m.reportEndsOnce()
		select {
		case <-time.After(endsPause):
		case <-m.done:
			m.reportEndsOnce() // the last try
			return
		}
	}
}

// any reports whether there are ends. If not, the goroutine ends.
func (q *endQueue) any() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runs = len(q.waiting) > 0
	return q.runs
}

// take returns the ends for one master, and drops those for masters that the node has no
// longer.
func (q *endQueue) take(master string) []End {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting[master]
	return all[:min(len(all), maxEndsAtOnce):min(len(all), maxEndsAtOnce)]
}

// taken removes the first ends of a master, which have been reported.
func (q *endQueue) taken(master string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting[master] = q.waiting[master][n:]; len(q.waiting[master]) == 0 {
		delete(q.waiting, master)
	}
}

// keep drops the ends for other masters than these.
func (q *endQueue) keep(clients []*masterClient) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for master := range q.waiting {
		if !hasMaster(clients, master) {
			delete(q.waiting, master)
		}
	}
}

func hasMaster(clients []*masterClient, url string) bool {
	for _, c := range clients {
		if c.master.URL == url {
			return true
		}
	}
	return false
}

// reportEndsOnce sends each master one report of ends.
func (m *Manager) reportEndsOnce() {
	clients := m.masterClients()
	m.ends.keep(clients)
	for _, c := range clients {
		ends := m.ends.take(c.master.URL)
		if len(ends) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), endsPause)
		if err := c.post(ctx, m.agent, EndedPath, EndReport{m.ID, ends}, nil); err == nil {
			m.ends.taken(c.master.URL, len(ends))
		}
		cancel()
	}
}

// masterClients returns the clients of all masters.
func (m *Manager) masterClients() (all []*masterClient) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave == nil {
		return nil
	}
	for _, w := range m.slave.watchers {
		all = append(all, w.client)
	}
	return all
}

func (q *endQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
