package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming/relay"
)

// node is one server: the real node of a cluster and the real choice of slaves, and counts in place of its
// listeners. The goroutine of the world alone changes it, except for what the real node sets.
type node struct {
	world       *world
	name        string
	region      int
	takesSource bool
	base        string
	places      int
	link        *link

	isReachable bool // its network is there, and it runs
	since       int  // ticks, of that
	isRunning   bool

	id     string
	peer   *cluster.Node
	slaves *relay.Slaves

	streams []*stream // by mount; nil: it has none
	pulling map[int]*pull
	pulls   []int // by mount: nodes that pull from this one
	over    int   // listeners sent here in this second though there was no place

	listed   atomic.Pointer[[]relay.Listing] // by mounts
	relisted atomic.Bool
	yielded  atomic.Pointer[[]int] // mounts

	numbers map[string]uint64 // of the last reports of other nodes

	mu        sync.Mutex // guards the rest
	draining  bool
	listeners int
	by        []int  // listeners, by mount
	offered   []bool // mounts that others or this node have
	own       []bool // mounts that this node has
	refused   int
	changes   map[string]*cluster.Stream
	changed   chan struct{}
}

// stream is a stream that a node has.
type stream struct {
	cluster.Stream
	from *node  // nil: it is of a source here
	end  func() // of the pull
	idle int    // seconds without a listener
}

func (w *world) newNode(name string, region int, takesSource bool) *node {
	n := &node{
		world: w, name: name, region: region, takesSource: takesSource, base: "http://" + name + ".example", places: w.places,
		link: w.network.link(region), by: make([]int, w.Mounts),
	}
	w.byBase[n.base] = len(w.nodes)
	w.nodes = append(w.nodes, n)
	return n
}

// start starts the node, without listeners and streams.
func (n *node) start() {
	identity := cluster.NewIdentity()
	n.isReachable, n.isRunning, n.since, n.id = true, true, n.world.now, identity.ID
	n.streams, n.pulling, n.pulls = make([]*stream, n.world.Mounts), make(map[int]*pull), make([]int, n.world.Mounts)
	n.numbers = make(map[string]uint64)
	n.listed.Store(new([]relay.Listing))
	n.yielded.Store(new([]int))
	n.mu.Lock()
	n.draining, n.listeners, n.refused = false, 0, 0
	n.by, n.offered, n.own = make([]int, n.world.Mounts), make([]bool, n.world.Mounts), make([]bool, n.world.Mounts)
	n.changes, n.changed = make(map[string]*cluster.Stream), make(chan struct{})
	n.mu.Unlock()
	n.slaves = relay.NewSlaves(n.id, func(relay.Event) {})
	n.world.byID[n.id] = n
	n.link.connect(true)
	n.peer, _ = cluster.Start(cluster.Config{ // this engine takes each subscription
		Engine: n.link, Region: regionName(n.region), Fanout: n.world.Fanout, Internal: []string{n.base}, Decode: n.world.network.Decode,
	}, n.local(identity))
}

// stop ends the node; a killed one tells nobody.
func (n *node) stop(killed bool) {
	n.isReachable, n.isRunning = false, false
	if killed {
		n.link.connect(false)
	}
	n.peer.Close()
	n.link.connect(false)
	n.slaves.Close()
}

func regionName(region int) string { return fmt.Sprintf("region%d", region+1) }

func (n *node) local(identity *cluster.Identity) cluster.Local {
	return cluster.Local{
		Host: n.name, Identity: identity,
		Report: n.report,
		Streams: func() map[string]*cluster.Stream {
			n.mu.Lock()
			defer n.mu.Unlock()
			all := n.changes
			n.changes = make(map[string]*cluster.Stream)
			return all
		},
		Changed: func() <-chan struct{} {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.changed
		},
		Register: n.register,
		List:     n.list,
		Settle:   func() {},
		Yield:    func(mount string, _ int64) { n.yield(mountIndex(mount)) },
		Hold:     n.slaves.HoldPeers,
		Limits:   func(bool, error) {},
		Warn:     func(text string, err error) { n.world.warn(fmt.Errorf("%s: %s: %w", n.name, text, err)) },
	}
}

// report is what caddymodule/state reports of a station.
func (n *node) report() relay.Report {
	n.mu.Lock()
	r := relay.Report{
		Public: []string{n.base}, Capacity: n.places, Listeners: n.listeners, Refused: n.refused, Draining: n.draining,
		Mounts: make(map[string]int, len(n.by)),
	}
	for m, listeners := range n.by {
		if n.offered[m] {
			r.Mounts[n.world.mounts[m]] = listeners
		}
	}
	n.mu.Unlock()
	own := r
	own.ID, own.Interval, own.Region = n.id, 1, regionName(n.region)
	n.slaves.SetSelf(&own)
	return r
}

// register registers the load of another node. The link calls it for one message at a time.
func (n *node) register(by *relay.Credential, r relay.Report, addr string) error {
	seq := r.Seq
	if r.Partial && n.numbers[r.ID] == seq-1 {
		if whole, ok := n.world.network.whole(&r); ok {
			r = whole
		}
	}
	_, err := n.slaves.Register(by, r, addr)
	if err == nil {
		n.numbers[r.ID] = seq
	}
	return err
}

// list takes the mounts of other nodes.
func (n *node) list(all []relay.Listing) {
	n.mu.Lock()
	copy(n.offered, n.own)
	for i := range all {
		n.offered[mountIndex(all[i].Mount)] = true
	}
	n.mu.Unlock()
	n.listed.Store(&all)
	n.relisted.Store(true)
}

// upstreams returns from where a mount may be pulled, as the real directory says.
func (n *node) upstreams(mount string) []relay.Upstream {
	all := *n.listed.Load()
	i, ok := slices.BinarySearchFunc(all, mount, func(l relay.Listing, mount string) int { return strings.Compare(l.Mount, mount) })
	if !ok {
		return nil
	}
	return all[i].Upstreams
}

// yield notes that another node owns a mount of a source here.
func (n *node) yield(mount int) {
	for {
		before := n.yielded.Load()
		after := append(slices.Clone(*before), mount)
		if n.yielded.CompareAndSwap(before, &after) {
			return
		}
	}
}

// set sets the stream of a mount, which the other nodes are told; nil: there is none.
func (n *node) set(mount int, s *stream) {
	n.streams[mount] = s
	n.mu.Lock()
	defer n.mu.Unlock()
	var told *cluster.Stream
	if s != nil {
		told = new(cluster.Stream)
		*told = s.Stream
	}
	if n.own[mount] = s != nil; s != nil {
		n.offered[mount] = true
	}
	n.changes[n.world.mounts[mount]] = told
	close(n.changed)
	n.changed = make(chan struct{})
}

// offers reports whether listeners may hear a mount here.
func (n *node) offers(mount int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.offered[mount]
}

func (n *node) isFull() bool { return n.listeners >= n.places }

// count changes the listeners of a mount.
func (n *node) count(mount, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners += by
	n.by[mount] += by
}
