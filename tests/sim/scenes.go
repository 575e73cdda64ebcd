package main

import (
	"slices"
	"strings"
	"time"
)

// scene is something that happens to the cluster.
type scene struct {
	name, title string
	play        func(w *world) (settled float64) // seconds until it was over, from when the fault or the flood began
}

// scenes are those after the ramp and the flood.
var scenes = []scene{
	{"region", "a region is lost", loseRegion},
	{"back", "the region is back", returnRegion},
	{"owner", "a node with sources is killed", killOwner},
	{"upgrade", "rolling upgrade by drain", upgrade},
	{"partition", "the engine is parted in two", part},
	{"engine", "the engine is away", loseEngine},
}

const (
	// lostRegion is the region that is lost. A node in it has sources.
	lostRegion = 1

	// outage is how long what fails stays away.
	outage = 20 * time.Second

	// settleTime is how long a cluster may take at most.
	settleTime = 2 * time.Minute

	// batches are how many parts of the cluster are upgraded one after another; restartTime is how long a node
	// takes.
	batches     = 20
	restartTime = 3 * time.Second
)

// simulate plays all scenes. It runs in a bubble.
func simulate(o options) *result {
	w := newWorld(o)
	defer w.close()
	r := &result{options: o}
	w.run(3*time.Second, nil)
	for m := range o.Mounts {
		w.after(time.Duration(w.random.Int64N(int64(2*time.Second))), func() { w.connectSource(m) })
	}
	w.run(5*time.Second, nil)
	r.play(w, scene{"ramp", "ramp to half of all listeners", func(w *world) float64 { return w.come(o.Listeners/2, o.Ramp) }})
	r.play(w, scene{"flood", "flood up to all listeners", func(w *world) float64 { return w.come(o.Listeners, o.Flood) }})
	for _, s := range scenes {
		if o.Scenes == "" || slices.Contains(strings.Split(o.Scenes, ","), s.name) {
			r.play(w, s)
		}
	}
	r.seconds, r.warnings = w.seconds, w.warnings
	return r
}

// settle waits until nearly all listeners have a place, or there is none, and returns the seconds since a time.
func (w *world) settle(since time.Time) float64 {
	w.run(settleTime, w.isSettled)
	settled := time.Since(since).Seconds()
	w.run(5*time.Second, nil)
	return settled
}

// isSettled reports whether nobody waits but those who come and go, or there is no room.
func (w *world) isSettled() bool {
	return w.wanting <= w.population/500 || float64(w.free()) <= room*float64(w.places*len(w.nodes))
}

// come lets listeners come until there are so many. It returns the seconds that the last one waited.
func (w *world) come(population int, speed float64) float64 {
	began := time.Now()
	duration := time.Duration(float64(population-w.population) / speed * float64(time.Second))
	w.population, w.flood = population, speed
	w.run(duration, nil)
	return w.settle(began) - duration.Seconds()
}

func loseRegion(w *world) float64 {
	began := time.Now()
	isLost := func(n *node) bool { return n.region == lostRegion }
	for _, n := range w.nodes {
		if !isLost(n) {
			continue
		}
		n.isReachable = false
		n.link.connect(false)
		w.drop(n, 1)
		w.moveSources(n)
	}
	w.breakOff(func(from, to *node) bool { return isLost(from) != isLost(to) })
	settled := w.settle(began)
	w.run(outage, nil)
	return settled
}

func returnRegion(w *world) float64 {
	began := time.Now()
	for _, n := range w.nodes {
		if n.region == lostRegion {
			n.isReachable, n.since = true, w.now
			n.link.connect(true)
		}
	}
	return w.settle(began)
}

// moveSources lets the encoders of a node connect to others.
func (w *world) moveSources(n *node) {
	for m, s := range n.streams {
		if s != nil && s.Local {
			n.set(m, nil)
			w.after(time.Second+time.Duration(w.random.Int64N(int64(2*time.Second))), func() { w.connectSource(m) })
		}
	}
}

// end ends a node, and what it pulls and is pulled from it.
func (w *world) end(n *node, killed bool) {
	w.drop(n, 1)
	w.moveSources(n)
	for m := range n.streams {
		n.endPull(m)
	}
	n.stop(killed)
	w.breakOff(func(from, _ *node) bool { return from == n })
}

func killOwner(w *world) float64 {
	began := time.Now()
	n := w.nodes[0]
	w.end(n, true)
	settled := w.settle(began)
	w.run(outage, nil)
	n.start()
	w.run(5*time.Second, nil)
	return settled
}

// upgrade drains some nodes at a time, and starts them again. It returns the seconds after the last one.
func upgrade(w *world) float64 {
	const step = 200 * time.Millisecond
	upgraded := int(float64(len(w.nodes)) * w.Upgraded)
	order := w.random.Perm(len(w.nodes))[:upgraded]
	for batch := range slices.Chunk(order, max(1, len(w.nodes)/batches)) {
		for _, i := range batch {
			w.nodes[i].drain()
		}
		steps := int(w.Drain / step)
		for left := steps; left > 0; left-- {
			for _, i := range batch {
				w.drop(w.nodes[i], 1/float64(left))
			}
			w.run(step, nil)
		}
		for _, i := range batch {
			w.end(w.nodes[i], false)
		}
		w.run(restartTime, nil)
		for _, i := range batch {
			w.nodes[i].start()
		}
	}
	return w.settle(time.Now())
}

func (n *node) drain() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.draining = true
}

// part parts the engine in two, between the regions. It returns the seconds until all nodes know each other
// again.
func part(w *world) float64 {
	for _, n := range w.nodes {
		if n.region >= w.Regions/2 {
			n.link.side.Store(1)
		}
	}
	w.run(outage, nil)
	began := time.Now()
	for _, n := range w.nodes {
		n.link.side.Store(0)
	}
	w.run(settleTime, w.isKnown)
	return w.settle(began)
}

// isKnown reports whether all nodes know each other.
func (w *world) isKnown() bool {
	return !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.slaves.Len() != len(w.nodes)-1 })
}

func loseEngine(w *world) float64 {
	for _, n := range w.nodes {
		n.link.connect(false)
	}
	w.run(outage, nil)
	began := time.Now()
	for _, n := range w.nodes {
		n.link.connect(true)
	}
	w.run(settleTime, w.isKnown)
	return w.settle(began)
}
