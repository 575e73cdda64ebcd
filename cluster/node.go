package cluster

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// announceInterval is the time between two signs of life of a node.
	announceInterval = time.Second

	// changeGap is the shortest time between two messages.
	changeGap = 100 * time.Millisecond

	// wholeInterval is how often a message is whole; wholeGap, the shortest time between two.
	wholeInterval = 30 * time.Second
	wholeGap      = time.Second

	// answerSpread is within which time all nodes answer one that asks all of them.
	answerSpread = 500 * time.Millisecond

	// askSpread is within which time nodes ask that have missed a message: the answer to the first one
	// is for all.
	askSpread = time.Second

	// maxSingle is for how many nodes one asks singly. With more of them, all nodes are asked.
	maxSingle = 3

	// settleTime is how long the mounts of the others are waited for.
	settleTime = wholeGap + answerSpread + 3*changeGap

	maxAsk   = 256 // bytes
	maxAsked = 256 // nodes within wholeGap
)

// The subjects of messages.
const (
	subjectState = "state" // a Message
	subjectAsk   = "ask"   // a question for whole messages
)

// DefaultFanout is how many nodes may pull a stream from one node.
const DefaultFanout = 50

// Config is what a node is configured with. It does not change.
type Config struct {
	Engine   Engine
	Region   string   // empty: none
	Fanout   int      // nodes that may pull a stream from this one; 0: DefaultFanout
	Internal []string // base URLs for other nodes, checked
	Priority int      // of the sources at this node, up to MaxPriority

	// Decode decodes payloads; nil: the function Decode does. Many nodes of one process may share
	// what was decoded for one of them: a message does not change.
	Decode func(payload []byte, now time.Time) (*Message, error)
}

// Local is the station of a node, as a node sees it. Its functions are called by several
// goroutines. They do not call the node, and take no lock that the caller of Close holds.
type Local struct {
	Host     string
	Identity *Identity
	Heir     string // id of the node of the process before this one, whose places this one has; empty: none

	Report   func() relay.Report                                        // the load now
	Streams  func() map[string]*Stream                                  // those that have changed since the last call; nil: ended
	Changed  func() <-chan struct{}                                     // closed when a stream may have changed
	Register func(by *relay.Credential, r relay.Report, a string) error // the load of another node
	List     func([]relay.Listing)                                      // the mounts of other nodes
	Settle   func()                                                     // nothing is known of other nodes for now, unless List was called
	Yield    func(mount string, since int64)                            // another node owns the mount: the source of that time ends
	Hold     func(bool)                                                 // what is known of other nodes stays as it is
	Warn     func(text string, err error)
	Limits   func(shared bool, cause error) // those of the cluster hold for this node alone, or no longer

	Shared Shared       // what all nodes have; nil: nothing
	Obey   func(*Order) // does what another node orders, once; nil: nothing is done
}

// Node is this node of a cluster. Any goroutine may call its methods.
type Node struct {
	config Config
	local  Local
	wake   chan struct{} // cap 1: something has changed
	done   chan struct{}
	ended  sync.WaitGroup
	cancel []func() // subscriptions

	handedOver atomic.Bool // another process has the listeners
	leases     *Leases

	mu        sync.Mutex
	directory *Directory
	own       map[string]*Stream // of this node
	pulls     map[string]int     // nodes that pull a mount from this one
	repulled  map[string]bool    // mounts whose pulls have changed since they were announced
	asked     map[string]time.Time
	missed    map[string]bool // nodes of which messages were missed; they are asked at askAt
	askAt     time.Time
	rejected  time.Time // when an invalid message was logged
	whole     time.Time // when the next whole message is due

	shares sharer
	orders orders

	sender // owned by run
	lister
}

// Start starts a node. It must be closed.
func Start(config Config, local Local) (*Node, error) {
	if config.Fanout == 0 {
		config.Fanout = DefaultFanout
	}
	if config.Decode == nil {
		config.Decode = Decode
	}
	n := &Node{
		config: config, local: local, wake: make(chan struct{}, 1), done: make(chan struct{}),
		directory: NewDirectory(local.Identity.ID, config.Region, config.Fanout),
		own:       make(map[string]*Stream),
		pulls:     make(map[string]int), repulled: make(map[string]bool), asked: make(map[string]time.Time), missed: make(map[string]bool),
		sender: sender{seq: uint64(time.Now().UnixMilli())},
		lister: lister{listings: make(map[string]relay.Listing)},
		shares: sharer{wake: make(chan struct{}, 1)},
	}
	n.leases = StartLeases(config.Engine, local.Identity.ID, local.Heir, local.Limits)
	for subject, receive := range map[string]func([]byte){
		subjectState: n.receive, subjectAsk: n.answer, subjectShare: n.receiveShare, subjectOrder: n.receiveOrder,
	} {
		cancel, err := config.Engine.Subscribe(subject, receive)
		if err != nil {
			n.unsubscribe()
			n.leases.Close()
			return nil, err
		}
		n.cancel = append(n.cancel, cancel)
	}
	n.cancel = append(n.cancel, config.Engine.OnConnection(n.notify), config.Engine.OnConnection(n.shares.notify))
	n.ended.Go(n.run)
	n.ended.Go(n.runShare)
	return n, nil
}

