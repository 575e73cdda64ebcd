package cluster

import (
	"cmp"
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/streaming/relay"
)

// lister is which mounts the relays have been told of. run of the node owns it.
type lister struct {
	listings map[string]relay.Listing
	isListed bool // once
}

// list tells the relays of the mounts of other nodes, and ends the sources of this node whose
// mounts others own. If nothing is known yet, it waits until settled.
func (n *Node) list(settled bool) {
	yields := make(map[string]int64)
	n.mu.Lock()
	changes := n.directory.TakeChanges()
	for _, mount := range changes {
		own := n.own[mount]
		if own != nil && !own.Local {
			own = nil
		}
		owner, _ := n.directory.Owner(mount, own)
		if owner == n.local.Identity.ID {
			delete(n.listings, mount)
			continue
		}
		if own != nil {
			yields[mount] = own.Since
		}
		if l, ok := n.directory.listing(mount, n.upstream(mount)); ok {
			n.listings[mount] = l
		} else {
			delete(n.listings, mount)
		}
	}
	n.mu.Unlock()
	for mount, since := range yields {
		n.local.Yield(mount, since)
	}
	if len(changes) > 0 && n.isListed || settled && !n.isListed {
		n.isListed = true
		all := make([]relay.Listing, 0, len(n.listings))
		for _, mount := range slices.Sorted(maps.Keys(n.listings)) {
			all = append(all, n.listings[mount])
		}
		n.local.List(all)
	}
}

// upstream returns how a mount is pulled from a place.
func (n *Node) upstream(mount string) func(*Place) relay.Upstream {
	return func(p *Place) relay.Upstream {
		from := p.Node
		return relay.Upstream{
			URL: p.urlOf(mount), Node: from,
			Authorize: func() string { return bearer + n.local.Identity.Token(mount, from, time.Now()) },
		}
	}
}

// Claim is the answer to a source at this node that is to have a mount.
type Claim struct {
	// Takeovers is how often the mount has been taken over from another node, with this time.
	Takeovers int

	// Owner is the name of another node that owns the mount, so that the source may not have
	// it; empty: the source may.
	Owner string
}

// Claim decides whether a source at this node may have a mount: no other node owns it, or the
// source may take it over, as one with the same user, or as one at a node of a higher priority. While the engine is away, a source may have
// any mount: if another node has one too, the rule of Directory.Owner decides later.
func (n *Node) Claim(mount, user string, mayTakeOver bool) Claim {
	connected := n.IsConnected()
	n.mu.Lock()
	defer n.mu.Unlock()
	takeovers := 0
	if own := n.own[mount]; own != nil && own.Local {
		takeovers = own.Takeovers
	}
	id, stream := n.directory.Owner(mount, nil)
	switch {
	case stream == nil:
		return Claim{Takeovers: takeovers}
	case mayTakeOver && stream.User == user, n.config.Priority > stream.Priority:
		return Claim{Takeovers: min(max(takeovers, stream.Takeovers+1), maxTakeovers)}
	case !connected:
		return Claim{Takeovers: takeovers}
	}
	return Claim{Owner: cmp.Or(n.directory.nodes[id].last.Host, id)}
}

// bearer is the scheme of a token in the field Authorization.
const bearer = "Bearer "

// CheckToken returns the node that the field Authorization of a request for a mount is from;
// empty: it is from none, or this node has no stream that others may have.
func (n *Node) CheckToken(field, mount string) (node string) {
	token, ok := strings.CutPrefix(field, bearer)
	if !ok {
		return ""
	}
	node, err := checkToken(token, mount, n.local.Identity.ID, time.Now(), func(id string) ed25519.PublicKey {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.own[mount] == nil {
			return nil
		}
		return n.directory.Key(id)
	})
	if err != nil {
		return ""
	}
	return node
}

// Pull notes that another node pulls a mount, until end is called. It returns false if as many
// nodes pull it as may.
func (n *Node) Pull(mount string) (end func(), ok bool) {
	change := func(by int) {
		if n.pulls[mount] += by; n.pulls[mount] == 0 {
			delete(n.pulls, mount)
		}
		n.repulled[mount] = true
		n.notify()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pulls[mount] >= n.config.Fanout {
		return nil, false
	}
	change(1)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		change(-1)
	}, true
}

// NodeStatus is what is known of another node.
type NodeStatus struct {
	ID, Host, Region string
	Internal         []string
	Streams          []string // mounts of its own sources, sorted
	Carried          []string // mounts that it has from others, sorted
}

// Nodes returns the other nodes, sorted by host and id.
func (n *Node) Nodes() []NodeStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.directory.Nodes()
}
