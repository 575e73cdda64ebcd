package cluster

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// receive takes a message of another node.
func (n *Node) receive(payload []byte) {
	now := time.Now()
	m, err := n.config.Decode(payload, now)
	if err != nil {
		n.reject(err, now)
		return
	}
	id := m.Report.ID
	if id == n.local.Identity.ID {
		n.leases.Seen(id, false)
		return
	}
	n.mu.Lock()
	taken := n.directory.Take(m, now)
	if taken == Applied {
		delete(n.missed, id)
	}
	n.mu.Unlock()
	if taken == Ignored {
		return
	}
	n.notify()
	n.leases.Seen(id, m.Report.Leaving && !m.HandedOver)
	r := m.Report
	r.CountedBy, r.Edges = id, slices.Clone(r.Edges)
	err = n.local.Register(relay.PeerCredential(m.Proof), r, baseOf(m.Internal))
	if taken == OutOfOrder || errors.Is(err, relay.ErrSequence) {
		n.ask(id)
	} else if err != nil {
		n.reject(err, now)
	}
}

// rejectInterval is the shortest time between two lines of the log about invalid messages.
const rejectInterval = time.Minute

func (n *Node) reject(err error, now time.Time) {
	n.mu.Lock()
	log := n.rejected.IsZero() || now.Sub(n.rejected) >= rejectInterval
	if log {
		n.rejected = now
	}
	n.mu.Unlock()
	if log {
		n.local.Warn("message of a node not taken", err)
	}
}

// question asks a node for a whole message; an empty Of asks all nodes.
type question struct {
	Of string `json:"of,omitempty"`
}

// ask asks all nodes for whole messages, or notes that one of them is to be asked soon. A node is
// asked at most once in wholeGap.
func (n *Node) ask(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id == "" {
		n.publishAsk("", time.Now())
		return
	}
	if len(n.missed) == 0 {
		n.askAt = time.Now().Add(rand.N(askSpread)) //nolint:gosec // so that few ask before the first answer
	}
	if len(n.missed) < maxAsked {
		n.missed[id] = true
	}
}

// askMissed asks the nodes of which messages were missed, if it is time. If they are many, it asks all.
func (n *Node) askMissed(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.missed) == 0 || now.Before(n.askAt) {
		return
	}
	if len(n.missed) > maxSingle {
		n.publishAsk("", now)
	} else {
		for id := range n.missed {
			n.publishAsk(id, now)
		}
	}
	clear(n.missed)
}

// publishAsk sends a question. mu is held.
func (n *Node) publishAsk(id string, now time.Time) {
	if now.Sub(n.asked[id]) < wholeGap || now.Sub(n.asked[""]) < wholeGap || len(n.asked) >= maxAsked {
		return
	}
	n.asked[id] = now
	payload, _ := json.Marshal(question{id})         // it never fails
	_ = n.config.Engine.Publish(subjectAsk, payload) // else the next message asks again
}

// answer sets when the next whole message is due.
func (n *Node) answer(payload []byte) {
	var q question
	if len(payload) > maxAsk || json.Unmarshal(payload, &q) != nil {
		return
	}
	n.mu.Lock()
	delete(n.missed, q.Of)
	if q.Of == "" {
		clear(n.missed)
	}
	n.mu.Unlock()
	if q.Of != "" && q.Of != n.local.Identity.ID {
		return
	}
	due := time.Now()
	if q.Of == "" {
		due = due.Add(rand.N(answerSpread)) //nolint:gosec // so that not all answer at once
	}
	n.mu.Lock()
	if earliest := n.sentWhole.Add(wholeGap); due.Before(earliest) {
		due = earliest
	}
	if due.Before(n.whole) {
		n.whole = due
	}
	n.mu.Unlock()
	n.notify()
}
