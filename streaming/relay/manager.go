package relay

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// Settings are the relays of a station, by its configuration.
type Settings struct {
	Relays []Config
	Slave  *SlaveConfig // nil: the station has no master
}

// Manager runs the relays of a station. Any goroutine may call its methods.
type Manager struct {
	// ID names this node to others. Each start makes another one.
	ID string

	station        *streaming.Station
	agent          string
	observe        func(Event)
	preferInterval time.Duration

	view   atomic.Pointer[map[string]*relay] // a copy of relays, readable without a lock
	nodes  atomic.Pointer[map[string]bool]   // ids of the servers that the relays pull from
	guards atomic.Pointer[guards]            // of the slave; nil: there is none
	ends   endQueue

	listings atomic.Pointer[[]listedUpstream] // mounts of the peers; nil: they are not known yet

	mu      sync.Mutex
	configs []Config // of the configuration
	slave   *slave   // nil: there is no master
	offered []Config // by the slave's masters
	relays  map[string]*relay
	closed  bool
	done    chan struct{} // closed by Close
	running sync.WaitGroup
}

// NewManager returns the manager of a station, without relays. Upstreams see agent as the
// user agent. observe is called for each change, by any goroutine.
func NewManager(station *streaming.Station, agent string, observe func(Event)) *Manager {
	m := &Manager{
		ID: newID(), station: station, agent: agent, observe: observe, preferInterval: preferInterval,
		relays: make(map[string]*relay), done: make(chan struct{}),
	}
	m.view.Store(&map[string]*relay{})
	m.nodes.Store(&map[string]bool{})
	return m
}

// Apply takes new settings. A relay whose upstream is still configured plays on.
func (m *Manager) Apply(s Settings) {
	m.observeAll(m.apply(s))
	m.station.Reconsider() // other mounts may be available
}

func (m *Manager) observeAll(events []Event) {
	for _, e := range events {
		m.observe(e)
	}
}

// apply returns the events for the caller to announce, without the lock.
func (m *Manager) apply(s Settings) (events []Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.configs = s.Relays
	before := m.slave
	if m.slave != nil && (s.Slave == nil || !m.slave.adopt(s.Slave)) {
		m.slave.stop(s.Slave)
		m.slave = nil
	}
	if s.Slave == nil {
		m.offered = nil
		m.guards.Store(nil)
	} else {
		if m.slave == nil {
			m.slave = newSlave(m, s.Slave, before)
		}
		events = m.takeOffers()
	}
	m.reconcile()
	return events
}

// takeOffers takes the relays that the masters of the slave offer now. It returns the events for
// the mounts that are withheld since. mu is held.
func (m *Manager) takeOffers() []Event {
	before := m.slave.withheld
	m.offered = m.slave.offer(m.offered)
	m.slave.guards.keep(m.guards.Load(), m.slave.watchers, m.slave.required, func(mount string) bool {
		r := m.relays[mount]
		return r != nil && r.settings.Load().mirrored
	})
	m.guards.Store(m.slave.guards)
	return newlyWithheld(before, m.slave.withheld)
}

// IsSettled reports whether each master of the node has answered or failed once.
func (m *Manager) IsSettled() bool {
	m.mu.Lock()
	s := m.slave
	m.mu.Unlock()
	return s == nil || s.isSettled()
}

