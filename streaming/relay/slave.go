package relay

import (
	"context"
	"slices"
	"sync"
	"time"
)

// DefaultInterval is the time between two requests for a master's list.
const DefaultInterval = 10 * time.Second

// SlaveConfig describes the masters of a station.
type SlaveConfig struct {
	// Masters by their base URLs, the preferred one first. A mount is pulled from the
	// first that lists it and answers.
	Masters []Upstream

	Interval   time.Duration // between lists; 0: DefaultInterval
	Timeout    time.Duration // of each answer; 0: DefaultTimeout
	OnDemand   bool          // pull mounts only while they have listeners
	NoMetadata bool          // do not request titles
	Mounts     []string      // patterns; none: all
	Public     []string      // URLs at which listeners reach this node

	// Report returns the load of this node. The slave fills in ID, Public and Interval.
	Report func() Report
}

func (s *SlaveConfig) interval() time.Duration {
	if s.Interval > 0 {
		return s.Interval
	}
	return DefaultInterval
}

func (s *SlaveConfig) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// slave follows the lists of its masters. It is never changed but for its settings.
type slave struct {
	manager *Manager
	ctx     context.Context
	cancel  context.CancelFunc

	watchers []*watcher // one for each master; set once

	mu       sync.Mutex
	settings *SlaveConfig
}

// newSlave starts a slave, with the lists that another one had of the same masters; before
// may be nil. The manager's mu is held.
func newSlave(m *Manager, settings *SlaveConfig, before *slave) *slave {
	s := &slave{manager: m, settings: settings}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, master := range settings.Masters {
		w := newWatcher(s, master)
		if before != nil {
			for _, old := range before.watchers {
				if old.master.Load().same(master) {
					w.inherit(old)
				}
			}
		}
		s.watchers = append(s.watchers, w)
	}
	for _, w := range s.watchers {
		m.running.Go(w.run)
	}
	return s
}

// isSettled reports whether the first request to each master has ended. Until then a mount
// on no list may still be on one that has not arrived.
func (s *slave) isSettled() bool {
	return !slices.ContainsFunc(s.watchers, func(w *watcher) bool { return !w.isSettled() })
}

// keep adds the relays offered before to those offered now, until the slave is settled.
func (s *slave) keep(offered, before []Config) []Config {
	if s.isSettled() {
		return offered
	}
	for _, old := range before {
		i := slices.IndexFunc(offered, func(r Config) bool { return r.Mount == old.Mount })
		if i < 0 {
			if s.matches(old.Mount) {
				offered = append(offered, old)
			}
			continue
		}
		for _, u := range old.Upstreams {
			if !slices.ContainsFunc(offered[i].Upstreams, u.same) {
				offered[i].Upstreams = append(offered[i].Upstreams, u)
			}
		}
	}
	return offered
}

// adopt takes other settings. It reports false if the masters are others, so that the slave
// must be replaced. The manager's mu is held.
func (s *slave) adopt(settings *SlaveConfig) bool {
	if !slices.EqualFunc(s.watchers, settings.Masters, func(w *watcher, u Upstream) bool { return w.master.Load().same(u) }) {
		return false
	}
	s.mu.Lock()
	s.settings = settings
	s.mu.Unlock()
	for i, w := range s.watchers {
		w.master.Store(&settings.Masters[i])
		w.pollNow()
	}
	s.manager.offered = s.offer()
	return true
}

// stop ends the slave. It does not wait.
func (s *slave) stop() { s.cancel() }

// pollNow asks all masters for their lists without waiting.
func (s *slave) pollNow() {
	for _, w := range s.watchers {
		w.pollNow()
	}
}

func (s *slave) current() *SlaveConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// matches reports whether the settings allow a mount.
func (s *slave) matches(mount string) bool { return matches(s.current().Mounts, mount) }

// offer returns a relay for each mount on a master's list, with all masters that list it as
// upstreams.
func (s *slave) offer() []Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Config
	at := make(map[string]int)
	for _, w := range s.watchers {
		for _, l := range w.listed() {
			if !matches(s.settings.Mounts, l.mount) {
				continue
			}
			i, ok := at[l.mount]
			if !ok {
				i = len(all)
				at[l.mount] = i
				all = append(all, Config{
					Mount: l.mount, OnDemand: s.settings.OnDemand, NoMetadata: s.settings.NoMetadata,
					Timeout: s.settings.Timeout, mirrored: true,
				})
			}
			all[i].Upstreams = append(all[i].Upstreams, w.upstream(l.url))
		}
	}
	return all
}

// report returns this node's report to its masters.
func (s *slave) report() Report {
	settings := s.current()
	var r Report
	if settings.Report != nil {
		r = settings.Report()
	}
	r.ID, r.Public = s.manager.ID, settings.Public
	r.Interval = int(max(settings.interval(), time.Second) / time.Second)
	return r
}
