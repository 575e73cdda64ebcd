package streaming

import "sync/atomic"

// counters are those of a mount. They count on until the last listener has left, which may
// be after the mount was dropped.
type counters struct {
	present     presence
	peak        atomic.Int64 // the most listeners at a time
	connections atomic.Int64
	slow        atomic.Int64
	sources     atomic.Uint64
	bytesRead   atomic.Uint64
	bytesSent   atomic.Uint64

	came [len(Transports)]atomic.Uint64
	left [len(reasonNames)]atomic.Uint64

	// Guarded by the station's mu.
	totals  *nameTotals // that count them; nil: none
	folded  Counts      // what those have taken over
	dropped bool        // the mount was
}

// countArrival counts a listener that was admitted.
func (c *counters) countArrival(client *Client) {
	c.connections.Add(1)
	c.came[client.transport()].Add(1)
}

// countEnd counts a listener that is about to leave.
func (c *counters) countEnd(l *Listener) {
	if l.Reason() == Slow {
		c.slow.Add(1)
	}
	if !l.Client.Slave {
		c.left[l.Reason()].Add(1)
	}
}

// Counts are what has happened on a mount. They only grow.
type Counts struct {
	Sources   uint64 // that have come, relays among them
	BytesRead uint64
	BytesSent uint64
	Came      [len(Transports)]uint64  // listeners, slaves not counted
	Left      [len(reasonNames)]uint64 // listeners, by Reason
}

func (c *counters) counts() (n Counts) {
	n.Sources, n.BytesRead, n.BytesSent = c.sources.Load(), c.bytesRead.Load(), c.bytesSent.Load()
	for i := range c.came {
		n.Came[i] = c.came[i].Load()
	}
	for i := range c.left {
		n.Left[i] = c.left[i].Load()
	}
	return n
}

// add adds what lies between two counts.
func (n *Counts) add(from, to Counts) {
	n.Sources += to.Sources - from.Sources
	n.BytesRead += to.BytesRead - from.BytesRead
	n.BytesSent += to.BytesSent - from.BytesSent
	for i := range n.Came {
		n.Came[i] += to.Came[i] - from.Came[i]
	}
	for i := range n.Left {
		n.Left[i] += to.Left[i] - from.Left[i]
	}
}