// SignOff ends the reports to the masters, the last of which says that this node ends. It waits
// for that until ctx ends. The relays play on.
func (m *Manager) SignOff(ctx context.Context) {
	m.mu.Lock()
	s := m.slave
	m.mu.Unlock()
	if s == nil {
		return
	}
	s.stop(nil)
	done := make(chan struct{})
	m.running.Go(func() {
		s.watching.Wait()
		close(done)
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close ends all relays and waits for their ends.
func (m *Manager) Close() {
	m.mu.Lock()
	if !m.closed {
		close(m.done)
	}
	m.closed = true
	if m.slave != nil {
		m.slave.stop(nil)
	}
	for _, r := range m.relays {
		r.stop(streaming.ShuttingDown)
	}
	m.mu.Unlock()
	m.ends.close()
	m.running.Wait()
}

// listChanged takes the relays that the masters of a slave offer now.
func (m *Manager) listChanged(from *slave) {
	m.mu.Lock()
	stale := m.closed || m.slave != from
	var events []Event
	if !stale {
		events = m.takeOffers()
		m.reconcile()
	}
	m.mu.Unlock()
	if !stale {
		m.observeAll(events)
		m.station.Reconsider()
	}
}

// reconcile starts, changes and ends relays by their configurations. mu is held.
func (m *Manager) reconcile() {
	configs := merge(m.configs, m.offered)
	p := newPlan(m.relays, configs)
	for _, mount := range p.remove {
		m.remove(m.relays[mount])
	}
	for _, mount := range p.update {
		if r := m.relays[mount]; !r.adopt(configs[mount]) {
			r.stop(streaming.Replaced)
			m.start(configs[mount])
		}
	}
	for _, mount := range p.start {
		m.start(configs[mount])
	}
	m.publish()
}

// start starts a relay. mu is held.
func (m *Manager) start(c *Config) {
	r := newRelay(m, c)
	m.relays[c.Mount] = r
	m.running.Go(r.run)
}

// remove ends a relay without configuration. One that plays, and whose mount has left a
// master's list, ends with its stream; but not if a master demands a protection that this
// node lacks. mu is held.
func (m *Manager) remove(r *relay) {
	if r.settings.Load().mirrored && m.slave != nil && m.slave.allows(r.mount) && r.source.Load() != nil {
		r.leave()
		return
	}
	r.stop(streaming.Removed)
	delete(m.relays, r.mount)
}

// finishLeaving ends a relay that is still leaving.
func (m *Manager) finishLeaving(r *relay) {
	m.mu.Lock()
	ends := m.relays[r.mount] == r && r.isLeaving()
	if ends {
		r.stop(streaming.Finished)
		delete(m.relays, r.mount)
		m.publish()
	}
	m.mu.Unlock()
	if ends {
		m.station.Touch(r.mount)
	}
}

// publish makes the relays readable without a lock. mu is held.
func (m *Manager) publish() {
	view := maps.Clone(m.relays)
	m.view.Store(&view)
	nodes := make(map[string]bool)
	for _, r := range view {
		for _, u := range r.settings.Load().Upstreams {
			nodes[u.Node] = true
		}
	}
	m.nodes.Store(&nodes)
}

// upstreamLost asks the masters for their lists when a relay they list has ended by itself.
func (m *Manager) upstreamLost(c *Config) {
	if !c.mirrored {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave != nil {
		m.slave.pollNow()
	}
}

// retryMirrored begins the next attempt of waiting relays of a master's list.
func (m *Manager) retryMirrored(mounts ...string) {
	for _, mount := range mounts {
		if r := m.relay(mount); r != nil && r.settings.Load().mirrored && r.source.Load() == nil {
			r.retryNow()
		}
	}
}

// retryAllMirrored is retryMirrored for all of them.
func (m *Manager) retryAllMirrored() {
	m.retryMirrored(slices.Collect(maps.Keys(*m.view.Load()))...)
}

func (m *Manager) relay(mount string) *relay { return (*m.view.Load())[mount] }

// Offers reports whether a mount is pulled on demand, and its last stream was of a kind;
// an empty kind stands for any.
func (m *Manager) Offers(mount, kind string) bool {
	r := m.relay(mount)
	if r == nil || !r.settings.Load().OnDemand {
		return false
	}
	last := r.kind.Load()
	return kind == "" || last == nil || *last == kind
}

// Failing reports whether a relay failed, or takes longer than listeners wait. It takes no
// lock.
func (m *Manager) Failing(mount string) bool {
	r := m.relay(mount)
	return r != nil && r.delayed.Load()
}

// StartOnDemand starts a relay that is pulled on demand. It takes no lock.
func (m *Manager) StartOnDemand(mount string) {
	if r := m.relay(mount); r != nil {
		r.startOnDemand()
	}
}

// Has reports whether a mount is fed by a relay.
func (m *Manager) Has(mount string) bool { return m.relay(mount) != nil }

// Mounts returns the mounts of all relays, sorted.
func (m *Manager) Mounts() []string { return slices.Sorted(maps.Keys(*m.view.Load())) }

// Statuses returns the status of all relays, sorted by mount.
func (m *Manager) Statuses() []Status {
	var all []Status
	for _, r := range *m.view.Load() {
		all = append(all, r.currentStatus())
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Mount, b.Mount) })
	return all
}
