package cluster

import (
	"cmp"
	"crypto/ed25519"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

const (
	// maxNodes bounds the nodes of a cluster.
	maxNodes = 1000

	// missedSigns is how long a node may be silent.
	missedSigns = 3 * announceInterval

	// reconnectTime is how long other nodes may take to connect to an engine that is back.
	reconnectTime = 10 * time.Second

	// maxGone bounds the nodes that are remembered when they are gone.
	maxGone = 4 * maxNodes

	// maxPlaces is from how many nodes a stream may be pulled, one after another.
	maxPlaces = 4
)

// Directory is what the other nodes of a cluster have. It is no engine and has no clock: see
// Node. One goroutine at a time may use it.
type Directory struct {
	self   string // id of this node
	region string
	fanout int

	nodes  map[string]*node
	gone   map[string]goneNode
	mounts map[string]map[string]*Stream // streams by their mounts and nodes

	changed map[string]bool // mounts, since TakeChanges
}

// node is one other node.
type node struct {
	id      string
	last    Message         // its streams are in the directory
	mounts  map[string]bool // of its streams
	expires time.Time       // without another message
}

// goneNode is a node that was removed. Its old messages are not taken again, and the streams that it
// pulls go on if it only was silent.
type goneNode struct {
	seq uint64
	at  time.Time
	key ed25519.PublicKey // nil: it has left
}

// Place is a node that has a stream.
type Place struct {
	Node string // id
	Base string // URL for other nodes
}

// NewDirectory returns an empty directory of the node with the id self. fanout is how many nodes
// may pull a stream from one node.
func NewDirectory(self, region string, fanout int) *Directory {
	return &Directory{
		self: self, region: region, fanout: fanout,
		nodes: make(map[string]*node), gone: make(map[string]goneNode), mounts: make(map[string]map[string]*Stream), changed: make(map[string]bool),
	}
}

// Taken is what became of a message.
type Taken uint8

// What becomes of messages.
const (
	Applied    Taken = iota
	Ignored          // it is an old one, or there is no room
	OutOfOrder       // it does not follow the last one of that node, so that a whole one is needed
)

// Take takes a message of another node.
func (d *Directory) Take(m *Message, now time.Time) Taken {
	id := m.Report.ID
	n := d.nodes[id]
	switch {
	case id == d.self, n != nil && m.Report.Seq <= n.last.Report.Seq, n == nil && m.Report.Seq <= d.gone[id].seq:
		return Ignored
	case n == nil && (m.Report.Leaving || len(d.nodes) >= maxNodes):
		return Ignored
	case m.Report.Leaving:
		d.remove(id, goneNode{seq: m.Report.Seq, at: now})
		return Applied
	case m.Report.Partial && (n == nil || m.Report.Seq != n.last.Report.Seq+1):
		return OutOfOrder
	case m.Report.Partial && len(n.mounts)+len(m.Streams) > 2*maxStreams:
		return Ignored
	case n == nil:
		n = &node{id: id, mounts: make(map[string]bool)}
		d.nodes[id] = n
	}
	if !m.Report.Partial {
		for mount := range n.mounts {
			if m.Streams[mount] == nil {
				d.set(mount, n, nil)
			}
		}
	}
	moved := !slices.Equal(n.last.Internal, m.Internal) || n.last.Report.Region != m.Report.Region
	n.last, n.expires = *m, now.Add(missedSigns)
	n.last.Streams = nil
	for mount, s := range m.Streams {
		d.set(mount, n, s)
	}
	if moved {
		for mount := range n.mounts {
			d.changed[mount] = true
		}
	}
	return Applied
}

// set notes a stream of a node; nil: it has ended.
func (d *Directory) set(mount string, n *node, s *Stream) {
	if s == nil && !n.mounts[mount] {
		return
	}
	d.changed[mount] = true
	if s == nil {
		delete(n.mounts, mount)
		if delete(d.mounts[mount], n.id); len(d.mounts[mount]) == 0 {
			delete(d.mounts, mount)
		}
		return
	}
	if d.mounts[mount] == nil {
		d.mounts[mount] = make(map[string]*Stream)
	}
	d.mounts[mount][n.id], n.mounts[mount] = s, true
}

// remove removes a node and its streams.
func (d *Directory) remove(id string, gone goneNode) {
	n := d.nodes[id]
	if n == nil {
		return
	}
	for mount := range n.mounts {
		d.set(mount, n, nil)
	}
	delete(d.nodes, id)
	if len(d.gone) < maxGone {
		d.gone[id] = gone
	}
}

// Expire removes the nodes that were silent for too long, and returns their ids.
func (d *Directory) Expire(now time.Time) (gone []string) {
	maps.DeleteFunc(d.gone, func(_ string, g goneNode) bool { return now.Sub(g.at) > 2*maxAge })
	for id, n := range d.nodes {
		if now.After(n.expires) {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		last := &d.nodes[id].last
		d.remove(id, goneNode{seq: last.Report.Seq, at: now, key: last.Key})
	}
	return gone
}

// Extend gives all nodes time to connect again, after the engine was away.
func (d *Directory) Extend(now time.Time) {
	for _, n := range d.nodes {
		n.expires = now.Add(reconnectTime)
	}
}

// Key returns the key of a node, also of one that is silent for some minutes; nil: it is not known.
func (d *Directory) Key(id string) ed25519.PublicKey {
	if n := d.nodes[id]; n != nil {
		return n.last.Key
	}
	return d.gone[id].key
}

// TakeChanges returns the mounts that have changed since the last call.
func (d *Directory) TakeChanges() []string {
	all := slices.Sorted(maps.Keys(d.changed))
	clear(d.changed)
	return all
}

// Owner returns the node that owns a mount, and its stream; nil: no other node has a source for
// it. own is that of this node, nil if it has no source.
func (d *Directory) Owner(mount string, own *Stream) (id string, owner *Stream) {
	if own != nil {
		id, owner = d.self, own
	}
	for other, s := range d.mounts[mount] {
		if s.Local && (owner == nil || compareOwners(s, owner, other, id) < 0) {
			id, owner = other, s
		}
	}
	return id, owner
}

// compareOwners compares two sources of one mount; the lesser one has it.
func compareOwners(a, b *Stream, aID, bID string) int {
	return cmp.Or(
		cmp.Compare(b.Takeovers, a.Takeovers),
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(a.Since, b.Since),
		cmp.Compare(aID, bID),
	)
}

// rank is how good a node is to pull a mount from; the lowest is the best.
type rank uint8

const (
	nearby   rank = iota // in the region of this node
	isOwner              // it has the source
	carrying             // it has the stream from another node
	isFull               // as many nodes pull from it as may
)

// candidate is a node that a mount may be pulled from.
type candidate struct {
	Place
	rank  rank
	owns  bool
	hops  int
	pulls int
}

func compareCandidates(a, b candidate) int {
	if a.rank == b.rank && a.owns != b.owns {
		if a.owns {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.hops, b.hops), cmp.Compare(a.pulls, b.pulls), cmp.Compare(a.Node, b.Node))
}

// Places returns the nodes from which this node may pull a mount of another one, the best
// first: its owner, but before that a node of this region if the owner is in another one, and a
// node that has the stream already if the owner has given it to as many as it may. Of these,
// nodes near the source are the best, so that trees stay flat. The owner is always among them: the
// others may have the stream from this node.
func (d *Directory) Places(mount string) (places []Place, owner *Stream) {
	id, owner := d.Owner(mount, nil)
	if owner == nil {
		return nil, nil
	}
	var all []candidate
	for other, s := range d.mounts[mount] {
		c := candidate{Place: Place{other, baseOf(d.nodes[other].last.Internal)}, rank: carrying, owns: other == id, hops: s.Hops, pulls: s.Pulls}
		if c.Base == "" || s.Local && !c.owns { // it has a stream of its own
			continue
		}
		switch {
		case s.Pulls >= d.fanout:
			c.rank = isFull
		case d.region != "" && d.nodes[other].last.Report.Region == d.region:
			c.rank = nearby
		case c.owns:
			c.rank = isOwner
		}
		all = append(all, c)
	}
	slices.SortFunc(all, compareCandidates)
	if i := slices.IndexFunc(all, func(c candidate) bool { return c.owns }); i >= maxPlaces {
		all[maxPlaces-1] = all[i]
	}
	for _, c := range all[:min(len(all), maxPlaces)] {
		places = append(places, c.Place)
	}
	return places, owner
}

// baseOf returns the URL at which other nodes reach a node.
func baseOf(internal []string) string {
	if len(internal) == 0 {
		return ""
	}
	return internal[0]
}

// urlOf returns the URL of a mount at a place.
func (p *Place) urlOf(mount string) string { return p.Base + (&url.URL{Path: mount}).EscapedPath() }

// listing returns a mount of other nodes, for the relays; false: no other node owns it.
func (d *Directory) listing(mount string, upstream func(p *Place) relay.Upstream) (relay.Listing, bool) {
	places, owner := d.Places(mount)
	if len(places) == 0 {
		return relay.Listing{}, false
	}
	l := relay.Listing{Mount: mount, Protections: owner.Protections}
	for i := range places {
		l.Upstreams = append(l.Upstreams, upstream(&places[i]))
	}
	return l, true
}

// Nodes returns the other nodes, sorted by host and id.
func (d *Directory) Nodes() (all []NodeStatus) {
	for id, n := range d.nodes {
		s := NodeStatus{ID: id, Host: n.last.Host, Region: n.last.Report.Region, Internal: n.last.Internal}
		for mount := range n.mounts {
			if d.mounts[mount][id].Local {
				s.Streams = append(s.Streams, mount)
			} else {
				s.Carried = append(s.Carried, mount)
			}
		}
		slices.Sort(s.Streams)
		slices.Sort(s.Carried)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b NodeStatus) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.ID, b.ID))
	})
	return all
}
