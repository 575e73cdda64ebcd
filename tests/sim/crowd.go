package main

import (
	"math"
	"slices"
	"time"

	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// hopTime is how long a listener takes to another node, at most.
	hopTime = 150 * time.Millisecond

	// retryTime is after how long one comes again that was refused: the Retry-After of a node.
	retryTime = 5 * time.Second

	// reconnectTime is how long a player takes to connect again, at most.
	reconnectTime = 3 * time.Second

	// room is the part of all places that are free while there is room. With fewer, who is looking for
	// one of the last places may be refused.
	room = 0.01
)

// redirect is the setting of all nodes.
const redirect = state.RedirectBalance

// join is a listener on the way to a place.
type join struct {
	mount  uint16
	region uint8
	hops   uint8
	since  int32 // ticks
	at     int32 // node
}

// crowd are the listeners. Those who have a place are numbers at their nodes.
type crowd struct {
	popularity []float64 // of mounts, summed up
	population int       // listeners that there are to be
	wanting    int       // without a place
	flood      float64   // more of them each second, up to the population
	partial    float64   // of a listener
	moving     map[int][]join

	joined, redirects    int
	refused, refusedRoom int
	dead                 int // sent to a node that did not answer
	over                 int // listeners sent to one node in a second though there was no place, at most
	longest              int // ticks without a place, at most
	cpu                  time.Duration
}

func newCrowd(o options) *crowd {
	c := &crowd{moving: make(map[int][]join)}
	sum := 0.0
	for m := range o.Mounts {
		sum += 1 / math.Pow(float64(m+1), o.Skew)
		c.popularity = append(c.popularity, sum)
	}
	return c
}

func (w *world) newJoin() join {
	m, _ := slices.BinarySearch(w.popularity, w.random.Float64()*w.popularity[len(w.popularity)-1])
	return join{mount: uint16(min(m, w.Mounts-1)), region: uint8(w.random.IntN(w.Regions))}
}

// listeners returns how many have a place.
func (w *world) served() (n int) {
	for _, node := range w.nodes {
		if node.isReachable {
			n += node.listeners
		}
	}
	return n
}

// comeBack lets a listener without a place connect again, within some seconds.
func (w *world) comeBack(j join) {
	w.wanting++
	j.since = int32(w.now)
	w.connectAnywhere(j, time.Duration(w.random.Int64N(int64(reconnectTime))))
}

// connectAnywhere sends a listener to a node at random, as a name with all addresses does.
func (w *world) connectAnywhere(j join, wait time.Duration) {
	j.hops = 0
	w.send(j, w.random.IntN(len(w.nodes)), wait)
}

func (w *world) send(j join, to int, wait time.Duration) {
	j.at = int32(to)
	at := w.now + 1 + int(wait/tick)
	w.moving[at] = append(w.moving[at], j)
}

// stepCrowd lets new listeners come, some leave, and moves those that are under way.
func (w *world) stepCrowd() {
	start := threadTime()
	for _, j := range w.moving[w.now] {
		w.arrive(j, w.nodes[j.at])
	}
	w.cpu += releaseThread() - start
	delete(w.moving, w.now)
	leaving := float64(w.served()) * tick.Seconds() / w.Stay.Seconds()
	if leaving > w.random.Float64() {
		for range max(1, int(leaving)) {
			w.leave()
		}
	}
	missing := w.population - w.wanting - w.served()
	w.partial = min(w.partial+w.flood*tick.Seconds(), float64(missing))
	for ; w.partial >= 1; w.partial-- {
		j := w.newJoin()
		j.since = int32(w.now)
		w.wanting++
		w.connectAnywhere(j, time.Duration(w.random.Int64N(int64(hopTime))))
	}
}

// leave lets one listener leave.
func (w *world) leave() {
	for range 100 {
		n, j := w.nodes[w.random.IntN(len(w.nodes))], w.newJoin()
		if n.isReachable && w.random.IntN(n.places) < n.listeners && n.by[j.mount] > 0 {
			n.count(int(j.mount), -1)
			return
		}
	}
}

// arrive is what a node does with a listener, in the order of the handler: it waits for the stream, and steers.
func (w *world) arrive(j join, n *node) {
	m := int(j.mount)
	switch {
	case !n.isReachable:
		if j.hops > 0 {
			w.dead++
		}
		w.connectAnywhere(j, time.Second)
	case n.isDraining():
		if j.hops >= state.MaxHops || !w.redirect(j, n) {
			w.refuse(j)
		}
	case n.streams[m] == nil:
		p := n.demand(m)
		p.waiting = append(p.waiting, j)
	default:
		w.steer(j, n)
	}
}

// steer redirects a listener, or gives it a place here, by the real rules.
func (w *world) steer(j join, n *node) {
	if redirect.Sends(n.isFull(), int(j.hops)) && w.redirect(j, n) {
		return
	}
	if !n.isFull() {
		n.count(int(j.mount), 1)
		w.joined++
		w.wanting--
		w.longestWait(j)
		return
	}
	if j.hops > 0 {
		n.over++
		w.over = max(w.over, n.over)
	}
	n.mu.Lock()
	n.refused++
	n.mu.Unlock()
	if !redirect.Sends(true, int(j.hops)) || !w.redirect(j, n) {
		w.refuse(j)
	}
}

func (w *world) longestWait(j join) { w.longest = max(w.longest, w.now-int(j.since)) }

// redirect sends a listener to the node that the real choice returns. It reports false if there is none but
// this one.
func (w *world) redirect(j join, n *node) bool {
	q := relay.PickQuery{Mount: w.mounts[j.mount], Scheme: "http", Region: regionName(int(j.region))}
	base, ok := n.slaves.Pick(redirect.Aim(q, n.base, n.isFull() || n.isDraining(), int(j.hops)))
	if !ok || base == n.base {
		return false
	}
	w.redirects++
	j.hops++
	w.send(j, w.byBase[base], hopTime/3+time.Duration(w.random.Int64N(int64(hopTime*2/3))))
	return true
}

// refuse lets a listener come again later.
func (w *world) refuse(j join) {
	w.refused++
	if float64(w.known(w.nodes[j.at], int(j.mount))) > room*float64(w.places*len(w.nodes)) {
		w.refusedRoom++
	}
	w.connectAnywhere(j, retryTime)
}

// drop disconnects a part of the listeners of a node, who come back.
func (w *world) drop(n *node, part float64) {
	for m, listeners := range n.by {
		ended := int(math.Ceil(float64(listeners) * part))
		for range ended {
			w.comeBack(join{mount: uint16(m), region: w.regionOf(n)})
		}
		if ended > 0 {
			n.count(m, -ended)
		}
	}
}

// regionOf returns the region of a listener of a node: most are in that of the node.
func (w *world) regionOf(n *node) uint8 {
	if w.random.IntN(10) == 0 {
		return uint8(w.random.IntN(w.Regions))
	}
	return uint8(n.region)
}

func (n *node) isDraining() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.draining
}
