package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// orderTime is how long an order waits for an engine that is away. Another node takes one that is
	// older by as much as the clocks may differ.
	orderTime = time.Minute

	// orderRepeats is how often an order is sent, after a second and each time after double the time, for nodes that
	// have yet to connect again.
	orderRepeats = 4

	maxOrder     = 64 << 10 // bytes
	maxOutbox    = 100
	maxSeen      = 10000
	maxOrderText = 300 // bytes
)

// subjectOrder is the subject of orders.
const subjectOrder = "order"

// Order is what an administrator wants done at other nodes.
type Order struct {
	envelope
	ID        string          `json:"id"`
	Node      string          `json:"node,omitempty"` // id of the one that is to do it; empty: all
	Host      string          `json:"host,omitempty"` // of the node at which it was given
	By        string          `json:"by,omitempty"`
	From      string          `json:"from,omitempty"` // address of who gave it
	Kind      string          `json:"kind"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

// orders are the orders of a node.
type orders struct {
	mu     sync.Mutex
	outbox []*outgoing
	seen   map[string]time.Time // ids
}

// outgoing is an order on its way to the other nodes.
type outgoing struct {
	payload []byte
	given   time.Time
	next    time.Time
	sent    int
}

// Give sends an order to other nodes. It sets what names this node.
func (n *Node) Give(o *Order) (Spread, error) {
	now := time.Now()
	o.ID, o.Key, o.At, o.Host = rand.Text(), n.local.Identity.public(), now.UnixMilli(), n.local.Host
	if err := o.check(); err != nil {
		return Spread{}, err
	}
	payload, err := n.local.Identity.seal(subjectOrder, o)
	if err != nil {
		return Spread{}, err
	}
	spread := n.spread()
	if o.Node != "" {
		spread.Nodes = 1
	}
	one := &outgoing{payload: payload, given: now, next: now}
	n.orders.mu.Lock()
	if len(n.orders.outbox) >= maxOutbox {
		n.orders.mu.Unlock()
		return Spread{}, errors.New("order: too many are on their way; expected fewer in a minute")
	}
	n.orders.outbox = append(n.orders.outbox, one)
	n.orders.mu.Unlock()
	n.sendOrders(now)
	n.orders.mu.Lock()
	spread.IsPending = one.sent == 0
	n.orders.mu.Unlock()
	n.shares.notify()
	return spread, nil
}

// sendOrders sends the orders that are due, and returns when the next one is.
func (n *Node) sendOrders(now time.Time) (next time.Time) {
	n.orders.mu.Lock()
	defer n.orders.mu.Unlock()
	next = now.Add(time.Hour)
	n.orders.outbox = slices.DeleteFunc(n.orders.outbox, func(o *outgoing) bool {
		if !now.Before(o.next) {
			if n.config.Engine.Publish(subjectOrder, o.payload) == nil {
				o.next = now.Add(time.Second << o.sent)
				o.sent++
			} else {
				o.next = now.Add(time.Second)
			}
		}
		if o.sent >= orderRepeats || now.Sub(o.given) >= orderTime {
			return true
		}
		if o.next.Before(next) {
			next = o.next
		}
		return false
	})
	return next
}

// receiveOrder does what another node has ordered, once.
func (n *Node) receiveOrder(payload []byte) {
	now := time.Now()
	var o Order
	err := open(payload, subjectOrder, maxOrder, now, n.knows, &o)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		if !errors.Is(err, errStranger) {
			n.reject(err, now)
		}
		return
	}
	if idOf(o.Key) == n.local.Identity.ID || o.Node != "" && o.Node != n.local.Identity.ID ||
		now.Sub(time.UnixMilli(o.At)) > orderTime+clockSkew || !n.orders.isFirst(o.ID, now) || n.local.Obey == nil {
		return
	}
	n.local.Obey(&o)
}

// isFirst reports whether an id is seen for the first time.
func (o *orders) isFirst(id string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, seen := o.seen[id]; seen {
		return false
	}
	if len(o.seen) >= maxSeen/2 {
		for other, at := range o.seen {
			if now.Sub(at) > 2*maxAge {
				delete(o.seen, other)
			}
		}
	}
	if len(o.seen) >= maxSeen {
		return false // rather none than one twice
	}
	if o.seen == nil {
		o.seen = make(map[string]time.Time)
	}
	o.seen[id] = now
	return true
}

// check returns an error for an order that no node gives.
func (o *Order) check() error {
	for _, text := range []string{o.ID, o.Node, o.Host, o.By, o.From, o.Kind} {
		if len(text) > maxOrderText {
			return errors.New("order: a text too long; expected one of a node")
		}
	}
	if o.ID == "" || o.Kind == "" || len(o.Arguments) > maxOrder/2 {
		return errors.New("order: out of range; expected one of a node")
	}
	return nil
}

// Find returns the ids of the nodes that are meant by an id or a host name.
func (n *Node) Find(name string) (ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, one := range n.directory.nodes {
		if id == name || one.last.Host == name {
			ids = append(ids, id)
		}
	}
	return ids
}

// OwnerOf returns the id of the other node that has the source of a mount; empty: there is none, or this node
// owns the mount.
func (n *Node) OwnerOf(mount string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	own := n.own[mount]
	if own != nil && !own.Local {
		own = nil
	}
	if id, _ := n.directory.Owner(mount, own); id != n.local.Identity.ID {
		return id
	}
	return ""
}

// Has reports whether another node has a stream of a mount.
func (n *Node) Has(mount string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.directory.mounts[mount]) > 0
}

// ID returns the id of this node.
func (n *Node) ID() string { return n.local.Identity.ID }
