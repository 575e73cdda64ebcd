package cluster

import (
	"errors"
	"maps"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// sender is what a node has announced.
type sender struct {
	last      relay.Report // of the last message; its Seq is 0 if that did not leave
	seq       uint64       // begins with the time, so that a restarted node goes on from before
	sent      time.Time    // the last sign of life
	refused   int          // listeners ever, at the last report
	changed   map[string]*Stream
	tooLong   bool      // logged
	sentWhole time.Time // mu of the node guards it
}

// unannounced notes that a stream of this node has changed. mu is held.
func (n *Node) unannounced(mount string) {
	if n.changed == nil {
		n.changed = make(map[string]*Stream)
	}
	n.changed[mount] = n.own[mount]
}

// announce sends what has changed, a sign of life if one is due, or all.
func (n *Node) announce(now time.Time) {
	n.mu.Lock()
	whole := !now.Before(n.whole)
	if n.last.Seq == 0 && !whole { // the last one failed
		if next := now.Add(wholeGap); next.Before(n.whole) {
			n.whole = next
		}
		n.mu.Unlock()
		return
	}
	changed := n.changed
	n.changed = nil
	if whole {
		n.whole, n.sentWhole = now.Add(wholeInterval), now
		changed = maps.Clone(n.own)
	}
	n.mu.Unlock()
	isDue := now.Sub(n.sent) >= announceInterval || whole
	if !isDue && len(changed) == 0 {
		return
	}
	full, before := n.last, n.last
	if isDue {
		full, n.sent = n.report(), now
	} else {
		full.Refused = 0 // those were told
	}
	n.seq++
	full.Seq, n.last = n.seq, full
	n.last.Seq = n.seq
	sent := full
	if !whole {
		sent = full.Since(before)
	}
	n.send(&Message{Report: sent, Streams: changed}, now)
}

// report returns the load of this node for the other nodes, each of which counts it.
func (n *Node) report() relay.Report {
	r := n.local.Report()
	r.ID, r.Region, r.CountedBy = n.local.Identity.ID, n.config.Region, n.local.Identity.ID
	r.Interval = int(announceInterval / time.Second)
	total := r.Refused
	r.Refused = max(0, total-n.refused)
	n.refused = total
	return r
}

// send sends a message. If that fails, the next one is whole.
func (n *Node) send(m *Message, now time.Time) {
	m.Key, m.At = n.local.Identity.public(), now.UnixMilli()
	m.Host, m.Internal, m.Proof = n.local.Host, n.config.Internal, relay.ProofKey(n.local.Identity.Secret)
	payload, err := m.encode(n.local.Identity)
	if err == nil {
		err = n.config.Engine.Publish(subjectState, payload)
	}
	if err == nil {
		n.tooLong = false
		return
	}
	n.last.Seq = 0
	if !errors.Is(err, ErrDisconnected) && !n.tooLong {
		n.tooLong = true
		n.local.Warn("the other nodes do not learn of this one", err)
	}
}

// leave tells the others that this node ends.
func (n *Node) leave() {
	n.seq++
	left := relay.Report{ID: n.local.Identity.ID, Interval: 1, Seq: n.seq, Leaving: true}
	n.send(&Message{Report: left, HandedOver: n.handedOver.Load()}, time.Now())
}
