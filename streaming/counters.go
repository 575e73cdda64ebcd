package streaming

import "sync/atomic"

// Transport is how a listener came.
type Transport struct {
	Protocol  string // empty: another one
	Encrypted bool
}

// Transports are all there are.
var Transports = [...]Transport{
	{"HTTP/1.0", false},
	{"HTTP/1.1", false},
	{"HTTP/2.0", false},
	{"", false},
	{"HTTP/1.0", true},
	{"HTTP/1.1", true},
	{"HTTP/2.0", true},
	{"HTTP/3.0", true},
	{"", true},
}

// transport returns the index in Transports.
func (c *Client) transport() (other int) {
	for i, w := range Transports {
		if w.Encrypted != c.Encrypted {
			continue
		}
		if w.Protocol == c.Protocol {
			return i
		}
		if w.Protocol == "" {
			other = i
		}
	}
	return other
}

// counters are those of a mount. They count on, until the last listener has left,
// when the mount is no more.
type counters struct {
	listeners   atomic.Int64 // but for slaves
	slaves      atomic.Int64
	peak        atomic.Int64
	connections atomic.Int64
	slow        atomic.Int64
	sources     atomic.Uint64
	bytesRead   atomic.Uint64
	bytesSent   atomic.Uint64

	present [len(Transports)]atomic.Int64 // listeners
	came    [len(Transports)]atomic.Uint64
	left    [len(reasonNames)]atomic.Uint64

	// Guarded by the station's mu.
	tally *tally // nil: none counts them
	past  Counts // what it has taken over
	gone  bool   // the mount is
}

// count counts a client in or out, and returns how many of its kind there are.
func (c *counters) count(who Client, n int64) int64 {
	if who.Slave {
		return c.slaves.Add(n)
	}
	c.present[who.transport()].Add(n)
	return c.listeners.Add(n)
}

// welcome counts a listener that was let in.
func (c *counters) welcome(who Client) {
	c.connections.Add(1)
	c.came[who.transport()].Add(1)
}

// part counts a listener that is about to be counted out.
func (c *counters) part(l *Listener) {
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
