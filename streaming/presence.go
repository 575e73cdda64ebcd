package streaming

import "sync/atomic"

// Transport is how a listener is connected.
type Transport struct {
	Protocol  string // empty: any other
	Encrypted bool
}

// Transports are all of them, in the order of all arrays of counts by transport.
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
	{ProtocolHLS, false},
	{ProtocolHLS, true},
}

// ProtocolHLS is the protocol of listeners that load segments.
const ProtocolHLS = "hls"

// transport returns the client's index in Transports.
func (c *Client) transport() (other int) {
	for i, t := range Transports {
		if t.Encrypted != c.Encrypted {
			continue
		}
		if t.Protocol == c.Protocol {
			return i
		}
		if t.Protocol == "" {
			other = i
		}
	}
	return other
}

// presence counts the connections of listeners that are there now. A station and each
// mount have one; all numbers of listeners are sums of these. It changes while the
// station's mu is held, and may be read at any time.
type presence struct {
	byTransport [len(Transports)]atomic.Int64 // slaves not counted
	slaves      atomic.Int64
}

// add counts n more connections of a client's kind.
func (p *presence) add(c *Client, n int64) {
	if c.Slave {
		p.slaves.Add(n)
	} else {
		p.byTransport[c.transport()].Add(n)
	}
}

// listeners returns how many there are, slaves not counted.
func (p *presence) listeners() (n int64) {
	for i := range p.byTransport {
		n += p.byTransport[i].Load()
	}
	return n
}

// all returns how many there are, slaves among them.
func (p *presence) all() int64 { return p.listeners() + p.slaves.Load() }