// Close announces that the node ends, and waits for its end.
func (n *Node) Close() {
	close(n.done)
	n.ended.Wait()
	n.unsubscribe()
	n.leases.Close()
}

// Leases returns the shares of limits of the whole cluster.
func (n *Node) Leases() *Leases { return n.leases }

// HandOver makes Close announce that another process has the listeners of this node.
func (n *Node) HandOver() { n.handedOver.Store(true) }

func (n *Node) unsubscribe() {
	for _, cancel := range n.cancel {
		cancel()
	}
}

// notify wakes run.
func (n *Node) notify() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// IsConnected reports whether what is known of other nodes is of now.
func (n *Node) IsConnected() bool { return n.config.Engine.IsConnected() }

// run announces this node, and applies what others have announced, until the node is closed.
func (n *Node) run() {
	began, connected := time.Now(), false
	var since time.Time // of the first connection
	n.local.Hold(true)
	for {
		changed := n.local.Changed()
		now := time.Now()
		if is := n.IsConnected(); is != connected {
			connected = is
			n.connectionChanged(connected, now)
			if since.IsZero() {
				since = now
			}
		}
		n.takeOwn()
		switch {
		case connected:
			n.announce(now)
			n.expire(now)
			n.askMissed(now)
		case now.Sub(n.sent) >= announceInterval: // it chooses among the nodes by its own load, too
			n.sent = now
			_ = n.local.Report()
		}
		n.list(!since.IsZero() && now.Sub(since) >= settleTime)
		if !n.isListed && now.Sub(began) >= settleTime {
			n.local.Settle()
		}
		if !n.wait(now, changed) {
			n.leave()
			return
		}
	}
}

// wait waits until something has changed, or for the next sign of life. It returns false if the
// node is closed.
func (n *Node) wait(since time.Time, changed <-chan struct{}) bool {
	gap := time.NewTimer(changeGap)
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-n.done:
		return false
	}
	n.mu.Lock()
	next := n.whole
	if len(n.missed) > 0 && n.askAt.Before(next) {
		next = n.askAt
	}
	n.mu.Unlock()
	if sign := since.Add(announceInterval); sign.Before(next) {
		next = sign
	}
	if soon := since.Add(2 * changeGap); !n.isListed && soon.Before(next) {
		next = soon
	}
	rest := time.NewTimer(time.Until(next))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-n.wake:
	case <-changed:
	case <-n.done:
		return false
	}
	return true
}

// connectionChanged begins anew with an engine that is connected again. What is known stays for
// a sign of life more, and all others are asked.
func (n *Node) connectionChanged(connected bool, now time.Time) {
	n.local.Hold(!connected)
	if !connected {
		return
	}
	n.mu.Lock()
	n.directory.Extend(now)
	n.whole = now
	n.mu.Unlock()
	n.ask("")
}

// takeOwn takes the changes of this node's streams.
func (n *Node) takeOwn() {
	changes := n.local.Streams()
	n.mu.Lock()
	defer n.mu.Unlock()
	for mount := range n.repulled {
		if _, known := changes[mount]; known {
			continue
		}
		if s := n.own[mount]; s != nil {
			changed := *s
			changes[mount] = &changed
		}
	}
	clear(n.repulled)
	for mount, s := range changes {
		if s == nil {
			delete(n.own, mount)
		} else {
			s.Pulls = n.pulls[mount]
			if s.Local {
				s.Priority = n.config.Priority
			}
			n.own[mount] = s
		}
		n.directory.changed[mount] = true
		n.unannounced(mount)
	}
}

// expire forgets the nodes that are silent.
func (n *Node) expire(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.directory.Expire(now)
	maps.DeleteFunc(n.asked, func(_ string, at time.Time) bool { return now.Sub(at) > wholeGap })
}
