package streaming

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// takeoverTime is how long a source that is being replaced has to go.
const takeoverTime = 2 * time.Second

// Station is a set of mounts with one identity. It lives as long as the process
// serves it, whatever becomes of its settings.
type Station struct {
	Started time.Time

	settings    atomic.Pointer[Settings]
	nextID      atomic.Uint64 // of listeners
	sourceCount atomic.Int64  // len(sources)
	crowd       atomic.Int64  // listeners that have come since the last settle
	listeners   atomic.Int64
	closedAt    atomic.Pointer[time.Time] // nil: it is open

	mu      sync.RWMutex
	mounts  map[string]*Mount
	sources map[*Source]struct{}
	changed chan struct{} // closed when something else may be heard somewhere
	again   *time.Timer   // asks the director again

	settling   *time.Timer // calls settle
	start      sync.Once
	shards     atomic.Pointer[[]*shard] // nil until there is a listener
	departures *departures
	running    sync.WaitGroup // shards and the listeners' goroutines
}

// NewStation returns a station without mounts. It starts no goroutine before
// something happens. observe is called once with each listener that has
// ended, and feeds with each change of what listeners hear, from one goroutine, in
// order; they may be slow.
func NewStation(observe func(*Listener), feeds func(FeedChange)) *Station {
	st := &Station{
		Started: time.Now(),
		mounts:  make(map[string]*Mount),
		sources: make(map[*Source]struct{}),
		changed: make(chan struct{}),
	}
	st.again = time.AfterFunc(time.Hour, st.Reconsider)
	st.again.Stop()
	st.departures = newDepartures(observe, feeds)
	st.settling = time.AfterFunc(time.Hour, st.settle)
	st.settling.Stop()
	st.settings.Store(&Settings{})
	return st
}

// Apply puts settings into force, for the mounts that live too.
func (st *Station) Apply(s *Settings) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settings.Store(s)
	for _, m := range st.mounts {
		m.applySettings(s)
	}
	st.reconsider()
}

// Settings returns what is in force.
func (st *Station) Settings() *Settings { return st.settings.Load() }

// NewID returns a number that no listener has had.
func (st *Station) NewID() uint64 { return st.nextID.Add(1) }

// Listeners returns how many listeners there are.
func (st *Station) Listeners() int64 { return st.listeners.Load() }

// Mounts returns the mounts that live, in the order of their paths.
func (st *Station) Mounts() []*Mount {
	st.mu.RLock()
	defer st.mu.RUnlock()
	mounts := make([]*Mount, 0, len(st.mounts))
	for _, m := range st.mounts {
		if !m.isInternal() {
			mounts = append(mounts, m)
		}
	}
	slices.SortFunc(mounts, func(a, b *Mount) int { return strings.Compare(a.Path, b.Path) })
	return mounts
}

// Mount returns the mount that lives at a path, or nil.
func (st *Station) Mount(path string) *Mount {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.mounts[path]
}

// NewSource gives the mount at a path to a source. s has the fields that are set
// once; stop must make the reading end that Run does, and may be called from any
// goroutine. The source must be given back with End.
func (st *Station) NewSource(path string, s *Source, info Info, stop func()) error {
	s.info, s.stop, s.ended, s.Since = info, stop, make(chan struct{}), time.Now()
	deadline := time.Now().Add(takeoverTime)
	for {
		busy, err := st.tryNewSource(path, s)
		if busy == nil {
			return err
		}
		if time.Now().After(deadline) {
			return ErrMountInUse
		}
		busy.Stop(Replaced)
		select {
		case <-busy.ended:
		case <-time.After(time.Until(deadline)):
			return ErrMountInUse
		}
	}
}

// tryNewSource takes the mount, or returns the source that must go first.
func (st *Station) tryNewSource(path string, s *Source) (busy *Source, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil {
		return nil, ErrClosed
	}
	m := st.mounts[path]
	if m != nil && m.source != nil {
		if m.Settings().Takeover && m.source.User == s.User {
			return m.source, nil
		}
		return nil, ErrMountInUse
	}
	internal := path[0] != '/'
	if limit := st.settings.Load().MaxSources; limit > 0 && st.countSources() >= limit && !internal {
		return nil, ErrTooManySources
	}
	if m == nil {
		m = newMount(st, path)
		st.mounts[path] = m
	}
	if m.linger != nil {
		m.linger.Stop()
		m.linger = nil
	}
	m.meta.Store(noMetadata)
	m.source, m.announced = s, false
	s.mount.Store(m)
	st.sources[s] = struct{}{}
	st.sourceCount.Add(1)
	return nil, nil
}

// countSources returns how many sources there are that came from outside. mu is
// held.
func (st *Station) countSources() (n int) {
	for s := range st.sources {
		if !s.Mount().isInternal() {
			n++
		}
	}
	return n
}

// announce makes known what a source sends. Listeners who were promised another
// type by the source before hear what stands in for it, or are let go.
func (st *Station) announce(s *Source, contentType string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := s.Mount()
	m.own = &Stream{Type: contentType, Info: s.info, Since: s.Since}
	m.announced, m.liveSince = true, time.Now()
	st.reconsider()
}

// endSource takes the mount back from its source. Its listeners wait for the
// next one as long as the mount lingers.
func (st *Station) endSource(s *Source) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.sources, s)
	st.sourceCount.Add(-1)
	m := s.Mount()
	m.source, m.announced = nil, false
	m.log.cut(m.meta.Load())
	linger := m.Settings().Linger
	if s.Reason() == Replaced {
		linger = max(linger, takeoverTime) // the other one is at the door
	}
	if r := s.Reason(); st.closedAt.Load() != nil || r == Removed || r == ShuttingDown || m.own == nil {
		linger = 0
	}
	if linger > 0 {
		m.waits++
		wait := m.waits
		m.linger = time.AfterFunc(linger, func() { st.abandon(m, wait) })
	} else {
		m.own = nil
	}
	st.reconsider()
}

// abandon gives up a mount for which no source came back.
func (st *Station) abandon(m *Mount, wait int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if m.source == nil && m.waits == wait {
		m.linger, m.own = nil, nil
		st.reconsider()
	}
}

func (st *Station) latency() time.Duration {
	if l := st.settings.Load().Latency; l > 0 {
		return l
	}
	return DefaultLatency
}

func (st *Station) allShards() []*shard {
	if p := st.shards.Load(); p != nil {
		return *p
	}
	return nil
}

// pickShard returns the shard with the fewest listeners, starting them all when
// the first listener comes.
func (st *Station) pickShard() (*shard, error) {
	st.start.Do(func() {
		shards := make([]*shard, runtime.GOMAXPROCS(0))
		for i := range shards {
			shards[i] = newShard(st)
			st.running.Go(shards[i].run)
		}
		st.shards.Store(&shards)
	})
	shards := st.allShards()
	if len(shards) == 0 {
		return nil, ErrClosed
	}
	return slices.MinFunc(shards, func(a, b *shard) int { return int(a.load.Load() - b.load.Load()) }), nil
}

// clock is the time by which the shards' turns go.
func (st *Station) clock() time.Duration { return time.Since(st.Started) }

// notify tells all shards that something was appended.
func (st *Station) notify(now time.Duration, urgent bool) {
	for _, sh := range st.allShards() {
		sh.notify(now)
		if urgent {
			sh.hurry()
		}
	}
}

// attend makes all shards look at all their listeners soon.
func (st *Station) attend() {
	for _, sh := range st.allShards() {
		sh.attend()
	}
}
