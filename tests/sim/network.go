package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming/relay"
)

// maxPayload is the longest message that a NATS server takes by default.
const maxPayload = 1 << 20

// keptReports is how many whole reports of a node are kept for receivers; a power of two.
const keptReports = 8

// network carries the messages of all nodes, with a delay, as one NATS cluster does.
type network struct {
	links [][]*link // by region

	messages, bytes, asks atomic.Int64 // published
	received, takenBytes  atomic.Int64 // by all nodes together
	decoding, decodings   atomic.Int64 // nanoseconds of a processor, and messages
	taking                atomic.Int64 // nanoseconds of a processor

	decoded sync.Map // the decodedMessage of each payload that is under way, by its first byte

	mu     sync.RWMutex
	wholes map[string]*[keptReports]relay.Report // the last ones by nodes and numbers
}

type decodedMessage struct {
	*cluster.Message
	err error
}

// link is the engine of one node.
type link struct {
	network *network
	region  int
	side    atomic.Int32 // of a partition
	isUp    atomic.Bool

	mu          sync.Mutex
	subscribers map[string]func([]byte)
	watcher     func()

	receiving sync.Mutex // one message at a time
}

func (n *network) link(region int) *link {
	l := &link{network: n, region: region, subscribers: make(map[string]func([]byte))}
	l.isUp.Store(true)
	n.links[region] = append(n.links[region], l)
	return l
}

// delay returns how long a message is under way between two regions.
func delay(from, to int) time.Duration {
	if from == to {
		return 5 * time.Millisecond
	}
	return 20*time.Millisecond + 15*time.Millisecond*time.Duration((from-to)*(from-to)%6)
}

// Publish implements cluster.Engine.
func (l *link) Publish(subject string, payload []byte) error {
	n := l.network
	switch {
	case !l.isUp.Load():
		return cluster.ErrDisconnected
	case len(payload) > maxPayload:
		return cluster.ErrTooLong
	}
	payload = append([]byte(nil), payload...)
	n.messages.Add(1)
	n.bytes.Add(int64(len(payload)))
	switch subject {
	case "state":
		n.decode(payload)
	case "ask":
		n.asks.Add(1)
	}
	side := l.side.Load()
	for region, links := range n.links {
		time.AfterFunc(delay(l.region, region), func() {
			defer since(threadTime())(&n.taking)
			for _, to := range links {
				if to.isUp.Load() && to.side.Load() == side {
					to.deliver(subject, payload)
				}
			}
		})
	}
	time.AfterFunc(time.Second, func() { n.decoded.Delete(&payload[0]) })
	return nil
}

func (l *link) deliver(subject string, payload []byte) {
	l.mu.Lock()
	receive := l.subscribers[subject]
	l.mu.Unlock()
	if receive == nil {
		return
	}
	l.network.received.Add(1)
	l.network.takenBytes.Add(int64(len(payload)))
	l.receiving.Lock()
	defer l.receiving.Unlock()
	receive(payload)
}

// decode decodes a message once for all nodes: each of them would verify the same signature. What
// that costs is measured, and counted for each node.
func (n *network) decode(payload []byte) {
	start := threadTime()
	m, err := cluster.Decode(payload, time.Now())
	since(start)(&n.decoding)
	n.decodings.Add(1)
	n.decoded.Store(&payload[0], decodedMessage{m, err})
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := n.wholes[m.Report.ID]
	if kept == nil {
		kept = new([keptReports]relay.Report)
		n.wholes[m.Report.ID] = kept
	}
	if whole, err := m.Report.Apply(kept[(m.Report.Seq-1)%keptReports]); err == nil {
		kept[m.Report.Seq%keptReports] = whole
	}
}

// Decode returns what was decoded of a payload.
func (n *network) Decode(payload []byte, _ time.Time) (*cluster.Message, error) {
	m, _ := n.decoded.Load(&payload[0])
	return m.(decodedMessage).Message, m.(decodedMessage).err
}

// whole returns the whole report that a partial one of a node makes of the one before, so that all
// receivers share its maps.
func (n *network) whole(partial *relay.Report) (relay.Report, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	kept := n.wholes[partial.ID]
	if kept == nil || kept[partial.Seq%keptReports].Seq != partial.Seq {
		return relay.Report{}, false
	}
	whole := kept[partial.Seq%keptReports]
	whole.CountedBy, whole.Edges = partial.CountedBy, partial.Edges
	return whole, true
}

// Subscribe implements cluster.Engine.
func (l *link) Subscribe(subject string, receive func([]byte)) (cancel func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscribers[subject] = receive
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subscribers, subject)
	}, nil
}

// IsConnected implements cluster.Engine.
func (l *link) IsConnected() bool { return l.isUp.Load() }

// OnConnection implements cluster.Engine.
func (l *link) OnConnection(changed func()) (cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watcher = changed
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.watcher = nil
	}
}

// connect connects the node to the engine, or cuts it off.
func (l *link) connect(up bool) {
	l.isUp.Store(up)
	l.mu.Lock()
	changed := l.watcher
	l.mu.Unlock()
	if changed != nil {
		changed()
	}
}

// since returns a function that adds the processor time since a start to a sum. The caller has its thread for
// itself in between.
func since(start time.Duration) func(*atomic.Int64) {
	return func(sum *atomic.Int64) { sum.Add(int64(releaseThread() - start)) }
}

// Get implements cluster.Engine: limits of the whole cluster are not simulated, so there are no keys.
func (l *link) Get(context.Context, string) ([]byte, uint64, error) { return nil, 0, cluster.ErrNoKeys }

// CompareAndSet implements cluster.Engine.
func (l *link) CompareAndSet(context.Context, string, []byte, uint64) (uint64, error) {
	return 0, cluster.ErrNoKeys
}
