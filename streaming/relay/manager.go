package relay

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddycast/caddycast/streaming"
)

// Settings are what the configuration says of a station's relays.
type Settings struct {
	Relays []Config
	Slave  *SlaveConfig // nil: the station is nobody's slave
}

// Manager keeps the relays of a station.
type Manager struct {
	// ID is the name of this node for others. It is another one after each start.
	ID string

	station     *streaming.Station
	agent       string
	observe     func(Event)
	preferEvery time.Duration

	view atomic.Pointer[map[string]*puller] // the pullers, for those who may take no lock

	mu      sync.Mutex
	relays  []Config
	slave   *slave
	offered []Config // of the slave's masters
	pullers map[string]*puller
	closed  bool
	running sync.WaitGroup
}

// NewManager returns the manager of a station, without relays. It names itself to
// upstreams as agent. observe is called with each change, from any goroutine.
func NewManager(station *streaming.Station, agent string, observe func(Event)) *Manager {
	m := &Manager{
		ID: newID(), station: station, agent: agent, observe: observe, preferEvery: preferEvery,
		pullers: make(map[string]*puller),
	}
	m.view.Store(&map[string]*puller{})
	return m
}

// Apply puts settings into force. Relays whose upstream is still among theirs go on.
func (m *Manager) Apply(s Settings) {
	m.apply(s)
	m.station.Reconsider() // other mounts are to be had, perhaps
}

func (m *Manager) apply(s Settings) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.relays = s.Relays
	before := m.slave
	if m.slave != nil && (s.Slave == nil || !m.slave.adopt(s.Slave)) {
		m.slave.stop()
		m.slave = nil
	}
	if s.Slave == nil {
		m.offered = nil
	} else if m.slave == nil {
		m.slave = newSlave(m, s.Slave, before)
		m.offered = m.slave.keep(m.slave.offer(), m.offered)
	}
	m.reconcile()
}

// Close ends all relays and waits for them.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	if m.slave != nil {
		m.slave.stop()
	}
	for _, p := range m.pullers {
		p.stop(streaming.ShuttingDown)
	}
	m.mu.Unlock()
	m.running.Wait()
}

// mirror makes relays of what the slave's masters offer now.
func (m *Manager) mirror(from *slave) {
	m.mu.Lock()
	stale := m.closed || m.slave != from
	if !stale {
		m.offered = from.keep(from.offer(), m.offered)
		m.reconcile()
	}
	m.mu.Unlock()
	if !stale {
		m.station.Reconsider()
	}
}

// reconcile starts and ends relays until they are those that are wanted. Those that
// are written out win over those that a master lists. mu is held.
func (m *Manager) reconcile() {
	wanted := make(map[string]*Config)
	for _, relays := range [][]Config{m.relays, m.offered} {
		for i := range relays {
			if r := &relays[i]; wanted[r.Mount] == nil {
				wanted[r.Mount] = r
			}
		}
	}
	for mount, p := range m.pullers {
		if r := wanted[mount]; r == nil {
			m.dismiss(p)
		} else if !p.adopt(r) {
			p.stop(streaming.Replaced)
			m.begin(r)
		}
	}
	for mount, r := range wanted {
		if m.pullers[mount] == nil {
			m.begin(r)
		}
	}
	view := maps.Clone(m.pullers)
	m.view.Store(&view)
}

// begin starts a relay. mu is held.
func (m *Manager) begin(r *Config) {
	p := newPuller(m, r)
	m.pullers[r.Mount] = p
	m.running.Go(p.run)
}

// dismiss ends a relay that is not wanted any more: at once, or, if it is on a list
// no more, when what is on its way has come. mu is held.
func (m *Manager) dismiss(p *puller) {
	if p.settings.Load().mirrored && m.slave != nil && m.slave.matches(p.mount) && p.source.Load() != nil {
		p.leave()
		return
	}
	p.stop(streaming.Removed)
	delete(m.pullers, p.mount)
}

// left is called when a relay that was on its way out has ended.
func (m *Manager) left(p *puller) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pullers[p.mount] == p && p.isLeaving() {
		p.stop(streaming.Finished)
		delete(m.pullers, p.mount)
		view := maps.Clone(m.pullers)
		m.view.Store(&view)
	}
}

func (m *Manager) tell(e Event) { m.observe(e) }

// broke tells the slave that a relay has ended by itself, so its masters may have
// news.
func (m *Manager) broke(r *Config) {
	if !r.mirrored {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave != nil {
		m.slave.kick()
	}
}

// kickMirrored makes the relays that are on a master's list try again now.
func (m *Manager) kickMirrored() {
	for _, p := range *m.view.Load() {
		if p.settings.Load().mirrored && p.source.Load() == nil {
			p.kick()
		}
	}
}

func (m *Manager) puller(mount string) *puller { return (*m.view.Load())[mount] }

// Offers tells whether a mount is fed on demand, and was of that kind when it was last
// heard; empty: of any.
func (m *Manager) Offers(mount, kind string) bool {
	p := m.puller(mount)
	if p == nil || !p.settings.Load().OnDemand {
		return false
	}
	last := p.kind.Load()
	return kind == "" || last == nil || *last == kind
}

// PulledOnlyFrom tells whether a mount that does not play could only be pulled from a node:
// to list it there would keep it on both lists for ever.
func (m *Manager) PulledOnlyFrom(mount, node string) bool {
	p := m.puller(mount)
	if p == nil || node == "" || p.source.Load() != nil {
		return false
	}
	return !slices.ContainsFunc(p.settings.Load().Upstreams, func(u Upstream) bool { return u.node != node })
}

// Failing tells whether a relay could not be played, or takes its time.
func (m *Manager) Failing(mount string) bool {
	p := m.puller(mount)
	return p != nil && p.failing.Load()
}

// StartOnDemand starts a relay that is pulled on demand. It takes no lock.
func (m *Manager) StartOnDemand(mount string) {
	if p := m.puller(mount); p != nil {
		p.summon()
	}
}

// Mounts returns the mounts that are fed by relays.
func (m *Manager) Mounts() []string { return slices.Sorted(maps.Keys(*m.view.Load())) }

// Statuses returns how the relays stand, by their mounts.
func (m *Manager) Statuses() []Status {
	var links []Status
	for _, p := range *m.view.Load() {
		links = append(links, p.status())
	}
	slices.SortFunc(links, func(a, b Status) int { return strings.Compare(a.Mount, b.Mount) })
	return links
}

// AddDownstream notes that the nodes of a request's PathHeader wait for a mount, until done is
// called. A relay that is dialed for them says so to its upstream.
func (m *Manager) AddDownstream(mount, field string) (done func()) {
	p, ids := m.puller(mount), ParsePath(field)
	if p == nil || len(ids) == 0 {
		return func() {}
	}
	p.expect(ids, 1)
	return func() { p.expect(ids, -1) }
}

// CheckLoop is asked before the stream of a mount is sent to the nodes of a request's
// PathHeader. It returns what the answer says in that field, or ErrLoop if the stream
// comes from one of them.
func (m *Manager) CheckLoop(mount, field string) (string, error) {
	path := []string{m.ID}
	if at := m.station.Mount(mount); at != nil {
		if s := at.Source(); s != nil && s.Upstream == "" {
			return formatPath(path), nil // it begins here
		}
	}
	if p := m.puller(mount); p != nil {
		path = append(path, p.path()...)
	}
	for _, id := range ParsePath(field) {
		if slices.Contains(path, id) {
			return "", ErrLoop
		}
	}
	return formatPath(path), nil
}
