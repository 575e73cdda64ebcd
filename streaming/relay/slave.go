package relay

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultInterval is the time between two requests for a master's list.
const DefaultInterval = 10 * time.Second

// SlaveConfig describes the masters of a station, or that it is a peer of other nodes.
type SlaveConfig struct {
	// IsPeer reports whether the node has peers, whose mounts Manager.List names, and no master.
	IsPeer bool

	// Masters by their base URLs, the preferred one first. A mount is pulled from the
	// first that lists it and answers.
	Masters []Upstream

	Interval   time.Duration // between lists; 0: DefaultInterval
	Timeout    time.Duration // of each answer; 0: DefaultTimeout
	OnDemand   bool          // pull mounts only while they have listeners
	NoMetadata bool          // do not request titles
	Mounts     []string      // patterns; none: all
	Public     []string      // URLs at which listeners reach this node

	// Missing returns those of some protections that a mount does not have at this node. A
	// mount of which one is missing is not pulled. It is called with the protections that all
	// masters together demand, from any goroutine, and must not call the manager. Nil: all
	// are missing.
	Missing func(mount string, required []Protection) []Protection

	Region string // of this node; empty: none

	// AsksMasters reports whether the masters decide on the listeners of protected mounts.
	AsksMasters bool

	// Report returns the load of this node for the master with an id; empty: it is unknown.
	// Refused is the number of refused listeners ever. The slave fills in ID, Public, Interval,
	// CountedBy and what numbers the reports.
	Report func(master string) Report
}

func (s *SlaveConfig) interval() time.Duration {
	if s.Interval > 0 {
		return s.Interval
	}
	return DefaultInterval
}

// allows reports whether a mount that requires some protections may be pulled.
func (s *SlaveConfig) allows(mount string, required []Protection) bool {
	return matches(s.Mounts, mount) && len(s.missing(mount, required)) == 0
}

// missing returns those of some protections that a mount does not have at this node.
func (s *SlaveConfig) missing(mount string, required []Protection) []Protection {
	if len(required) == 0 || s.Missing == nil {
		return required
	}
	return s.Missing(mount, required)
}

func (s *SlaveConfig) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// slave follows the lists of its masters. Any goroutine may call its methods, except those
// that need the manager's mu.
type slave struct {
	manager  *Manager
	ctx      context.Context
	cancel   context.CancelFunc
	watchers []*watcher // one for each master
	watching sync.WaitGroup
	settings atomic.Pointer[SlaveConfig]
	shares   *shares

	// As of the last offer, by mount. The manager's mu guards them.
	required map[string][]Protection // what the masters demand
	withheld map[string][]Protection // what is missing here, so that the mount is not pulled
	guards   *guards
}

// newSlave starts a slave, with the lists that another one had of the same masters; before
// may be nil. The manager's mu is held.
func newSlave(m *Manager, settings *SlaveConfig, before *slave) *slave {
	s := &slave{manager: m, shares: newShares(len(settings.Masters))}
	s.settings.Store(settings)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if before != nil {
		s.withheld = before.withheld
	}
	for i, master := range settings.Masters {
		w := newWatcher(s, i, master)
		if before != nil {
			for j, old := range before.watchers {
				if old.master.Load().URL == master.URL {
					w.record.inherit(&old.record)
				}
				if old.master.Load().same(master) {
					w.inherit(old)
					s.shares.inherit(i, before.shares, j)
				}
			}
		}
		s.watchers = append(s.watchers, w)
	}
	for _, w := range s.watchers {
		s.watching.Go(w.run)
	}
	m.running.Go(s.watching.Wait)
	return s
}

// adopt takes other settings. It reports false if the masters are others, so that the slave
// must be replaced.
func (s *slave) adopt(settings *SlaveConfig) bool {
	if s.settings.Load().IsPeer != settings.IsPeer || !slices.EqualFunc(s.watchers, settings.Masters, func(w *watcher, u Upstream) bool { return w.master.Load().same(u) }) {
		return false
	}
	s.settings.Store(settings)
	for i, w := range s.watchers {
		w.master.Store(&settings.Masters[i])
		w.pollNow()
	}
	return true
}

// stop ends the slave, which signs off from its masters, but not from those of the slave that
// replaces it; settings may be nil: none does. It does not wait.
func (s *slave) stop(settings *SlaveConfig) {
	for _, w := range s.watchers {
		if settings != nil && slices.ContainsFunc(settings.Masters, func(u Upstream) bool { return u.URL == w.master.Load().URL }) {
			w.replaced.Store(true)
		}
	}
	s.cancel()
	for _, w := range s.watchers {
		w.client.close()
	}
}

// pollNow asks all masters for their lists without waiting.
func (s *slave) pollNow() {
	for _, w := range s.watchers {
		w.pollNow()
	}
}

// isSettled reports whether the first request to each master has ended, or the mounts of the peers
// are known. Until then a mount on no list may still be on one that has not arrived.
func (s *slave) isSettled() bool {
	if s.settings.Load().IsPeer && s.manager.listings.Load() == nil {
		return false
	}
	return !slices.ContainsFunc(s.watchers, func(w *watcher) bool { return !w.isSettled() })
}

// allows reports whether a mount may be pulled, by the lists of the last offer. The manager's
// mu is held.
func (s *slave) allows(mount string) bool { return s.settings.Load().allows(mount, s.required[mount]) }

// offer returns the relays for the lists of the masters. Until the slave is settled, those
// offered before are among them. The manager's mu is held.
func (s *slave) offer(before []Config) []Config {
	if s.isSettled() { // asked first: a list that arrives now is in lists
		before = nil
	}
	var lists [][]listedUpstream
	for _, w := range s.watchers {
		lists = append(lists, w.upstreams())
	}
	if s.settings.Load().IsPeer {
		if listings := s.manager.listings.Load(); listings != nil {
			lists = append(lists, *listings)
		}
	}
	s.required = requiredProtections(lists, before)
	s.withheld = withheld(s.settings.Load(), s.required)
	s.guards = newGuards(s.watchers, lists, s.required)
	return keepOffers(offers(s.settings.Load(), lists, s.required), before, s.allows)
}

// countedBy returns the id of the first of several masters that is known, empty if there is one
// master only.
func (s *slave) countedBy() string {
	if len(s.watchers) > 1 {
		for _, w := range s.watchers {
			if id := w.nodeID(); id != "" {
				return id
			}
		}
	}
	return ""
}

// report returns this node's report to the master with an id.
func (s *slave) report(master string) Report {
	settings := s.settings.Load()
	var r Report
	if settings.Report != nil {
		r = settings.Report(master)
	}
	r.ID, r.Public, r.CountedBy, r.AsksMaster = s.manager.ID, settings.Public, s.countedBy(), settings.AsksMasters
	r.Region = settings.Region
	r.Interval = int(max(settings.interval(), time.Second) / time.Second)
	return r
}

// share adds to a report which part of what is free the master of a watcher may use. end must be
// called with the result of the report.
func (s *slave) share(w *watcher, r *Report) (end func(error)) {
	share, told := s.shares.begin(w.index, r.counts())
	r.Share = share
	return func(err error) {
		told(err)
		for _, i := range s.shares.changing() {
			s.watchers[i].pollNow()
		}
	}
}
