package state

import (
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// Report returns what this station, as a slave, reports to the master with an id; the id is
// empty if it is unknown.
func (g *Generation) Report(master string) relay.Report {
	capacity := g.Limits.Listeners
	if files := maxFiles(); capacity == 0 || files > 0 && files < capacity {
		capacity = files
	}
	r := relay.Report{
		Capacity:     capacity,
		Listeners:    int(g.Listeners()),
		MaxBandwidth: g.Limits.Bandwidth,
		Kbps:         g.traffic.kbps(g.Station.Station),
		Mounts:       make(map[string]int),
		Room:         make(map[string]int),
		Below:        g.slaves.Below(master),
		Refused:      int(g.refusedListeners.Load()),
		Draining:     g.Draining() != nil,
	}
	for _, p := range g.StreamList().Paths() { // sorted
		listeners := 0
		if m := g.Mount(p); m != nil {
			listeners = int(m.Stats().Listeners)
		}
		r.Mounts[p] = listeners
		policy := g.Policy(p)
		if limit := policy.Engine.MaxListeners; limit > 0 {
			r.Room[p] = g.room(p, limit, listeners)
		}
		if policy.HLS != nil {
			r.HLS = append(r.HLS, p)
		}
	}
	r.Edges = g.slaves.Edges(master, r.Mounts)
	return r
}

// room returns how many places of a mount are left, for its listeners here or, at a node of a cluster,
// for those of all nodes.
func (st *Station) room(mount string, limit, listeners int) int {
	if node := st.Peer(); node != nil {
		return node.Leases().Left(streaming.QuotaMount, mount, limit)
	}
	return max(0, limit-listeners)
}

// ListenerRefused notes that a listener was refused since a limit is reached. The masters get a
// report soon, so that they send no more listeners.
func (st *Station) ListenerRefused() {
	st.refusedListeners.Add(1)
	st.relays.ReportSoon()
}

// PublicURL returns the base URL with a scheme at which masters send listeners to this node; empty:
// none.
func (g *Generation) PublicURL(scheme string) string {
	if g.Relays.Slave == nil {
		return ""
	}
	for _, base := range g.Relays.Slave.Public {
		if strings.HasPrefix(base, scheme+"://") {
			return base
		}
	}
	return ""
}

// traffic measures the bandwidth of a station.
type traffic struct {
	mu    sync.Mutex
	at    time.Time         // of the last measurement
	sent  map[string]uint64 // by mount, at that time
	speed int               // kbit/s
}

// kbps returns the kbit/s sent between the last two calls that are a second apart or more.
func (t *traffic) kbps(st *streaming.Station) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	elapsed := now.Sub(t.at)
	if elapsed < time.Second {
		return t.speed
	}
	sent := make(map[string]uint64)
	var fresh uint64
	for _, m := range st.Mounts() {
		n := m.Stats().BytesSent
		sent[m.Path] = n
		if before := t.sent[m.Path]; n >= before {
			fresh += n - before
		}
	}
	if !t.at.IsZero() {
		t.speed = int(float64(fresh) * 8 / 1000 / elapsed.Seconds())
	}
	t.at, t.sent = now, sent
	return t.speed
}

// relayChanged logs and announces an event of a relay, a master or a slave.
func (st *Station) relayChanged(e relay.Event) {
	log := st.Logger()
	st.announceRelay(e)
	switch e.Kind {
	case relay.SlaveLeft, relay.SlaveVerified, relay.SlaveUnverified, relay.SlaveDrained, relay.SlaveUndrained:
		st.relays.ReportSoon() // other edges are passed on
	}
	switch e.Kind {
	case relay.Up:
		log.Info("relay connected", zap.String("mount", e.Mount), zap.String("upstream", e.Upstream))
	case relay.Down:
		log.Info("relay disconnected", zap.String("mount", e.Mount), zap.String("upstream", e.Upstream),
			zap.String("reason", e.Cause), zap.Duration("duration", e.Duration))
	case relay.Failed:
		log.Warn("relay failed; retrying", zap.String("mount", e.Mount), zap.String("error", e.Cause))
	case relay.SlaveJoined:
		log.Info("slave joined", zap.String("slave", e.Slave))
	case relay.SlaveLeft:
		st.remote.EndNode(e.Node)
		log.Info("slave left", zap.String("slave", e.Slave), zap.String("reason", e.Cause))
	case relay.SlaveRejected:
		log.Warn("report of a slave rejected", zap.String("slave", response.Printable(e.Slave)), zap.String("error", response.Printable(e.Cause)))
	case relay.SlaveVerified:
		log.Info("public URL of a slave verified", zap.String("slave", e.Slave), zap.String("url", e.Upstream))
	case relay.SlaveUnverified:
		log.Warn("public URL of a slave not verified; no listeners are sent there",
			zap.String("slave", e.Slave), zap.String("url", e.Upstream), zap.String("error", response.Printable(e.Cause)))
	case relay.SlaveDrained:
		log.Info("slave drained", zap.String("slave", e.Slave))
	case relay.SlaveUndrained:
		log.Info("slave no longer drained", zap.String("slave", e.Slave))
	case relay.MasterUp:
		log.Info("master connected", zap.String("master", e.Upstream))
	case relay.MasterDown:
		log.Warn("master unavailable; keeping its last list and retrying",
			zap.String("master", e.Upstream), zap.String("error", response.Printable(e.Cause)))
	case relay.ReportRefused:
		log.Warn("report not taken by a master", zap.String("master", e.Upstream), zap.String("reason", response.Printable(e.Cause)))
	case relay.Withheld:
		log.Warn("mount of a master not pulled, its protection is missing here",
			zap.String("mount", response.Printable(e.Mount)), zap.String("missing", response.Printable(e.Cause)))
	}
}
