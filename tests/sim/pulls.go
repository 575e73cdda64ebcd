package main

import (
	"slices"
	"time"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// dialTime is how long a node takes to connect to another one, and to be refused or to get a stream.
	dialTime = 100 * time.Millisecond

	// deadTime is how long it waits for a node that does not answer, before it dials the next one, too.
	deadTime = time.Second

	// linger is how long listeners stay without a stream, as the mounts of the guide's example do.
	linger = 10 * time.Second

	// idleTime is how many seconds a stream without listeners stays.
	idleTime = 5

	maxBackoff = 30 * time.Second
)

// pull is the attempt of a node to get a stream. The real relays are not simulated, which dial in this order
// and with these pauses.
type pull struct {
	since   int      // ticks
	tried   []string // nodes, of the last attempt
	failed  int      // attempts
	dialing bool
	waiting []join
}

// pulled is what has become of pulls.
type pulled struct {
	streams, full, cut int
	longest            int // ticks from demand, or from a break, to the stream
	depth              int // nodes between a listener and a source, at most
}

// hasDemand reports whether a node needs the stream of a mount.
func (n *node) hasDemand(m int) bool {
	return n.by[m] > 0 || n.pulls[m] > 0 || n.pulling[m] != nil && len(n.pulling[m].waiting) > 0
}

// demand begins to pull a mount.
func (n *node) demand(m int) *pull {
	p := n.pulling[m]
	if p == nil {
		p = &pull{since: n.world.now}
		n.pulling[m] = p
		n.dial(m, p)
	}
	return p
}

// dial dials the upstreams of a mount, one after another.
func (n *node) dial(m int, p *pull) {
	upstreams := n.upstreams(n.world.mounts[m])
	p.tried = nil
	for i := range upstreams {
		p.tried = append(p.tried, upstreams[i].Node)
	}
	p.dialing = true
	n.dialNext(m, p, upstreams)
}

func (n *node) dialNext(m int, p *pull, upstreams []relay.Upstream) {
	if len(upstreams) == 0 {
		p.dialing = false
		p.failed++
		n.world.after(min(time.Second<<min(p.failed-1, 5), maxBackoff), func() { n.dialAgain(m, p) })
		return
	}
	from := n.world.byID[upstreams[0].Node]
	wait := dialTime
	if !from.isReachable || from.id != upstreams[0].Node {
		wait = deadTime
	}
	n.world.after(wait, func() {
		if n.pulling[m] != p {
			return
		}
		if !n.isReachable || !n.connect(m, from, &upstreams[0]) {
			n.dialNext(m, p, upstreams[1:])
		}
	})
}

func (n *node) dialAgain(m int, p *pull) {
	if n.pulling[m] == p && !p.dialing {
		n.dial(m, p)
	}
}

// retryPulls dials again where the upstreams are others now.
func (n *node) retryPulls() {
	for m, p := range n.pulling {
		upstreams := n.upstreams(n.world.mounts[m])
		if !p.dialing && !slices.EqualFunc(upstreams, p.tried, func(u relay.Upstream, id string) bool { return u.Node == id }) {
			n.dial(m, p)
		}
	}
}

// connect pulls a mount from another node, if that has it and lets this one.
func (n *node) connect(m int, from *node, u *relay.Upstream) bool {
	w := n.world
	if !from.isReachable || from.id != u.Node || from.streams[m] == nil || from.peer.CheckToken(u.Authorize(), w.mounts[m]) != n.id {
		return false
	}
	depth := 1
	for up := from; up != nil; depth++ { // the relays find circles by the ids on the way
		if up == n {
			return false
		}
		if up.streams[m] == nil {
			break
		}
		up = up.streams[m].from
	}
	end, ok := from.peer.Pull(w.mounts[m])
	if !ok {
		w.pulled.full++
		return false
	}
	from.pulls[m]++
	n.set(m, &stream{Stream: cluster.Stream{Type: "audio/mpeg", Hops: from.streams[m].Hops + 1}, from: from, end: end})
	w.pulled.streams++
	w.pulled.depth = max(w.pulled.depth, depth)
	n.arrived(m)
	return true
}

// arrived lets the listeners in who have waited for a stream.
func (n *node) arrived(m int) {
	p := n.pulling[m]
	delete(n.pulling, m)
	if p == nil {
		return
	}
	n.world.pulled.longest = max(n.world.pulled.longest, n.world.now-p.since)
	for i := range p.waiting {
		n.world.steer(p.waiting[i], n)
	}
}

// endPull ends the pull of a stream, of which others may be pulled still.
func (n *node) endPull(m int) {
	if s := n.streams[m]; s != nil && s.from != nil {
		if s.from.isRunning {
			s.end()
		}
		s.from.pulls[m]--
	}
}

// lose notes that the stream of a mount has ended, and looks for another one.
func (n *node) lose(m int) {
	n.endPull(m)
	n.set(m, nil)
	if n.hasDemand(m) {
		n.demand(m)
	}
}

// breakOff ends all pulls between nodes for which a function says so.
func (w *world) breakOff(is func(from, to *node) bool) {
	for _, n := range w.nodes {
		if !n.isRunning {
			continue
		}
		for m, s := range n.streams {
			if s != nil && s.from != nil && is(s.from, n) {
				n.lose(m)
			}
		}
	}
}

// yieldTo ends the source of a mount that another node owns.
func (n *node) yieldTo(m int) {
	if s := n.streams[m]; s != nil && s.Local {
		n.lose(m)
	}
}

// connectSource connects the encoder of a mount to a node that takes it.
func (w *world) connectSource(m int) {
	n := w.pick(func(n *node) bool { return n.takesSource && n.isReachable && !n.draining })
	again := func() { w.connectSource(m) }
	if n == nil {
		w.after(time.Second, again)
		return
	}
	claim := n.peer.Claim(w.mounts[m], "encoder", true)
	if claim.Owner != "" {
		w.after(time.Second, again)
		return
	}
	n.endPull(m)
	n.set(m, &stream{Stream: cluster.Stream{
		Type: "audio/mpeg", Local: true, User: "encoder", Since: time.Now().UnixMilli(), Takeovers: claim.Takeovers,
	}})
	n.arrived(m)
}

// checkStreams ends streams that nobody needs, and listeners who have waited for too long.
func (n *node) checkStreams() {
	for m, s := range n.streams {
		switch {
		case s == nil || s.Local:
		case n.hasDemand(m):
			s.idle = 0
		default:
			if s.idle++; s.idle >= idleTime {
				n.lose(m)
			}
		}
	}
	w := n.world
	for m, p := range n.pulling {
		if w.now-p.since < int(linger/tick) {
			continue
		}
		delete(n.pulling, m)
		w.pulled.cut += n.by[m]
		for range n.by[m] {
			w.comeBack(join{mount: uint16(m), region: uint8(w.random.IntN(w.Regions))})
		}
		n.count(m, -n.by[m])
		for _, j := range p.waiting {
			w.refuse(j)
		}
	}
}
