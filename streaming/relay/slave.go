package relay

import (
	"context"
	"slices"
	"sync"
	"time"
)

// DefaultInterval is how often a master is asked for its list.
const DefaultInterval = 10 * time.Second

// SlaveConfig is what the settings say of a station that has masters.
type SlaveConfig struct {
	// Masters by their base URLs, the best first. A mount is pulled from the
	// first that has it and answers.
	Masters []Upstream

	Interval   time.Duration // between lists; 0: DefaultInterval
	Timeout    time.Duration // of each answer; 0: DefaultTimeout
	OnDemand   bool          // mounts are pulled only while somebody hears them
	NoMetadata bool          // no titles are asked for
	Mounts     []string      // patterns; none: all
	Public     []string      // URLs where listeners reach this node

	// Report returns how the node stands; ID, Public and Interval are filled in.
	Report func() Report
}

func (s *SlaveConfig) interval() time.Duration {
	if s.Interval > 0 {
		return s.Interval
	}
	return DefaultInterval
}

// slave watches the lists of its masters.
type slave struct {
	manager *Manager
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	settings *SlaveConfig
	watchers []*watcher // of each master
}

// newSlave begins to watch, with what another one knew of the same masters; before may
// be nil. The manager's mu is held.
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

// isSettled tells whether all masters have answered, or have not, once: until then a
// mount that none lists may only not be known yet.
func (s *slave) isSettled() bool {
	return !slices.ContainsFunc(s.watchers, func(w *watcher) bool { return !w.isSettled() })
}

// keep adds to what is offered what was before, as long as not all masters are known.
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

// adopt takes new settings, and reports false if the slave must begin anew since its
// masters are others.
func (s *slave) adopt(settings *SlaveConfig) bool {
	s.mu.Lock()
	if len(settings.Masters) != len(s.watchers) {
		s.mu.Unlock()
		return false
	}
	for i, w := range s.watchers {
		if !w.master.Load().same(settings.Masters[i]) {
			s.mu.Unlock()
			return false
		}
	}
	s.settings = settings
	for i, w := range s.watchers {
		w.master.Store(&settings.Masters[i])
		w.kick()
	}
	s.mu.Unlock()
	s.manager.offered = s.offer()
	return true
}

// stop ends it without waiting.
func (s *slave) stop() { s.cancel() }

// kick asks all masters again now.
func (s *slave) kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watchers {
		w.kick()
	}
}

func (s *slave) current() *SlaveConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

func (s *slave) matches(mount string) bool { return matches(s.current().Mounts, mount) }

// offer returns a relay for each mount that a master lists, with all masters that
// have it as upstreams.
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

// report returns what a master is told.
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
