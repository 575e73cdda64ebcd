package state

import (
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Peering is how a station is a node of a cluster.
type Peering struct {
	// Acquire returns the engine; see engine.Module.
	Acquire func() (e cluster.Engine, release func(), err error)

	cluster.Config // without its engine
}

// peer is the station as a node of a cluster, across its configurations.
type peer struct {
	identity *cluster.Identity
	node     atomic.Pointer[cluster.Node] // nil: it is no node

	mu      sync.Mutex // guards the rest
	config  cluster.Config
	release func() // of the engine; nil: it has none

	streams ownStreams

	heir atomic.Pointer[string] // id of the node of the process before this one; nil: there was none
}

// applyPeering starts, keeps or ends the node of the station.
func (st *Station) applyPeering(g *Generation) {
	p := &st.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.Peering == nil {
		st.endPeering()
		return
	}
	engine, release, err := g.Peering.Acquire()
	if err != nil {
		g.Log.Error("the station is no node of its cluster", zap.Error(err))
		st.endPeering()
		return
	}
	config := g.Peering.Config
	config.Engine = engine
	if p.node.Load() != nil && sameConfig(config, p.config) {
		release()
		return
	}
	st.closeNode() // what is known of the other nodes stays until the next one knows it
	p.streams.told = nil
	node, err := cluster.Start(config, st.localNode())
	if err != nil {
		g.Log.Error("the station is no node of its cluster", zap.Error(err))
		release()
		st.endPeering()
		return
	}
	p.config, p.release = config, release
	p.node.Store(node)
	st.share(node.Leases())
}

// endPeering ends the node, and forgets the others. mu of the peer is held.
func (st *Station) endPeering() {
	st.closeNode()
	st.slaves.HoldPeers(false)
	st.slaves.SetSelf(nil)
	st.relays.Unlist()
}

func sameConfig(a, b cluster.Config) bool {
	return a.Engine == b.Engine && a.Region == b.Region && a.Fanout == b.Fanout && a.Priority == b.Priority && slices.Equal(a.Internal, b.Internal)
}

// closeNode ends the node, which tells the others. mu of the peer is held.
func (st *Station) closeNode() {
	if node := st.peer.node.Swap(nil); node != nil {
		st.share(nil)
		node.Close()
		st.peer.release()
	}
}

// share makes the limits of listeners those of all nodes; nil: they are those of this one.
func (st *Station) share(l *cluster.Leases) {
	if l == nil {
		st.Share(nil)
		st.sessions.Share(nil)
		return
	}
	st.Share(l)
	st.sessions.Share(l)
}

// limitsChanged logs whether limits hold for the whole cluster.
func (st *Station) limitsChanged(shared bool, cause error) {
	if shared {
		st.Logger().Info("limits hold for the whole cluster again")
		return
	}
	st.Logger().Warn("limits hold for this node alone until the cluster engine answers", zap.Error(cause))
}

// closePeering ends the node of the station.
func (st *Station) closePeering() {
	st.peer.mu.Lock()
	defer st.peer.mu.Unlock()
	st.closeNode()
}

// Peer returns the station as a node of a cluster; nil: it is none.
func (st *Station) Peer() *cluster.Node { return st.peer.node.Load() }

// PeerSecret returns the secret of the proofs that the node's URLs lead to it; empty: the station is
// no node of a cluster.
func (st *Station) PeerSecret() string {
	if st.Peer() == nil {
		return ""
	}
	return st.peer.identity.Secret
}

// NodeID returns the id of the station as a node.
func (st *Station) NodeID() string { return st.peer.identity.ID }

// Inherit makes the station the heir of the node of the process before this one: what that holds of the
// limits of a cluster is this one's.
func (st *Station) Inherit(id string) { st.peer.heir.Store(&id) }

// inherited returns the id of the node of the process before this one; empty: there was none.
func (p *peer) inherited() string {
	if id := p.heir.Load(); id != nil {
		return *id
	}
	return ""
}

// localNode returns what the node of the station needs of it.
func (st *Station) localNode() cluster.Local {
	return cluster.Local{
		Host: st.node, Identity: st.peer.identity, Heir: st.peer.inherited(),
		Report:  st.peerReport,
		Streams: func() map[string]*cluster.Stream { return st.peer.streams.changes(st) },
		Changed: st.Changed,
		Register: func(by *relay.Credential, r relay.Report, addr string) error {
			_, err := st.slaves.Register(by, r, addr)
			return err
		},
		List:   st.relays.List,
		Settle: st.relays.Settle,
		Yield:  st.yield,
		Hold:   st.slaves.HoldPeers,
		Limits: st.limitsChanged,
		Warn:   func(text string, err error) { st.Logger().Warn(text, zap.Error(err)) },
		Shared: sharedBans{st},
		Obey:   st.obey,
	}
}

// peerReport returns the load of this node for the other nodes, and takes it for its own choice.
func (st *Station) peerReport() relay.Report {
	g := st.Current()
	r := g.Report("")
	if g.Relays.Slave != nil {
		r.Public = g.Relays.Slave.Public
	}
	own := r
	own.ID, own.Seq, own.Interval = st.relays.ID, 0, 1
	if g.Peering != nil {
		own.Region = g.Peering.Region
	}
	st.slaves.SetSelf(&own)
	return r
}

// yield ends the encoder of a mount that another node owns, if it is the one that has been there since.
func (st *Station) yield(mount string, since int64) {
	if m := st.Mount(mount); m != nil {
		if s := m.Source(); s != nil && s.Upstream == "" && s.Since.UnixMilli() == since {
			st.Logger().Info("source replaced by one at another node", zap.String("mount", response.Printable(mount)))
			s.Stop(streaming.Replaced)
		}
	}
}

// claim refuses an encoder whose mount has a source at another node of the cluster.
func (st *Station) claim(mount string, s *streaming.Source) error {
	node, g := st.Peer(), st.Current()
	if node == nil || g == nil {
		return nil
	}
	claim := node.Claim(mount, s.User, g.Policy(mount).Engine.Takeover)
	if claim.Owner == "" {
		s.Takeovers = claim.Takeovers
		return nil
	}
	g.Logger().Warn("source rejected: the mount has a source at another node",
		zap.String("mount", response.Printable(mount)), zap.String("node", response.Printable(claim.Owner)))
	return streaming.ErrMountInUse
}

// ownStreams are the streams of this node, as the others were told.
type ownStreams struct {
	mu    sync.Mutex
	known uint64 // changes of the engine
	told  map[string]*cluster.Stream
}

// changes returns the streams that have changed since the last call; nil: they have ended.
func (o *ownStreams) changes(st *Station) map[string]*cluster.Stream {
	o.mu.Lock()
	defer o.mu.Unlock()
	paths, all, now := st.ChangesSince(o.known)
	o.known = now
	if all || o.told == nil {
		for _, m := range st.Mounts() {
			paths = append(paths, m.Path)
		}
		for path := range o.told {
			paths = append(paths, path)
		}
	}
	if o.told == nil {
		o.told = make(map[string]*cluster.Stream)
	}
	changed := make(map[string]*cluster.Stream)
	for _, path := range paths {
		s, before := st.clusterStream(path), o.told[path]
		switch {
		case s == nil && before == nil, s != nil && before != nil && s.Equal(before):
			continue
		case s == nil:
			delete(o.told, path)
			changed[path] = nil
		default:
			told := *s
			o.told[path], changed[path] = &told, s
		}
	}
	return changed
}

// clusterStream returns the stream that a mount has of a source or of another server, as other nodes
// are told; nil: there is none, or it is hidden from them.
func (st *Station) clusterStream(path string) *cluster.Stream {
	m, g := st.Mount(path), st.Current()
	if path == "" || path[0] != '/' || m == nil || g == nil || g.Policy(path).HiddenFromSlaves {
		return nil
	}
	src := m.Source()
	stream, there := m.Stream()
	if src == nil || !there {
		return nil
	}
	s := &cluster.Stream{Type: stream.Type, Local: src.Upstream == "" || g.isOwnRelay(path), Protections: g.Protections(path)}
	if s.Local {
		s.User, s.Since, s.Takeovers = src.User, src.Since.UnixMilli(), src.Takeovers
	} else {
		s.Hops = st.relays.Hops(path)
	}
	return s
}

// isOwnRelay reports whether the configuration has a relay for a mount that plays all the time.
func (g *Generation) isOwnRelay(path string) bool {
	return slices.ContainsFunc(g.Relays.Relays, func(r relay.Config) bool { return r.Mount == path && !r.OnDemand })
}
