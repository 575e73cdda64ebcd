package cluster

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// digestInterval is how often the nodes compare what they share.
	digestInterval = 30 * time.Second

	// greetDelay is how long a node that has connected waits until the others know it.
	greetDelay = time.Second

	// shareGap is the shortest time between two times at which a node sends all; it doubles while that is of
	// no use, up to maxShareDoublings times.
	shareGap          = 2 * time.Second
	maxShareDoublings = 6

	maxShareChunk   = 256 << 10 // bytes of entries in a message
	maxShareMessage = 2 * maxShareChunk
)

// subjectShare is the subject of what the nodes share.
const subjectShare = "share"

// Shared is what all nodes of a cluster are to have: a set of entries that can be merged in any order, as
// a map whose last writer wins. Any goroutine may call its methods.
type Shared interface {
	// Digest returns a number that is the same for equal sets, of what is of interest at a time.
	Digest(at time.Time) uint64

	// Known returns all entries, as JSON, none longer than a quarter of a message.
	Known() []json.RawMessage

	// Merge takes entries of another node, which may be invalid.
	Merge(entries []json.RawMessage)
}

// share is a message about what the nodes share: some entries, and the digest of all that its node has. A node that
// has others then, after the last message of a row, sends all of its own.
type share struct {
	envelope
	Digest  uint64            `json:"digest"`
	Last    bool              `json:"last,omitempty"`
	Entries []json.RawMessage `json:"entries,omitempty"`
}

// sharer is the state of what a node shares.
type sharer struct {
	mu        sync.Mutex
	wake      chan struct{}
	due       time.Time // when all is to be sent; zero: not at all
	compared  time.Time // when a digest was last sent, or one like ours received
	sentAll   time.Time
	sent      uint64 // digest of that
	doublings int
}

func (s *sharer) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Share sends new entries of this node to the others. If the engine is away, they are sent when it is back.
func (n *Node) Share(entries []json.RawMessage) Spread {
	spread := n.spread()
	if !n.sendShare(entries) {
		spread.IsPending = true
		n.shares.mu.Lock()
		n.shares.due = time.Now()
		n.shares.mu.Unlock()
	}
	return spread
}

// Spread is to how many other nodes something goes.
type Spread struct {
	Nodes     int
	IsPending bool // when the engine is back
}

func (n *Node) spread() Spread {
	n.mu.Lock()
	defer n.mu.Unlock()
	return Spread{Nodes: len(n.directory.nodes)}
}

// sendShare sends entries, in as many messages as are needed. It reports whether they have left.
func (n *Node) sendShare(entries []json.RawMessage) bool {
	now := time.Now()
	digest := n.local.Shared.Digest(time.UnixMilli(now.UnixMilli()))
	for {
		size, count := 0, 0
		for count < len(entries) && size+len(entries[count]) <= maxShareChunk {
			size += len(entries[count])
			count++
		}
		m := share{envelope{n.local.Identity.public(), now.UnixMilli()}, digest, count == len(entries), entries[:count]}
		payload, err := n.local.Identity.seal(subjectShare, m)
		if err == nil {
			err = n.config.Engine.Publish(subjectShare, payload)
		}
		if err != nil {
			return false
		}
		if m.Last || count == 0 {
			return true
		}
		entries = entries[count:]
	}
}

// runShare compares what this node shares with the others, until the node is closed.
func (n *Node) runShare() {
	connected := false
	for {
		now, is := time.Now(), n.IsConnected()
		s := &n.shares
		s.mu.Lock()
		if is && !connected && n.local.Shared != nil {
			s.compared = now.Add(greetDelay - digestInterval)
			if !s.due.IsZero() {
				s.due = now.Add(greetDelay)
			}
		}
		connected = is
		all := is && !s.due.IsZero() && !now.Before(s.due)
		compare := is && !all && n.local.Shared != nil && now.Sub(s.compared) >= digestInterval
		if all || compare {
			s.compared = now
		}
		if all {
			s.due = time.Time{}
		}
		next := s.compared.Add(digestInterval)
		if !s.due.IsZero() && s.due.Before(next) {
			next = s.due
		}
		s.mu.Unlock()
		switch {
		case all:
			n.sendAll(now)
		case compare:
			n.sendShare(nil)
		}
		if !is || n.local.Shared == nil {
			next = now.Add(digestInterval)
		}
		if order := n.sendOrders(now); order.Before(next) {
			next = order
		}
		rest := time.NewTimer(time.Until(next))
		select {
		case <-rest.C:
		case <-s.wake:
		case <-n.done:
			rest.Stop()
			return
		}
		rest.Stop()
	}
}

// sendAll sends all entries of this node.
func (n *Node) sendAll(now time.Time) {
	sent := n.sendShare(n.local.Shared.Known())
	digest := n.local.Shared.Digest(now)
	s := &n.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !sent:
		s.due = now.Add(shareGap)
		return
	case digest == s.sent:
		s.doublings = min(s.doublings+1, maxShareDoublings)
	default:
		s.doublings = 0
	}
	s.sentAll, s.sent = now, digest
}

// receiveShare merges entries of another node. If this node has others, it sends all of its own, unless another
// node does so first.
func (n *Node) receiveShare(payload []byte) {
	now := time.Now()
	var m share
	if err := open(payload, subjectShare, maxShareMessage, now, n.knows, &m); err != nil {
		if !errors.Is(err, errStranger) {
			n.reject(err, now)
		}
		return
	}
	if n.local.Shared == nil || idOf(m.Key) == n.local.Identity.ID {
		return
	}
	n.local.Shared.Merge(m.Entries)
	if !m.Last {
		return
	}
	differs := n.local.Shared.Digest(time.UnixMilli(m.At)) != m.Digest
	s := &n.shares
	s.mu.Lock()
	defer s.mu.Unlock()
	if !differs {
		s.due, s.compared, s.doublings = time.Time{}, now, 0
		return
	}
	if s.due.IsZero() {
		s.due = now.Add(rand.N(answerSpread)) //nolint:gosec // so that not all answer at once
		if gap := s.sentAll.Add(shareGap << s.doublings); s.due.Before(gap) {
			s.due = gap
		}
		s.notify()
	}
}
