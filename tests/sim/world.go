package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// tick is how exactly listeners and pulls are timed. Messages have their own times.
const tick = 20 * time.Millisecond

// learnTime is how long the others may take to know a node that is there again.
const learnTime = 3 * time.Second

// ticksPerSecond is how many there are.
const ticksPerSecond = int(time.Second / tick)

// world is the whole cluster. One goroutine runs it, beside those of the real nodes.
type world struct {
	options
	*crowd

	network *network
	nodes   []*node
	byID    map[string]*node
	byBase  map[string]int // indexes of nodes
	mounts  []string
	places  int // of each node
	now     int // ticks since the start
	began   time.Time
	due     map[int][]func() // by ticks
	random  *rand.Rand

	seconds []second
	pulled  pulled

	mu       sync.Mutex
	warnings []string
}

func newWorld(o options) *world {
	w := &world{
		options: o, byID: make(map[string]*node), byBase: make(map[string]int), due: make(map[int][]func()), random: rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // a simulation
		network: &network{links: make([][]*link, o.Regions), wholes: make(map[string]*[keptReports]relay.Report)}, began: time.Now(),
	}
	w.places = int(float64(o.Listeners)/o.Fill)/(o.Edges+o.Sources) + 1
	for m := range o.Mounts {
		w.mounts = append(w.mounts, fmt.Sprintf("/m%05d", m))
	}
	w.crowd = newCrowd(o)
	for i := range o.Sources {
		w.newNode(fmt.Sprintf("source%d", i+1), i%o.Regions, true)
	}
	for i := range o.Edges {
		w.newNode(fmt.Sprintf("edge%d", i+1), i%o.Regions, false)
	}
	for _, n := range w.nodes {
		n.start()
	}
	return w
}

// close ends all nodes.
func (w *world) close() {
	for _, n := range w.nodes {
		if n.isRunning {
			n.stop(true)
		}
	}
	time.Sleep(2 * time.Second) // for the messages that are under way
}

// mountIndex returns the number in the name of a mount.
func mountIndex(mount string) int {
	i, _ := strconv.Atoi(mount[len("/m"):])
	return i
}

// after calls do after a time.
func (w *world) after(d time.Duration, do func()) {
	at := w.now + max(1, int(d/tick))
	w.due[at] = append(w.due[at], do)
}

// run runs the world for a time, or until it is as wanted.
func (w *world) run(d time.Duration, isWanted func() bool) {
	for end := w.now + int(d/tick); w.now < end; {
		time.Sleep(time.Until(w.began.Add(time.Duration(w.now+1) * tick)))
		w.now++
		w.step()
		if w.now%ticksPerSecond == 0 {
			w.endSecond()
			if isWanted != nil && isWanted() {
				return
			}
		}
	}
}

func (w *world) step() {
	for _, n := range w.nodes {
		if n.isRunning && n.relisted.Swap(false) {
			n.retryPulls()
		}
		for _, m := range *n.yielded.Swap(new([]int)) {
			n.yieldTo(m)
		}
	}
	for _, do := range w.due[w.now] {
		do()
	}
	delete(w.due, w.now)
	w.stepCrowd()
}

// pick returns one of some nodes at random; nil: there is none.
func (w *world) pick(is func(*node) bool) *node {
	var all []*node
	for _, n := range w.nodes {
		if is(n) {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.random.IntN(len(all))]
}

// free returns the places of all nodes that take listeners.
func (w *world) free() (free int) {
	for _, n := range w.nodes {
		if n.isReachable && !n.draining {
			free += max(0, n.places-n.listeners)
		}
	}
	return free
}

// known returns the free places for a mount that a node can know of: at nodes that are there for learnTime, on
// its side of a partition, and that have the mount or can get it.
func (w *world) known(by *node, mount int) (free int) {
	for _, n := range w.nodes {
		if n.isReachable && !n.draining && w.now-n.since > int(learnTime/tick) && n.link.side.Load() == by.link.side.Load() && n.offers(mount) {
			free += max(0, n.places-n.listeners)
		}
	}
	return free
}

func (w *world) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings = append(w.warnings, err.Error())
}
